/** A proxy may name an upstream like a program: `to: api` must not be ambiguous. */

import { isEntries, type Value } from '../reading.ts'
import type { Merged } from './merge.ts'

/** Renames upstreams that have the name of a process, and the routes to them. */
export function withDistinctNames(merged: Merged): Merged {
  const { upstreams = {}, processes = {}, gateway } = merged.config
  const taken = new Set([...Object.keys(upstreams), ...Object.keys(processes)])
  const renamed = new Map<string, string>()
  for (const name of Object.keys(upstreams)) {
    if (!Object.hasOwn(processes, name)) continue
    const other = [`${name}-servers`, ...Array.from(taken, (_, index) => `${name}-servers-${index + 2}`)]
    const free = other.find((candidate) => !taken.has(candidate)) ?? name
    taken.add(free)
    renamed.set(name, free)
  }
  if (renamed.size === 0) return merged
  const routes: readonly Value[] = Array.isArray(gateway?.routes) ? gateway.routes : []
  const entries = Object.entries(upstreams).map(([name, upstream]) => [renamed.get(name) ?? name, upstream])
  const config = {
    ...merged.config,
    gateway: { ...gateway, routes: routes.map((route) => withRenamedTarget(route, renamed)) },
    upstreams: Object.fromEntries(entries),
  }
  const moved = <T extends { readonly path: readonly (string | number)[] }>(part: T): T => {
    const [section, name, ...rest] = part.path
    const other = section === 'upstreams' ? renamed.get(String(name)) : undefined
    return other === undefined ? part : { ...part, path: ['upstreams', other, ...rest] }
  }
  return { ...merged, config, comments: merged.comments.map(moved), places: merged.places.map(moved) }
}

function withRenamedTarget(route: Value, renamed: ReadonlyMap<string, string>): Value {
  if (!isEntries(route) || typeof route.to !== 'string') return route
  const other = renamed.get(route.to)
  return other === undefined ? route : { ...route, to: other }
}
