/** What differs between two plans, so that a reload touches only what changed. */
import { isDeepStrictEqual } from 'node:util'
import type { Plan, SourcePosition } from './types.ts'

interface NamedEntry {
  readonly name: string
  readonly position: SourcePosition
}

/** Entries by name: those only in the new plan, in both but different, in both and equal, and only in the old one. */
export interface EntryChanges<T> {
  readonly came: readonly T[]
  readonly changed: readonly { readonly before: T; readonly after: T }[]
  /** As they stand in the new plan: their positions may have moved. */
  readonly same: readonly T[]
  readonly went: readonly T[]
}

/** The sections that are one value each. */
export type PlanSection =
  | 'gateway'
  | 'certificates'
  | 'trustStores'
  | 'hooks'
  | 'storage'
  | 'control'
  | 'shutdown'
  | 'log'
  | 'metrics'

/** Whether two entries ask for the same: where they stand in the file does not matter. */
export function samePlanEntry<T extends { readonly position: SourcePosition }>(a: T, b: T): boolean {
  return isDeepStrictEqual(withoutPosition(a), withoutPosition(b))
}

/** Sorts the entries of two lists (processes or listeners) by what became of them, each in the order of its list. */
export function entryChanges<T extends NamedEntry>(before: readonly T[], after: readonly T[]): EntryChanges<T> {
  const old = new Map(before.map((entry) => [entry.name, entry]))
  const names = new Set(after.map((entry) => entry.name))
  const came: T[] = []
  const changed: { before: T; after: T }[] = []
  const same: T[] = []
  for (const entry of after) {
    const previous = old.get(entry.name)
    if (!previous) came.push(entry)
    else if (samePlanEntry(previous, entry)) same.push(entry)
    else changed.push({ before: previous, after: entry })
  }
  return { came, changed, same, went: before.filter((entry) => !names.has(entry.name)) }
}

/** The sections that differ; positions do not count. */
export function changedSections(before: Plan, after: Plan): readonly PlanSection[] {
  const sections: readonly PlanSection[] = [
    'gateway',
    'certificates',
    'trustStores',
    'hooks',
    'storage',
    'control',
    'shutdown',
    'log',
    'metrics',
  ]
  return sections.filter((name) => !isDeepStrictEqual(comparable(before, name), comparable(after, name)))
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
