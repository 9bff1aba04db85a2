/**
 * Ordered matching: the first route of the file that matches wins. Routes are indexed by host and then by first path
 * segment, so that a request looks only at the few that can match it; among those, the file's order is kept.
 */
import { compileHostPattern } from '../plan/host-pattern.ts'
import { compilePathPattern } from '../plan/path-pattern.ts'
import type { RoutePlan } from '../plan/types.ts'
import { compileValuePattern } from '../plan/value-pattern.ts'

/** What a route is chosen by. `host` is lower case and without port, `path` normalized, `method` upper case. */
export interface RouteQuery {
  readonly listener: string
  readonly host: string
  readonly path: string
  readonly method: string
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

export interface Router {
  /** The index in the plan of the first matching route behind `after`; -1 if none matches. */
  match(query: RouteQuery, after: number): number
}

interface CompiledRoute {
  readonly index: number
  readonly plan: RoutePlan
  matches(query: RouteQuery): boolean
}

export function createRouter(plans: readonly RoutePlan[]): Router {
  const hosts = indexBy(plans.map(compile), hostKeys)
  const index = mapIndex(hosts, (routes) => indexBy(routes, segmentKeys))
  return {
    match(query, after) {
      const segments = index.byKey.get(query.host) ?? index.others
      const candidates = segments.byKey.get(firstSegment(query.path)) ?? segments.others
      for (const route of candidates) {
        if (route.index > after && route.matches(query)) return route.index
      }
      return -1
    },
  }
}

function compile(plan: RoutePlan, index: number): CompiledRoute {
  const { listeners, methods } = plan.match
  const hosts = plan.match.hosts?.map(compileHostPattern)
  const paths = plan.match.paths?.map(compilePathPattern)
  const headers = plan.match.headers?.map(({ name, pattern }) => ({ name, matches: compileValuePattern(pattern) }))
  return {
    index,
    plan,
    matches: (query) =>
      (!listeners || listeners.includes(query.listener)) &&
      (!methods || methods.includes(query.method)) &&
      (!paths || paths.some((matches) => matches(query.path))) &&
      (!hosts || hosts.some((matches) => matches(query.host))) &&
      (!headers || headers.every(({ name, matches }) => matchesHeader(query.headers[name], matches))),
  }
}

function matchesHeader(value: string | string[] | undefined, matches: (value: string) => boolean): boolean {
  return value !== undefined && matches(typeof value === 'string' ? value : value.join(', '))
}

/** `others` serves every key that is not in the map. */
interface Index<T> {
  readonly byKey: ReadonlyMap<string, T>
  readonly others: T
}

/** Puts each route under the keys it can match; one that can match any key (undefined) stands under all of them. */
function indexBy(
  routes: readonly CompiledRoute[],
  keysOf: (route: CompiledRoute) => readonly (string | undefined)[],
): Index<readonly CompiledRoute[]> {
  const floating: CompiledRoute[] = []
  const fixed = new Map<string, CompiledRoute[]>()
  for (const route of routes) {
    const keys = new Set(keysOf(route))
    if (keys.has(undefined)) floating.push(route)
    else for (const key of keys as Set<string>) fixed.set(key, [...(fixed.get(key) ?? []), route])
  }
  const byKey = new Map<string, readonly CompiledRoute[]>()
  for (const [key, own] of fixed)
    byKey.set(
      key,
      [...own, ...floating].sort((a, b) => a.index - b.index),
    )
  return { byKey, others: floating }
}

function mapIndex<T, U>(index: Index<T>, change: (value: T) => U): Index<U> {
  const byKey = new Map<string, U>()
  for (const [key, value] of index.byKey) byKey.set(key, change(value))
  return { byKey, others: change(index.others) }
}

function hostKeys(route: CompiledRoute): readonly (string | undefined)[] {
  return route.plan.match.hosts?.map((host) => (host.startsWith('*') ? undefined : host)) ?? [undefined]
}

/** The first segment of everything a pattern matches, or undefined where that varies (`*.map`, `*`, `/*`). */
function segmentKeys(route: CompiledRoute): readonly (string | undefined)[] {
  return (
    route.plan.match.paths?.map((pattern) => {
      const segment = pattern.startsWith('/') ? firstSegment(pattern) : '*'
      return segment.includes('*') ? undefined : segment
    }) ?? [undefined]
  )
}

function firstSegment(path: string): string {
  const end = path.indexOf('/', 1)
  return end === -1 ? path.slice(1) : path.slice(1, end)
}
