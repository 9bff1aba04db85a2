import { samePlanEntry } from '../plan/diff.ts'
import type { ProcessPlan } from '../plan/types.ts'
import type { Role } from './events.ts'
import type { SupervisedProcess } from './process.ts'
import { Roll, type RollOptions } from './roll.ts'
import type { Companion, ProcessStatus } from './status.ts'

/** The rolling restarts that are under way. */
export class Rolls {
  readonly #rolls = new Set<Roll>()

  begin(options: RollOptions): Roll {
    const roll = new Roll(options)
    this.#rolls.add(roll)
    void roll.done.then(() => this.#rolls.delete(roll))
    roll.begin()
    return roll
  }

  /** The successor that is to take over from this process, if there is one. */
  successorOf(name: string): SupervisedProcess | undefined {
    return [...this.#rolls].find((roll) => roll.name === name && roll.rising)?.after
  }

  /** Those that run beside the processes that count. */
  aside(): readonly SupervisedProcess[] {
    return [...this.#rolls].map(({ aside }) => aside)
  }

  /** What is beside the process with this name. */
  companions(name: string): Pick<ProcessStatus, 'successor' | 'predecessor'> {
    const own = [...this.#rolls].filter((roll) => roll.name === name)
    const rising = own.findLast(({ tookOver }) => !tookOver)
    const leaving = own.findLast(({ tookOver }) => tookOver)
    return {
      ...(rising && { successor: companionOf(rising.after) }),
      ...(leaving && { predecessor: companionOf(leaving.before) }),
    }
  }

  /** Undefined: it is the process that counts. */
  roleOf(process: SupervisedProcess): Role | undefined {
    const roll = [...this.#rolls].find(({ aside }) => aside === process)
    return roll && (roll.tookOver ? 'predecessor' : 'successor')
  }

  /** To be called when a process has changed. */
  look(): void {
    for (const roll of [...this.#rolls]) roll.look()
  }

  /** Gives up successors that these plans do not ask for; resolves when they are gone. */
  async keepOnly(plans: readonly ProcessPlan[]): Promise<void> {
    const unwanted = [...this.#rolls].filter(({ name, after }) => {
      const plan = plans.find((one) => one.name === name)
      return !plan || !samePlanEntry(plan, after.plan)
    })
    await Promise.all(unwanted.map((roll) => roll.fail('is not what the file asks for any more')))
  }

  halt(): void {
    for (const roll of [...this.#rolls]) roll.halt()
  }
}

function companionOf(process: SupervisedProcess): Companion {
  const { state, pid, port } = process.status()
  return { state, ...(pid !== undefined && { pid }), ...(port !== undefined && { port }) }
}
