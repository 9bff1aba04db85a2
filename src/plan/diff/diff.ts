/** What differs between two plans, so that a reload touches only what changed. */
import { isDeepStrictEqual } from 'node:util'
import type { Plan, SourcePosition } from '../model/plan.ts'

/** The sections that are one value each. */
const sections = [
  'gateway',
  'certificates',
  'trustStores',
  'hooks',
  'storage',
  'control',
  'shutdown',
  'log',
  'metrics',
] as const

export type PlanSection = (typeof sections)[number]

/** The sections that differ; positions do not count. */
export function changedSections(
  before: Plan,
  after: Plan,
  among: readonly PlanSection[] = sections,
): readonly PlanSection[] {
  return among.filter((name) => !isDeepStrictEqual(comparable(before, name), comparable(after, name)))
}

// Positions are dropped entry by entry and not at every depth: a header or variable may be called `position`.
function comparable(plan: Plan, section: PlanSection): unknown {
  if (section === 'certificates') return plan.certificates.map(withoutPosition)
  if (section === 'hooks') return plan.hooks.map(withoutPosition)
  if (section === 'trustStores') return plan.trustStores.map(withoutPosition)
  if (section !== 'gateway') return plan[section]
  const { listeners, routes, ...rest } = plan.gateway
  return { ...rest, listeners: listeners.map(withoutPosition), routes: routes.map(withoutPosition) }
}

function withoutPosition<T extends { readonly position: SourcePosition }>(entry: T): Omit<T, 'position'> {
  const { position: _, ...rest } = entry
  return rest
}
