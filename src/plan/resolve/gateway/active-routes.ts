/** The routes and listeners that `when:` does not exclude. */
import type { LoadedContent } from '../../../config/load.ts'
import type { ListenerConfig } from '../../../config/schema/gateway/listener.ts'
import type { RouteConfig } from '../../../config/schema/gateway/route.ts'
import { type Path, quoteAt } from '../../../config/yaml/located.ts'

export interface ActiveRoute {
  readonly route: RouteConfig
  /** The listeners it names that are not excluded. */
  readonly listeners?: readonly string[]
  readonly path: Path
  /** The response headers of the gateway do not apply. */
  readonly ownHeaders?: true
}

export interface ActiveListener {
  readonly name: string
  readonly host?: string
  readonly port: number
  readonly tls: boolean
  readonly health: boolean
  readonly proxyProtocol?: 'v1' | 'v2' | 'any'
  readonly hsts?: ListenerConfig['hsts']
  readonly clientCertificates?: ListenerConfig['clientCertificates']
  readonly path: Path
}

const targetSections = [
  ['processes', 'process'],
  ['upstreams', 'upstream'],
] as const

/** `excludedWith`: the process, upstream or listener whose exclusion excludes the route, as messages name it. */
export function activeRoute(
  { excluded, tree }: LoadedContent,
  route: RouteConfig,
  path: Path,
): ActiveRoute & { excludedWith?: string } {
  for (const [section, kind] of targetSections) {
    if (route.to && 'name' in route.to && excluded[section].has(route.to.name))
      return { route, path, excludedWith: `${kind} ${quoteAt(tree, [...path, 'to'])}` }
  }
  if (!route.listener) return { route, path }
  const listeners = route.listener.filter((name) => !excluded.listeners.has(name))
  if (listeners.length === 0)
    return { route, path, excludedWith: `listener ${quoteAt(tree, [...path, 'listener', 0])}` }
  return { route, path, listeners }
}

/** Those of the file; `http` on port 80 if it has routes and names no listener. */
export function activeListeners({ config, declared }: LoadedContent, hasRoutes: boolean): readonly ActiveListener[] {
  const path = ['gateway', 'listeners']
  const written = Object.entries(config.gateway.listeners).map(([name, { address, proxyProtocol, ...options }]) => {
    return { name, ...address, ...options, ...(proxyProtocol && { proxyProtocol }), path: [...path, name] }
  })
  if (declared.listeners?.size !== 0 || !hasRoutes) return written
  return [{ name: 'http', port: 80, tls: false, health: false, path }]
}
