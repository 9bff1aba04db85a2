import type { PassiveHealthPlan, UpstreamPlan } from '../../model/upstreams.ts'
import { type Asked, absolute, keyAt } from '../plan-context.ts'

const defaultPassiveHealth: PassiveHealthPlan = { failures: 3, within: 10_000, ejectFor: 10_000 }

/** Only those that a route names: nobody asks the others, so their health is nobody's business. */
export function resolveUpstreams(asked: Asked): readonly UpstreamPlan[] {
  const used = new Set(asked.routes.flatMap(({ route }) => (route.to && 'name' in route.to ? [route.to.name] : [])))
  return Object.entries(asked.config.upstreams).flatMap(([name, { targets, balance, health, passiveHealth, tls }]) => {
    if (!used.has(name)) return []
    const { ca, serverName, verify = true } = tls ?? {}
    return {
      name,
      targets,
      balance,
      ...(health && { health }),
      ...(passiveHealth !== false && targets.length > 1 && { passiveHealth: passiveHealth ?? defaultPassiveHealth }),
      ...(tls && {
        tls: { verify, ...(ca !== undefined && { ca: absolute(asked, ca) }), ...(serverName && { serverName }) },
      }),
      position: keyAt(asked, ['upstreams', name]),
    }
  })
}
