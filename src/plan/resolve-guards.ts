import type { RouteConfig } from '../config/schema/route.ts'
import type { Asked } from './asked.ts'
import type { GuardsPlan, LimitsPlan } from './guards.ts'

export function resolveLimits({ config }: Asked): LimitsPlan {
  const { requestBody: _, ...limits } = config.gateway.limits
  return limits
}

/** The gateway's guards, with those of the route laid over them. */
export function resolveGuards({ config }: Asked, route?: RouteConfig): GuardsPlan {
  return { requestBody: route?.limits?.requestBody ?? config.gateway.limits.requestBody }
}
