import type { RouteConfig } from '../../../config/schema/gateway/route.ts'
import { everyCovered } from '../../patterns/every-covered.ts'
import { hostPatternCovers } from '../../patterns/host-pattern.ts'
import { methodCovers } from '../../patterns/methods.ts'
import { pathPatternCovers, pathPatternCoversCased } from '../../patterns/path-pattern.ts'
import { valuePatternCovers } from '../../patterns/value-pattern.ts'
import type { ActiveRoute } from '../../resolve/gateway/active-routes.ts'
import { hasGuards } from '../../resolve/gateway/guards.ts'
import { type Check, isIntact, valuePosition } from '../../resolve/plan-context.ts'
import { CoveringCandidates, type Earlier } from './covering-candidates.ts'

/** The first route that matches wins: a route after one that matches everything it does is never reached. */
export const shadowedRoutes: Check = (context, report) => {
  const candidates = new CoveringCandidates()
  const routes = context.routes.filter(({ path }) => isIntact(context, path))
  for (const [index, later] of routes.entries()) {
    const earlier = firstCovering(candidates.of(later), later)
    // The earlier route covers what this one does: only reachable routes need to be compared.
    if (!earlier) candidates.add({ index, route: later })
    else
      report({
        severity: 'warning',
        code: 'route-shadowed',
        at: valuePosition(context, later.path),
        message: `this route is never reached: the route on line ${valuePosition(context, earlier.path).line} matches everything it does`,
        hint: 'the first match wins: move it above that one, or remove it',
      })
  }
}

function firstCovering(lists: readonly (readonly Earlier[])[], later: ActiveRoute): ActiveRoute | undefined {
  let first: Earlier | undefined
  for (const list of lists) {
    const found = list.find((earlier) => covers(earlier.route, later))
    if (found && (!first || found.index < first.index)) first = found
  }
  return first?.route
}

function covers(earlier: ActiveRoute, later: ActiveRoute): boolean {
  if (mayFallThrough(earlier)) return false
  // A route with guards is matched case-sensitively (docs/adr/0013-paths.md).
  const pathCovers = hasGuards(later.route) ? pathPatternCoversCased : pathPatternCovers
  return (
    everyCovered(earlier.listeners, later.listeners, (a, b) => a === b) &&
    everyCovered(earlier.route.methods, later.route.methods, methodCovers) &&
    everyCovered(earlier.route.host, later.route.host, hostPatternCovers) &&
    everyCovered(earlier.route.path, later.route.path, pathCovers) &&
    headersCovered(earlier.route.headers, later.route.headers)
  )
}

function mayFallThrough({ route: { files } }: ActiveRoute): boolean {
  return files !== undefined && (files.only === 'existing' || files.except !== undefined)
}

/**
 * Each header that the earlier route requires must be required by the later one, with a value the earlier one accepts.
 */
function headersCovered(earlier: RouteConfig['headers'] = {}, later: RouteConfig['headers'] = {}): boolean {
  const wanted = lowerCaseNames(later)
  return [...lowerCaseNames(earlier)].every(([name, pattern]) => {
    const narrow = wanted.get(name)
    return narrow !== undefined && valuePatternCovers(pattern, narrow)
  })
}

function lowerCaseNames(headers: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  return new Map(Object.entries(headers).map(([name, pattern]) => [name.toLowerCase(), pattern]))
}
