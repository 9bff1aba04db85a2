/** Who is stopped after whom. */
import type { ProcessPlan } from '../../plan/model/plan.ts'

/** To each name the names of those that are stopped only when it has ended. It has no circles. */
export type StopGraph = ReadonlyMap<string, readonly string[]>

/**
 * What a process depends on is stopped after it. Critical ones, and all that these stand on, are stopped after everything
 * else: a database outlives also those that use it without having said so.
 */
export function stopGraph(plans: readonly ProcessPlan[]): StopGraph {
  const byName = new Map(plans.map((plan) => [plan.name, plan]))
  const last = foundations(plans, byName)
  return new Map(
    plans.map((plan) => {
      const after = dependenciesOf(plan).filter((name) => byName.has(name))
      // The last ones are closed under dependency: none of them waits for one that waits for it.
      return [plan.name, last.has(plan.name) ? after : [...new Set([...after, ...last])]]
    }),
  )
}

/** The critical ones with all that they depend on, however far. */
function foundations(plans: readonly ProcessPlan[], byName: ReadonlyMap<string, ProcessPlan>): ReadonlySet<string> {
  const found = new Set(plans.filter(({ criticality }) => criticality === 'critical').map(({ name }) => name))
  // A Set's iterator also visits what is added on the way.
  for (const name of found) {
    const plan = byName.get(name)
    for (const dependency of plan ? dependenciesOf(plan) : []) if (byName.has(dependency)) found.add(dependency)
  }
  return found
}

function dependenciesOf({ dependsOn }: ProcessPlan): readonly string[] {
  return dependsOn.map(({ process }) => process)
}
