import type { Dependency, ProcessPlan } from '../plan/types.ts'
import type { SupervisedProcess } from './process.ts'

type Dependable = Pick<SupervisedProcess, 'state' | 'ready' | 'completed'>

/** Names of what a process waits for. What is not among the processes was excluded from the plan and counts as met. */
export function unmetDependencies(plan: ProcessPlan, processes: ReadonlyMap<string, Dependable>): readonly string[] {
  return plan.dependsOn.flatMap((dependency) => {
    const process = processes.get(dependency.process)
    return process && !isMet(dependency, process) ? [dependency.process] : []
  })
}

function isMet({ condition }: Dependency, { state, ready, completed }: Dependable): boolean {
  switch (condition) {
    case 'started':
      // A task may be through before anyone looked; one that failed, though, was no start to build upon.
      return state === 'starting' || state === 'running' || completed
    case 'ready':
      return ready
    case 'completed':
      return completed
  }
}
