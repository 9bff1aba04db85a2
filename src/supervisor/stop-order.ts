/** Stopping many: each only after all that depend on it, and all of them inside one budget. */
import type { ProcessPlan } from '../plan/types.ts'
import type { Milliseconds } from '../shared/duration.ts'
import type { SupervisedProcess } from './process.ts'

type Stoppable = Pick<SupervisedProcess, 'plan' | 'atRest' | 'state' | 'release' | 'stop'>

/** Kept back from the graces, for SIGKILL to do its work at the end of each. */
const reserve = { part: 0.1, most: 1_000 } as const

/** The moment, on the monotonic clock, by which all graces must be over. It can only come nearer. */
export class StopDeadline {
  #at = Number.POSITIVE_INFINITY

  /** `budget`: the time that the whole stop may take from now on. */
  tighten(budget: Milliseconds): void {
    const usable = budget - Math.min(budget * reserve.part, reserve.most)
    this.#at = Math.min(this.#at, performance.now() + Math.max(0, usable))
  }

  get remaining(): Milliseconds {
    return Math.max(0, this.#at - performance.now())
  }
}

/**
 * Stops these processes, each after those among them that depend on it; independent ones at the same time. Nothing of
 * them is restarted from this moment on. Resolves when all are at rest.
 */
export async function stopInReverse(processes: readonly Stoppable[], deadline: StopDeadline): Promise<void> {
  for (const process of processes) process.release()
  const ends = new Map<Stoppable, Promise<void>>()
  const end = (process: Stoppable): Promise<void> => {
    const known = ends.get(process)
    if (known) return known
    const dependants = processes.filter(({ plan }) => dependsOn(plan, process.plan.name))
    const ended = Promise.all(dependants.map(end)).then(() => process.stop(graceOf(process, processes, deadline)))
    ends.set(process, ended)
    return ended
  }
  await Promise.all(processes.map(end))
}

/** After the deadline was tightened: whoever has been told to stop already gets less grace, too. */
export function hurry(processes: readonly Stoppable[], deadline: StopDeadline): void {
  for (const process of processes) {
    if (process.state === 'stopping') void process.stop(graceOf(process, processes, deadline))
  }
}

function dependsOn(plan: ProcessPlan, name: string): boolean {
  return plan.dependsOn.some((dependency) => dependency.process === name)
}

function graceOf(process: Stoppable, processes: readonly Stoppable[], deadline: StopDeadline): Milliseconds {
  const running = processes.filter(({ atRest }) => !atRest).map(({ plan }) => plan)
  return fairGrace(process.plan, running, deadline.remaining)
}

/**
 * The grace of a process when `remaining` must do for it and for all that it depends on, which are stopped after it. If
 * that is too little, each gives up the same part of its grace: a stubborn front end must not leave its database, which
 * comes last, with nothing but SIGKILL.
 */
export function fairGrace(plan: ProcessPlan, running: readonly ProcessPlan[], remaining: Milliseconds): Milliseconds {
  const { grace } = plan.stop
  const whole = longestChain(plan, new Map(running.map((other) => [other.name, other])), new Map())
  return whole <= remaining ? grace : (grace * remaining) / whole
}

/** The sum of graces on the longest way down from this process. The plan has no cycles. */
function longestChain(
  plan: ProcessPlan,
  running: ReadonlyMap<string, ProcessPlan>,
  known: Map<string, Milliseconds>,
): Milliseconds {
  const before = known.get(plan.name)
  if (before !== undefined) return before
  const below = plan.dependsOn.map(({ process }) => {
    const dependency = running.get(process)
    return dependency ? longestChain(dependency, running, known) : 0
  })
  const whole = plan.stop.grace + Math.max(0, ...below)
  known.set(plan.name, whole)
  return whole
}
