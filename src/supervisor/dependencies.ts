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
 * The same along the whole way down, without repeating: what a process needs may itself only stand still because of what
 * is below it.
 */
export function unmetBelow(plan: ProcessPlan, processes: ReadonlyMap<string, Dependable>): readonly string[] {
  return [...new Set(below(plan, processes).flatMap((one) => unmetDependencies(one, processes)))]
}

/**
 * Names of those on the way down because of which a process waits in vain: they are down, and nobody starts them again. A process
 * that waits itself is none of them, but what it waits for may be.
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
