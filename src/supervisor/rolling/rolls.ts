import { needsRestart, processChanges } from '../../plan/diff/process-changes.ts'
import type { ProcessPlan } from '../../plan/model/plan.ts'
import type { Log } from '../../shared/log.ts'
import type { KeptProcess } from '../applied.ts'
import type { EventFeed } from '../events/event-feed.ts'
import type { Role } from '../events/events.ts'
import type { SupervisedProcess } from '../process/process.ts'
import type { ProcessCopy, ProcessStatus } from '../status.ts'
import { type Drain, Roll } from './roll.ts'

export interface RollsOptions {
  create(plan: ProcessPlan): SupervisedProcess
  /** Puts `after` in the place of `before`. */
  replace(before: SupervisedProcess, after: SupervisedProcess): void
  readonly feed: EventFeed
  readonly log: Log
  readonly drain?: Drain
}

/** The rolling restarts under way. */
export class Rolls {
  readonly #options: RollsOptions
  readonly #rolls = new Set<Roll>()

  constructor(options: RollsOptions) {
    this.#options = options
  }

  /** Resolves when `before` was replaced by a process of this plan (empty), or is kept (with the reason). */
  async begin(before: SupervisedProcess, plan: ProcessPlan): Promise<readonly KeptProcess[]> {
    const { create, feed, log, drain } = this.#options
    const after = create(plan)
    const takeOver = () => this.#takeOver(before, after)
    const roll = new Roll({ before, after, log, takeOver, ...(drain && { drain }) })
    this.#rolls.add(roll)
    roll.begin()
    const reason = await roll.done
    this.#rolls.delete(roll)
    if (reason === undefined) return []
    const message = `keeps running as it is: its successor ${reason}`
    feed.emit({ type: 'roll-failed', process: plan.name, message, reason })
    return [{ process: plan.name, reason }]
  }

  #takeOver(before: SupervisedProcess, after: SupervisedProcess): void {
    before.release()
    this.#options.replace(before, after)
    const { name, ready, pid } = after.status()
    const message = `was replaced: pid ${before.status().pid} by pid ${pid}`
    this.#options.feed.emit({ type: 'replaced', process: name, message, ready, ...(pid !== undefined && { pid }) })
  }

  /** The successor that has not taken over yet, if there is one. */
  successorOf(name: string): SupervisedProcess | undefined {
    return [...this.#rolls].find((roll) => roll.name === name && roll.rising)?.after
  }

  /** Successors and predecessors: what runs beside the processes that count. */
  copies(): readonly SupervisedProcess[] {
    return [...this.#rolls].map(({ copy }) => copy)
  }

  /** The copies beside the process with this name, for its status. */
  companions(name: string): Pick<ProcessStatus, 'successor' | 'predecessor'> {
    const own = [...this.#rolls].filter((roll) => roll.name === name)
    const rising = own.findLast(({ tookOver }) => !tookOver)
    const leaving = own.findLast(({ tookOver }) => tookOver)
    return {
      ...(rising && { successor: copyOf(rising.after) }),
      ...(leaving && { predecessor: copyOf(leaving.before) }),
    }
  }

  /** Undefined: it is the process that counts. */
  roleOf(process: SupervisedProcess): Role | undefined {
    const roll = [...this.#rolls].find(({ copy }) => copy === process)
    return roll && (roll.tookOver ? 'predecessor' : 'successor')
  }

  /** The log of a process, with the `role` field if it is a copy. */
  logOf(log: Log, process: () => SupervisedProcess): Log {
    const say =
      (level: keyof Log): Log['info'] =>
      (message, fields) => {
        const role = this.roleOf(process())
        log[level](message, role ? { ...fields, role } : fields)
      }
    return { info: say('info'), warn: say('warn'), error: say('error') }
  }

  /** To be called when a process has changed. */
  look(): void {
    for (const roll of [...this.#rolls]) roll.look()
  }

  /** Gives up successors that these plans do not ask for; resolves when they have ended. */
  async keepOnly(plans: readonly ProcessPlan[]): Promise<void> {
    const unwanted = [...this.#rolls].filter(({ name, after }) => {
      const plan = plans.find((one) => one.name === name)
      return !plan || needsRestart(processChanges(after.plan, plan))
    })
    await Promise.all(unwanted.map((roll) => roll.fail('is no longer what the file asks for')))
  }

  halt(): void {
    for (const roll of [...this.#rolls]) roll.halt()
  }
}

function copyOf(process: SupervisedProcess): ProcessCopy {
  const { state, pid, port } = process.status()
  return { state, ...(pid !== undefined && { pid }), ...(port !== undefined && { port }) }
}
