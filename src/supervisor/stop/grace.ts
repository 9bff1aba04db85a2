/** How long each may take to end, when there is not time enough for all that are stopped one after the other. */
import type { Criticality, ProcessPlan } from '../../plan/model/plan.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { type StopGraph, stopGraph } from './stop-graph.ts'

/** From the one that gives up nothing before the others have, on. */
const ranks = ['critical', 'important', 'rebuildable'] as const satisfies readonly Criticality[]

/** However much the more critical want, the rest of it is left to the others: who is killed at once loses its work. */
const most = 0.75

type Needs = Record<Criticality, Milliseconds>

/** Of one stop of many. */
export interface StopTime {
  readonly whole: Milliseconds
  readonly remaining: Milliseconds
}

/**
 * The grace of a process when what remains must do for it and for all that are stopped after it. If that is too little,
 * the less critical give up theirs first, and those of one rank the same part each: a stubborn front end must not leave
 * its database, which comes last, with nothing but SIGKILL.
 */
export function fairGrace(plan: ProcessPlan, running: readonly ProcessPlan[], time: StopTime): Milliseconds {
  const { grace } = plan.stop
  const needs = longestWay(plan.name, {
    plans: new Map(running.map((other) => [other.name, other])),
    after: stopGraph(running),
    known: new Map(),
  })
  if (total(needs) <= time.remaining) return grace
  let { whole, remaining } = time
  for (const [index, rank] of ranks.entries()) {
    const others = ranks.slice(index + 1).reduce((sum, lower) => sum + needs[lower], 0)
    // Counted from the beginning: of those that end one after the other each would else take its part of what is left.
    const leftToOthers = Math.min(others, Math.max(0, remaining - whole * most))
    const share = Math.min(needs[rank], remaining - leftToOthers)
    if (rank === plan.criticality) return needs[rank] === 0 ? 0 : (grace * share) / needs[rank]
    whole -= share
    remaining -= share
  }
  return 0
}

interface Way {
  readonly plans: ReadonlyMap<string, ProcessPlan>
  readonly after: StopGraph
  readonly known: Map<string, Needs>
}

/** The graces, by rank, on that way from this process to the last one stopped which takes longest. */
function longestWay(name: string, way: Way): Needs {
  const before = way.known.get(name)
  if (before) return before
  const rest = (way.after.get(name) ?? [])
    .map((next) => longestWay(next, way))
    .reduce((longest, other) => (total(other) > total(longest) ? other : longest), nothing)
  const plan = way.plans.get(name)
  const needs = plan ? { ...rest, [plan.criticality]: rest[plan.criticality] + plan.stop.grace } : rest
  way.known.set(name, needs)
  return needs
}

const nothing: Needs = { critical: 0, important: 0, rebuildable: 0 }

function total({ critical, important, rebuildable }: Needs): Milliseconds {
  return critical + important + rebuildable
}
