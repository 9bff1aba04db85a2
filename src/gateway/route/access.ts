/** What clients must pass to reach a route, so that the stricter of two routes can be chosen. */

import type { GatewayPlan, GuardsPlan, RoutePlan } from '../../plan/model/plan.ts'
import { pathPatternKey, patternsBeside } from '../../plan/patterns/path-pattern.ts'

export interface Access {
  /** The rules that a client must pass, each as a text that is equal for equal rules. */
  readonly rules: readonly string[]
  /** The route's own rate limit as a text; absent: it has none, or that of every request. */
  readonly rateLimit?: string
  /** In bytes, if it is below the gateway's own limit. */
  readonly requestBody?: number
}

export function accessOf({ addresses, auth, rateLimit, requestBody }: GuardsPlan, gateway: GuardsPlan): Access {
  return {
    rules: [...addresses, ...(auth ? [auth] : [])].map((rule) => JSON.stringify(rule)),
    ...(rateLimit?.of === 'route' && { rateLimit: JSON.stringify(rateLimit) }),
    ...(requestBody < gateway.requestBody && { requestBody }),
  }
}

export function isOpen({ rules, rateLimit, requestBody }: Access): boolean {
  return rules.length === 0 && rateLimit === undefined && requestBody === undefined
}

/** Whether all clients that pass `access` would pass `other` too; rates and sizes are not compared. */
export function admitsNoMore(access: Access, other: Access): boolean {
  return other.rules.every((rule) => access.rules.includes(rule))
}

/** Whether `access` has all rules and limits of `other`. */
export function isStricter(access: Access, other: Access): boolean {
  return (
    admitsNoMore(access, other) &&
    (other.rateLimit === undefined || other.rateLimit === access.rateLimit) &&
    (other.requestBody === undefined || (access.requestBody ?? Number.POSITIVE_INFINITY) <= other.requestBody)
  )
}

/**
 * The routes, of which those with guards also match what many upstreams take for the same path: `/secret` besides
 * `/secret/*`, since the upstream of a later route would serve it alike. Except for paths that a route names itself.
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

/** Whether a route has more guards than the gateway as a whole. */
function isGuarded(own: GuardsPlan, gateway: GuardsPlan): boolean {
  return (
    own.auth !== undefined ||
    own.addresses.length > gateway.addresses.length ||
    own.rateLimit?.of === 'route' ||
    own.requestBody < gateway.requestBody
  )
}

/** Whether a route after an index hands to a program or plugin what a pattern without a star at its end matches. */
function forwardingBehind(routes: readonly RoutePlan[]): (pattern: string, index: number) => boolean {
  const ends: [end: string, index: number][] = []
  const last = new Map<string, number>()
  for (const [index, { handler, match }] of routes.entries()) {
    if (handler.kind !== 'proxy' && handler.kind !== 'plugin') continue
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
