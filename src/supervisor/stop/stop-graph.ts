/** The order in which processes are stopped. */
import type { ProcessPlan } from '../../plan/model/plan.ts'

/** For each name, the processes that are stopped only after it has ended. Acyclic. */
export type StopGraph = ReadonlyMap<string, readonly string[]>

/**
 * What a process depends on is stopped after it. Critical processes and their dependencies are stopped after everything
 * else: a database also outlives those that use it without declaring it.
 */
export function stopGraph(plans: readonly ProcessPlan[]): StopGraph {
  const byName = new Map(plans.map((plan) => [plan.name, plan]))
  const last = foundations(plans, byName)
  return new Map(
    plans.map((plan) => {
      const after = dependenciesOf(plan).filter((name) => byName.has(name))
      // `last` holds all its own dependencies, so no circle arises.
      return [plan.name, last.has(plan.name) ? after : [...new Set([...after, ...last])]]
    }),
  )
}

/** The critical processes and all their direct and indirect dependencies. */
function foundations(plans: readonly ProcessPlan[], byName: ReadonlyMap<string, ProcessPlan>): ReadonlySet<string> {
  const found = new Set(plans.filter(({ criticality }) => criticality === 'critical').map(({ name }) => name))
  // The iterator of a Set also visits what is added meanwhile.
  for (const name of found) {
    const plan = byName.get(name)
    for (const dependency of plan ? dependenciesOf(plan) : []) if (byName.has(dependency)) found.add(dependency)
  }
  return found
}

function dependenciesOf({ dependsOn }: ProcessPlan): readonly string[] {
  return dependsOn.map(({ process }) => process)
}
