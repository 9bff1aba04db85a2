import type { Dependency, ProcessPlan } from '../plan/types.ts'
import type { SupervisedProcess } from './process.ts'

type Dependable = Pick<SupervisedProcess, 'plan' | 'state' | 'ready' | 'completed' | 'inDoubt'>

/** Names of what a process waits for. What is not among the processes was excluded from the plan and counts as met. */
export function unmetDependencies(plan: ProcessPlan, processes: ReadonlyMap<string, Dependable>): readonly string[] {
  return plan.dependsOn.flatMap((dependency) => {
    const process = processes.get(dependency.process)
    return process && !isMet(dependency, process) ? [dependency.process] : []
  })
}

/**
 * The same along the whole way down, without repeating: what a process needs may itself only stand still because of what
 * is below it.
 */
export function unmetBelow(plan: ProcessPlan, processes: ReadonlyMap<string, Dependable>): readonly string[] {
  return [...new Set(below(plan, processes).flatMap((one) => unmetDependencies(one, processes)))]
}

/** Whether the last check of something below has failed: it may turn out not to be ready. */
export function isInDoubtBelow(plan: ProcessPlan, processes: ReadonlyMap<string, Dependable>): boolean {
  return below(plan, processes).some((one) => one !== plan && processes.get(one.name)?.inDoubt)
}

/** It and all that it depends on, the nearest first. */
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
      // A task may be through before anyone looked; one that failed, though, was no start to build upon.
      return state === 'starting' || state === 'running' || state === 'parked' || completed
    case 'ready':
      return ready
    case 'completed':
      return completed
  }
}
