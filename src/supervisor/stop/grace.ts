/** Divides a budget that is too short for all processes that are stopped one after the other. */
import type { Criticality, ProcessPlan } from '../../plan/model/plan.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { type StopGraph, stopGraph } from './stop-graph.ts'

/** The last to give up time comes first. */
const ranks = ['critical', 'important', 'rebuildable'] as const satisfies readonly Criticality[]

/** The part that the more critical may use; the rest is left to the others, so that they are not killed at once. */
const largestShare = 0.75

/** Grace periods on one path, summed by rank. */
type Needs = Record<Criticality, Milliseconds>

/** The time for a stop of several processes. */
export interface StopTime {
  readonly total: Milliseconds
  readonly remaining: Milliseconds
}

/**
 * The grace period of a process if what remains has to suffice for it and for all that are stopped after it. If it does
 * not, the less critical give up theirs first, and those of one rank in proportion: a stubborn front end must not leave
 * its database, which comes last, with nothing but SIGKILL.
 */
export function fairGrace(plan: ProcessPlan, running: readonly ProcessPlan[], time: StopTime): Milliseconds {
  const { grace } = plan.stop
  const needs = longestPath(plan.name, {
    plans: new Map(running.map((other) => [other.name, other])),
    after: stopGraph(running),
    known: new Map(),
  })
  if (sumOf(needs) <= time.remaining) return grace
  let { total, remaining } = time
  for (const [index, rank] of ranks.entries()) {
    const others = ranks.slice(index + 1).reduce((sum, lower) => sum + needs[lower], 0)
    // A part of the total: otherwise each of those that end one after the other would take its part of what is left.
    const leftToOthers = Math.min(others, Math.max(0, remaining - total * largestShare))
    const share = Math.min(needs[rank], remaining - leftToOthers)
    if (rank === plan.criticality) return needs[rank] === 0 ? 0 : (grace * share) / needs[rank]
    total -= share
    remaining -= share
  }
  return 0
}

interface PathContext {
  readonly plans: ReadonlyMap<string, ProcessPlan>
  readonly after: StopGraph
  readonly known: Map<string, Needs>
}

/** The grace periods on the longest path from this process to one that is stopped last. */
function longestPath(name: string, path: PathContext): Needs {
  const before = path.known.get(name)
  if (before) return before
  const rest = (path.after.get(name) ?? [])
    .map((next) => longestPath(next, path))
    .reduce((longest, other) => (sumOf(other) > sumOf(longest) ? other : longest), nothing)
  const plan = path.plans.get(name)
  const needs = plan ? { ...rest, [plan.criticality]: rest[plan.criticality] + plan.stop.grace } : rest
  path.known.set(name, needs)
  return needs
}

const nothing: Needs = { critical: 0, important: 0, rebuildable: 0 }

function sumOf({ critical, important, rebuildable }: Needs): Milliseconds {
  return critical + important + rebuildable
}
