/** Who may pass which route, so that of two routes for one request the stricter can be told. */
import { pathPatternKey, patternsBeside } from '../../plan/path-pattern.ts'
import type { GatewayPlan, GuardsPlan, RoutePlan } from '../../plan/types.ts'

/** What a client must pass, each rule as a text that is equal for equal rules. */
export type Access = readonly string[]

export function accessOf({ addresses, auth }: GuardsPlan): Access {
  return [...addresses, ...(auth ? [auth] : [])].map((rule) => JSON.stringify(rule))
}

/** Whether nobody passes `access` who would not pass `other`. */
export function isStricter(access: Access, other: Access): boolean {
  return other.every((rule) => access.includes(rule))
}

/**
 * The routes, those with guards of their own matching as well what a common reader takes for the same: `/secret` beside
 * `/secret/*`, for an upstream behind a later route would answer it alike. Not where a route names that path itself.
 */
export function withGuardedNeighbours({ routes, guards }: GatewayPlan): readonly RoutePlan[] {
  if (!routes.some((route) => isGuarded(route.guards, guards))) return routes
  const named = new Set(routes.flatMap(({ match }) => (match.paths ?? []).map(pathPatternKey)))
  const isForwarded = forwardingBehind(routes)
  return routes.map((route, index) => {
    const { match } = route
    if (!match.paths || !isGuarded(route.guards, guards)) return route
    const beside = match.paths
      .flatMap(patternsBeside)
      .filter((pattern) => !named.has(pathPatternKey(pattern)) && isForwarded(pattern, index))
    return beside.length === 0 ? route : { ...route, match: { ...match, paths: [...match.paths, ...beside] } }
  })
}

/** More than every request of the gateway. */
function isGuarded(own: GuardsPlan, gateway: GuardsPlan): boolean {
  return (
    own.auth !== undefined ||
    own.addresses.length > gateway.addresses.length ||
    own.rateLimit?.of === 'route' ||
    own.requestBody < gateway.requestBody
  )
}

/** Whether a route behind an index forwards what a pattern without a star at its end matches. */
function forwardingBehind(routes: readonly RoutePlan[]): (pattern: string, index: number) => boolean {
  const ends: [end: string, index: number][] = []
  const last = new Map<string, number>()
  for (const [index, { handler, match }] of routes.entries()) {
    if (handler.kind !== 'proxy') continue
    for (const key of (match.paths ?? ['*']).map(pathPatternKey)) {
      if (key.startsWith('*')) ends.push([key.slice(1), index])
      else last.set(key, index)
    }
  }
  const isBehind = (key: string, index: number) => (last.get(key) ?? -1) > index
  return (pattern, index) => {
    const key = pathPatternKey(pattern)
    if (ends.some(([end, later]) => later > index && key.endsWith(end)) || isBehind(key, index)) return true
    if (key.startsWith('*')) return [...last.values()].some((later) => later > index)
    for (let slash = key.indexOf('/'); slash !== -1; slash = key.indexOf('/', slash + 1))
      if (isBehind(`${key.slice(0, slash + 1)}*`, index)) return true
    return false
  }
}
