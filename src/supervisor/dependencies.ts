import type { Dependency, ProcessPlan } from '../plan/model/plan.ts'
import type { SupervisedProcess } from './process/process.ts'

type Dependable = Pick<SupervisedProcess, 'plan' | 'state' | 'ready' | 'completed' | 'inDoubt' | 'finalFailure'>

/** Names of what a process waits for. What is not among the processes was excluded from the plan and counts as met. */
export function unmetDependencies(plan: ProcessPlan, processes: ReadonlyMap<string, Dependable>): readonly string[] {
  return plan.dependsOn.flatMap((dependency) => {
    const process = processes.get(dependency.process)
    return process && !isMet(dependency, process) ? [dependency.process] : []
  })
}

/**
 * The same for all direct and indirect dependencies, without duplicates: what a process needs may be held up only by
 * something below it.
 */
export function unmetBelow(plan: ProcessPlan, processes: ReadonlyMap<string, Dependable>): readonly string[] {
  return [...new Set(below(plan, processes).flatMap((one) => unmetDependencies(one, processes)))]
}

/**
 * Names of direct and indirect dependencies that are down for good, so that the process waits in vain. A dependency
 * that only waits is not among them, but what it waits for may be.
 */
export function blockersOf(plan: ProcessPlan, processes: ReadonlyMap<string, Dependable>): readonly string[] {
  const found = unmetDependencies(plan, processes).flatMap((name) => {
    const process = processes.get(name)
    if (!process) return []
    if (process.finalFailure || process.state === 'exited') return [name]
    return process.state === 'waiting' ? blockersOf(process.plan, processes) : []
  })
  return [...new Set(found)]
}

/** Whether a direct or indirect dependency failed its last check: it may turn out not to be ready. */
export function isInDoubtBelow(plan: ProcessPlan, processes: ReadonlyMap<string, Dependable>): boolean {
  return below(plan, processes).some((one) => one !== plan && processes.get(one.name)?.inDoubt)
}

/** The plan itself and all its direct and indirect dependencies, the nearest first. */
function below(plan: ProcessPlan, processes: ReadonlyMap<string, Dependable>): readonly ProcessPlan[] {
  const found = new Set([plan])
  for (const one of found) {
    for (const { process } of one.dependsOn) {
      const dependency = processes.get(process)
      if (dependency) found.add(dependency.plan)
    }
  }
  return [...found]
}

function isMet({ condition }: Dependency, { state, ready, completed }: Dependable): boolean {
  switch (condition) {
    case 'started':
      // A task may have completed already; one that failed does not count as started.
      return state === 'starting' || state === 'running' || state === 'parked' || completed
    case 'ready':
      return ready
    case 'completed':
      return completed
  }
}
