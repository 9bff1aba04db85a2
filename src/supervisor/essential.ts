/** Essential processes: when one of them ends for good, or can never start, the whole run ends with its exit code. */
import { blockersOf } from './dependencies.ts'
import type { EventFeed } from './events/event-feed.ts'
import type { SupervisedProcess } from './process/process.ts'
import type { RestartDecision } from './process/restart.ts'
import type { ProcessSet } from './process-set.ts'
import type { ProcessStatus } from './status.ts'

/** Emits the events on which Gatehouse stops everything. */
export class EssentialWatch {
  readonly #processes: ProcessSet
  readonly #feed: EventFeed
  #foundBlocked = false

  constructor(processes: ProcessSet, feed: EventFeed) {
    this.#processes = processes
    this.#feed = feed
  }

  /** Any process failed for good. */
  failed({ plan: { name, essential } }: SupervisedProcess, { exitCode, reason }: RestartDecision): void {
    if (!essential) return
    const message = 'failed and is essential; stopping everything'
    this.#feed.emit({ type: 'essential-failed', process: name, message, exitCode, reason })
  }

  /** Any service ended well, and its policy does not restart it. */
  endedWell(process: SupervisedProcess): void {
    const { name, essential } = process.plan
    if (!essential) return
    const reason = `${process.status().reason}`
    const message = `${reason}; it is essential and not restarted; stopping everything`
    this.#feed.emit({ type: 'essential-ended', process: name, message, exitCode: 0, reason })
  }

  /**
   * An essential process that waits in vain counts as failed, with the exit code of what it waits for: otherwise the
   * container would run on without it for ever. To be called when any process has changed; reported once.
   */
  checkBlocked(): void {
    if (this.#foundBlocked) return
    const { byName } = this.#processes
    for (const { plan, state } of byName.values()) {
      if (state !== 'waiting' || !plan.essential) continue
      const [blocker] = blockersOf(plan, byName)
      const cause = blocker === undefined ? undefined : byName.get(blocker)
      if (!cause) continue
      const { reason: why, exitCode = 1 } = cause.finalFailure ?? {}
      const reason = `waits for ${blocker}, which ${why === undefined ? 'has ended' : asPredicate(why)}`
      const message = `${reason}; it is essential; stopping everything`
      this.#foundBlocked = true
      this.#feed.emit({ type: 'essential-failed', process: plan.name, message, exitCode, reason })
      return
    }
  }
}

/** For the status: the processes that are down for good, because of which this one can never start. */
export function blockedByOf(
  { plan, state }: SupervisedProcess,
  processes: ReadonlyMap<string, SupervisedProcess>,
): Pick<ProcessStatus, 'blockedBy'> {
  const blockedBy = state === 'waiting' ? blockersOf(plan, processes) : []
  return blockedBy.length > 0 ? { blockedBy } : {}
}

/** The reason of a program that could not be spawned begins with an option: `command: the program x does not exist`. */
function asPredicate(why: string): string {
  return /^[\w.]+: /.test(why) ? `could not be started (${why})` : why
}
