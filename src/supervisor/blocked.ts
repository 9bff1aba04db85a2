/** Processes that wait in vain: what they need is down, and nobody starts it again. */
import { blockersOf } from './dependencies.ts'
import type { EventFeed } from './events/event-feed.ts'
import type { SupervisedProcess } from './process/process.ts'
import type { ProcessStatus } from './status.ts'

type Processes = ReadonlyMap<string, SupervisedProcess>

/** What a status says of it besides what the process knows itself. */
export function blockFactsOf(
  { plan, state }: SupervisedProcess,
  processes: Processes,
): Pick<ProcessStatus, 'blockedBy'> {
  const blockedBy = state === 'waiting' ? blockersOf(plan, processes) : []
  return blockedBy.length > 0 ? { blockedBy } : {}
}

/**
 * An essential process that waits in vain ends the run as if it had failed itself, with the exit code of what failed: else the
 * container would go on without it, for ever. To be called when any process has changed, until it returns that the run is to end.
 */
export function endForBlocked(processes: Processes, feed: EventFeed): boolean {
  for (const { plan, state } of processes.values()) {
    if (state !== 'waiting' || !plan.essential) continue
    const [blocker] = blockersOf(plan, processes)
    const cause = blocker === undefined ? undefined : processes.get(blocker)
    if (!cause) continue
    const { reason: why, exitCode = 1 } = cause.finalFailure ?? {}
    const reason = `waits for ${blocker}, which ${why === undefined ? 'has ended' : asPredicate(why)}`
    const message = `${reason}; it is essential: everything stops`
    feed.emit({ type: 'essential-failed', process: plan.name, message, exitCode, reason })
    return true
  }
  return false
}

/** What was wrong before there was a program begins with the option: `command: the program x does not exist`. */
function asPredicate(why: string): string {
  return /^[\w.]+: /.test(why) ? `could not be started (${why})` : why
}
