import { createHash } from 'node:crypto'
import type { Config } from '../../../config/schema/config.ts'
import type { GatewayConfig } from '../../../config/schema/gateway/gateway.ts'
import type { RouteConfig } from '../../../config/schema/gateway/route.ts'
import type {
  AddressRulesPlan,
  GuardsPlan,
  LimitsPlan,
  PasswordHashes,
  RateLimitPlan,
  RateLimitStorePlan,
} from '../../model/guards.ts'
import { absolute, type PlanContext } from '../plan-context.ts'

type AuthPlan = NonNullable<GuardsPlan['auth']>

export function resolveLimits({ config }: PlanContext): LimitsPlan {
  const { requestBody: _, ...limits } = config.gateway.limits
  return limits
}

/** Whether a route has guards of its own. */
export function hasGuards({ rateLimit, limits, auth, allow, deny }: RouteConfig): boolean {
  return [rateLimit, limits, auth, allow, deny].some((part) => part !== undefined)
}

/** The gateway's guards, overridden by those of the route. */
export function resolveGuards({ config: { gateway, users } }: PlanContext, route?: RouteConfig): GuardsPlan {
  const rateLimit =
    route?.rateLimit === undefined
      ? resolveRateLimit(gateway.rateLimit, 'gateway')
      : resolveRateLimit(route.rateLimit, 'route')
  return {
    addresses: [gateway, route].flatMap((rules) => (rules ? resolveAddresses(rules) : [])),
    requestBody: route?.limits?.requestBody ?? gateway.limits.requestBody,
    ...(rateLimit && { rateLimit }),
    ...(route?.auth && { auth: resolveAuth(route.auth, users) }),
  }
}

/** Absent if no rate limit would use it, so that it is not dialled. */
export function resolveRateLimitStore(context: PlanContext): { readonly rateLimitStore?: RateLimitStorePlan } {
  const { gateway } = context.config
  const limited = [gateway, ...context.routes.map(({ route }) => route)].some(({ rateLimit }) => rateLimit)
  if (!gateway.rateLimitStore || !limited) return {}
  const { redis, ca } = gateway.rateLimitStore
  return { rateLimitStore: { ...redis, ...(ca !== undefined && { ca: absolute(context, ca) }) } }
}

/** By login name. The plan contains no password, only the hash to compare with. */
export function resolveUsers({ config }: PlanContext): PasswordHashes {
  return Object.fromEntries(
    Object.entries(config.users).map(([key, { name = key, password }]) => [
      name,
      password === '' ? null : createHash('sha256').update(password).digest('hex'),
    ]),
  )
}

function resolveAuth(
  { basic = [], forward, copy = [], timeout = 5_000 }: NonNullable<RouteConfig['auth']>,
  users: Config['users'],
): AuthPlan {
  if (forward === undefined) return { kind: 'basic', users: basic.map((key) => users[key]?.name ?? key) }
  return { kind: 'forward', url: forward, copy: copy.map((name) => name.toLowerCase()), timeout }
}

function resolveAddresses({ allow, deny }: Pick<RouteConfig, 'allow' | 'deny'>): readonly AddressRulesPlan[] {
  if (!allow && !deny) return []
  return [{ ...(allow && { allow: allow.flat() }), ...(deny && { deny: deny.flat() }) }]
}

function resolveRateLimit(written: GatewayConfig['rateLimit'], of: RateLimitPlan['of']): RateLimitPlan | undefined {
  if (!written) return undefined
  const { requests, window, by } = written
  if (by === 'client') return { requests, window, by: { kind: 'client' }, of }
  if (by.header !== undefined) return { requests, window, by: { kind: 'header', name: by.header.toLowerCase() }, of }
  return { requests, window, by: { kind: 'cookie', name: by.cookie ?? '' }, of }
}
