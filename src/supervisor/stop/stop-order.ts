/** Stops several processes within one budget: each after all that depend on it, the critical ones last. */
import type { Milliseconds } from '../../shared/time/duration.ts'
import type { SupervisedProcess } from '../process/process.ts'
import { fairGrace, type StopTime } from './grace.ts'
import { type StopGraph, stopGraph } from './stop-graph.ts'

type Stoppable = Pick<SupervisedProcess, 'plan' | 'atRest' | 'state' | 'release' | 'stop'>

/** Kept back from the grace periods, since SIGKILL takes a moment at the end of each. */
const reserve = { part: 0.1, most: 1_000 } as const

/** The time (monotonic) by which all grace periods must be over. It can only become earlier. */
export class StopDeadline implements StopTime {
  #at = Number.POSITIVE_INFINITY
  #total: Milliseconds = Number.POSITIVE_INFINITY

  /** `budget`: how long the whole stop may take from now on. */
  tighten(budget: Milliseconds): void {
    const usable = Math.max(0, budget - Math.min(budget * reserve.part, reserve.most))
    const at = performance.now() + usable
    if (at >= this.#at) return
    this.#at = at
    this.#total = usable
  }

  /** Counted from when it was tightened last. */
  get total(): Milliseconds {
    return this.#total
  }

  get remaining(): Milliseconds {
    return Math.max(0, this.#at - performance.now())
  }
}

/**
 * Stops these processes, each after those among them that depend on it, the critical ones last; the rest in parallel.
 * None of them is restarted any more. Resolves when all are at rest.
 */
export async function stopInReverse(processes: readonly Stoppable[], deadline: StopDeadline): Promise<void> {
  for (const process of processes) process.release()
  const after = stopGraph(processes.map(({ plan }) => plan))
  const dependants = dependantsOf(processes, after)
  const ends = new Map<Stoppable, Promise<void>>()
  const end = (process: Stoppable): Promise<void> => {
    const known = ends.get(process)
    if (known) return known
    const ended = Promise.all((dependants.get(process.plan.name) ?? []).map(end)).then(() =>
      process.stop(graceOf(process, processes, deadline)),
    )
    ends.set(process, ended)
    return ended
  }
  await Promise.all(processes.map(end))
}

/** For each name, the processes that are stopped before it. */
function dependantsOf(processes: readonly Stoppable[], after: StopGraph): ReadonlyMap<string, readonly Stoppable[]> {
  const dependants = new Map<string, Stoppable[]>()
  for (const process of processes)
    for (const name of after.get(process.plan.name) ?? []) {
      const known = dependants.get(name)
      if (known) known.push(process)
      else dependants.set(name, [process])
    }
  return dependants
}

/** After the deadline was tightened: shortens the grace periods that have begun. */
export function shortenGraces(processes: readonly Stoppable[], deadline: StopDeadline): void {
  for (const process of processes) {
    if (process.state === 'stopping') void process.stop(graceOf(process, processes, deadline))
  }
}

function graceOf(process: Stoppable, processes: readonly Stoppable[], deadline: StopDeadline): Milliseconds {
  if (deadline.remaining === Number.POSITIVE_INFINITY) return process.plan.stop.grace
  const running = processes.filter(({ atRest }) => !atRest).map(({ plan }) => plan)
  return fairGrace(process.plan, running, deadline)
}
