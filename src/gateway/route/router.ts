/**
 * Ordered matching: the first matching route of the config file wins. Routes are indexed (route-index.ts), so that only
 * those that can match are tested, in the order of the file.
 */

import type { RoutePlan } from '../../plan/model/plan.ts'
import { compileHostPattern } from '../../plan/patterns/host-pattern.ts'
import { methodCovers } from '../../plan/patterns/methods.ts'
import { compilePathPattern, type PathTest } from '../../plan/patterns/path-pattern.ts'
import { compileValuePattern } from '../../plan/patterns/value-pattern.ts'
import { type Candidate, createRouteIndex, type RouteQuery } from './route-index.ts'

export interface Router {
  /** The index in the plan of the first matching route after `after`; -1 if none matches. */
  match(query: RouteQuery, after: number): number
}

export function createRouter(plans: readonly RoutePlan[]): Router {
  return { match: createRouteIndex(plans.map(compile)).first }
}

function compile(plan: RoutePlan, index: number): Candidate {
  const { listeners, methods } = plan.match
  const hosts = plan.match.hosts?.map(compileHostPattern)
  const paths = plan.match.paths?.map(compilePathPattern)
  const headers = plan.match.headers?.map(({ name, pattern }) => ({ name, matches: compileValuePattern(pattern) }))
  return {
    index,
    plan,
    matches: (query) =>
      (!listeners || listeners.includes(query.listener)) &&
      (!methods || methods.some((method) => methodCovers(method, query.method))) &&
      (!paths || paths.some((test) => matchesPath(test, query))) &&
      (!hosts || hosts.some((matches) => matches(query.host))) &&
      (!headers || headers.every(({ name, matches }) => matchesHeader(query, name, matches))),
  }
}

function matchesPath({ folded, cased }: PathTest, query: RouteQuery): boolean {
  return query.cased === undefined ? folded(query.key) : cased(query.cased)
}

/**
 * Matches all values together, or any one of them: upstreams differ in which of several they read, so a repeated header
 * must not bypass a guarded route.
 */
function matchesHeader(query: RouteQuery, lowerName: string, matches: (value: string) => boolean): boolean {
  // Inherited properties (`constructor`) are no headers.
  const value = Object.hasOwn(query.headers, lowerName) ? query.headers[lowerName] : undefined
  if (value === undefined) return false
  if (matches(typeof value === 'string' ? value : value.join(', '))) return true
  const raw = query.rawHeaders
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string
    if (name.length === lowerName.length && name.toLowerCase() === lowerName && matches(raw[i + 1] as string))
      return true
  }
  return false
}
