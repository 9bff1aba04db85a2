import type { PasswordHashes } from '../../plan/model/guards.ts'
import type { GatewayPlan, GuardsPlan } from '../../plan/model/plan.ts'
import { sharing } from '../../shared/sharing.ts'
import { addressRules } from './addresses.ts'
import type { AuthServices } from './auth-services.ts'
import { basicAuth } from './basic-auth.ts'
import { forwardAuth } from './forward-auth.ts'
import type { Guard } from './guard.ts'
import type { Limiter } from './rate-limit/limiter.ts'
import { rateLimit } from './rate-limit/rate-limit.ts'
import { bodyLimit } from './request-body.ts'

/** What guards use and do not own. */
export interface GuardContext {
  readonly limiter: Limiter
  readonly authServices: AuthServices
}

/** The guards of the route with this index; -1: of requests that no route matches. */
export type Guards = (routeIndex: number) => readonly Guard[]

/** Throws if a user of a route has no password. */
export function compileGuards(plan: GatewayPlan, context: GuardContext): Guards {
  const compileContext: CompileContext = {
    ...context,
    users: plan.users,
    addressRules: sharing(addressRules),
    bodyLimit: sharing(bodyLimit),
  }
  const own = inOrder(plan.guards, '', compileContext)
  const ofRoutes = plan.routes.map(({ guards, match }) => {
    // A limit per route is keyed by its match, so that it keeps its counters when a reload moves the route.
    const scope = guards.rateLimit?.of === 'route' ? JSON.stringify(match) : ''
    return inOrder(guards, scope, compileContext)
  })
  return (routeIndex) => ofRoutes[routeIndex] ?? own
}

interface CompileContext extends GuardContext {
  readonly users: PasswordHashes
  readonly addressRules: typeof addressRules
  readonly bodyLimit: typeof bodyLimit
}

/** Cheap guards first, and passwords after the rate limit, which bounds guessing. */
function inOrder(plan: GuardsPlan, scope: string, context: CompileContext): readonly Guard[] {
  const { addresses, rateLimit: limit, requestBody, auth } = plan
  const { limiter, authServices, users } = context
  const guards = addresses.map(context.addressRules)
  if (limit) guards.push(rateLimit(limit, scope, limiter))
  guards.push(context.bodyLimit(requestBody))
  if (auth?.kind === 'basic') guards.push(basicAuth(auth.users, users))
  if (auth?.kind === 'forward') guards.push(forwardAuth(auth, authServices))
  return guards
}
