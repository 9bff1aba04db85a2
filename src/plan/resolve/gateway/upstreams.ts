import type { UpstreamConfig } from '../../../config/schema/gateway/upstreams.ts'
import type { HealthCheckPlan, PassiveHealthPlan, UpstreamPlan } from '../../model/upstreams.ts'
import { absolute, keyPosition, type PlanContext } from '../plan-context.ts'

const defaultPassiveHealth: PassiveHealthPlan = { failures: 3, within: 10_000, ejectFor: 10_000 }

/** Only those that a route names: the others get no requests, so their health does not matter. */
export function resolveUpstreams(context: PlanContext): readonly UpstreamPlan[] {
  const used = new Set(context.routes.flatMap(({ route }) => (route.to && 'name' in route.to ? [route.to.name] : [])))
  return Object.entries(context.config.upstreams).flatMap(
    ([name, { targets, balance, health, passiveHealth, tls }]) => {
      if (!used.has(name)) return []
      const { ca, serverName, verify = true } = tls ?? {}
      return {
        name,
        targets,
        balance,
        ...(health && { health: resolveHealth(health) }),
        ...(passiveHealth !== false && targets.length > 1 && { passiveHealth: passiveHealth ?? defaultPassiveHealth }),
        ...(tls && {
          tls: { verify, ...(ca !== undefined && { ca: absolute(context, ca) }), ...(serverName && { serverName }) },
        }),
        position: keyPosition(context, ['upstreams', name]),
      }
    },
  )
}

function resolveHealth({ http = '', grpc, ...timing }: NonNullable<UpstreamConfig['health']>): HealthCheckPlan {
  return grpc ? { grpc, ...timing } : { http, ...timing }
}
