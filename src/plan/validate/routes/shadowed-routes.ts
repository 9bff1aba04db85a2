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

/** The first route that matches wins: one behind another that matches all it does is never reached. */
export const shadowedRoutes: Check = (context, report) => {
  const candidates = new CoveringCandidates()
  const routes = context.routes.filter(({ path }) => isIntact(context, path))
  for (const [index, later] of routes.entries()) {
    const earlier = firstCovering(candidates.of(later), later)
    // What it covers is covered by the earlier one as well: only routes that are reached need to be compared with.
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
  // A route with guards answers for its own case (docs/adr/0013-paths.md).
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

/** Each header that the earlier route wants must be wanted by the later one, with no value that the earlier would not take. */
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
