import type { Agent } from 'undici'
import type { PasswordHashes } from '../../plan/guards.ts'
import type { GatewayPlan, GuardsPlan } from '../../plan/types.ts'
import { addressRules } from './addresses.ts'
import { basicAuth } from './basic-auth.ts'
import { forwardAuth } from './forward-auth.ts'
import type { Guard } from './guard.ts'
import type { Limiter } from './rate-limit/limiter.ts'
import { rateLimit } from './rate-limit/rate-limit.ts'
import { bodyLimit } from './request-body.ts'

/** What guards ask. */
export interface Asked {
  readonly limiter: Limiter
  readonly authServices: Agent
}

/** The guards of the route with an index; -1: of requests that no route matches. */
export type Guards = (routeIndex: number) => readonly Guard[]

/** Throws if a user whom a route lets in has no password. */
export function compileGuards(plan: GatewayPlan, asked: Asked): Guards {
  const all = { ...asked, users: plan.users }
  const own = inOrder(plan.guards, '', all)
  // A route keeps its counters through a reload that moves it.
  const ofRoutes = plan.routes.map(({ guards, match }) => inOrder(guards, JSON.stringify(match), all))
  return (routeIndex) => ofRoutes[routeIndex] ?? own
}

interface AllAsked extends Asked {
  readonly users: PasswordHashes
}

/** The cheap ones first, and those who ask for a password only where guessing is limited. */
function inOrder(plan: GuardsPlan, route: string, { limiter, authServices, users }: AllAsked): readonly Guard[] {
  const { addresses, rateLimit: limit, requestBody, auth } = plan
  const guards = addresses.map(addressRules)
  if (limit) guards.push(rateLimit(limit, limit.of === 'gateway' ? '' : route, limiter))
  guards.push(bodyLimit(requestBody))
  if (auth?.kind === 'basic') guards.push(basicAuth(auth.users, users))
  if (auth?.kind === 'forward') guards.push(forwardAuth(auth, authServices))
  return guards
}
