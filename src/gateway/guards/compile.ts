import type { GatewayPlan, GuardsPlan } from '../../plan/types.ts'
import { addressRules } from './addresses.ts'
import type { Guard } from './guard.ts'
import { rateLimit } from './rate-limit/rate-limit.ts'
import type { RateLimitTable } from './rate-limit/table.ts'
import { bodyLimit } from './request-body.ts'

/** What guards use and do not own. */
export interface GuardMeans {
  readonly rateLimits: RateLimitTable
}

/** The guards of the route with an index; -1: of requests that no route matches. */
export type Guards = (routeIndex: number) => readonly Guard[]

export function compileGuards(plan: GatewayPlan, means: GuardMeans): Guards {
  const own = inOrder(plan.guards, '', means)
  // A route keeps its counters through a reload that moves it.
  const ofRoutes = plan.routes.map(({ guards, match }) => inOrder(guards, JSON.stringify(match), means))
  return (routeIndex) => ofRoutes[routeIndex] ?? own
}

/** The cheap ones first, and those who ask for a password only where guessing is limited. */
function inOrder(
  { addresses, rateLimit: limit, requestBody }: GuardsPlan,
  route: string,
  means: GuardMeans,
): readonly Guard[] {
  const guards = addresses.map(addressRules)
  if (limit) guards.push(rateLimit(limit, limit.of === 'gateway' ? '' : route, means.rateLimits))
  guards.push(bodyLimit(requestBody))
  return guards
}
