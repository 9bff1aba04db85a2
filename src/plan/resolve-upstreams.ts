import { type Asked, absolute, keyAt } from './asked.ts'
import type { UpstreamPlan } from './upstreams.ts'

/** Only those that a route names: nobody asks the others, so their health is nobody's business. */
export function resolveUpstreams(asked: Asked): readonly UpstreamPlan[] {
  const used = new Set(asked.routes.flatMap(({ route }) => (route.to && 'name' in route.to ? [route.to.name] : [])))
  return Object.entries(asked.config.upstreams).flatMap(([name, { targets, balance, health, tls }]) => {
    if (!used.has(name)) return []
    const { ca, serverName, verify = true } = tls ?? {}
    return {
      name,
      targets,
      balance,
      ...(health && { health }),
      ...(tls && {
        tls: { verify, ...(ca !== undefined && { ca: absolute(asked, ca) }), ...(serverName && { serverName }) },
      }),
      position: keyAt(asked, ['upstreams', name]),
    }
  })
}
