/** What Gatehouse adds to Fastify, for the editor and `tsc`: copy this file to your plugins. */
import 'fastify'

declare module 'fastify' {
  interface FastifyInstance {
    /** The states of the supervised processes, by name, at this moment. */
    readonly processes: Readonly<Record<string, GatehouseProcess>>
  }

  interface FastifyRequest {
    readonly exchange: GatehouseExchange
  }

  interface GatehouseExchange {
    /** Address of the client, behind trusted proxies too. */
    readonly client: string
    /** Scheme of the client's own request. */
    readonly scheme: 'http' | 'https'
    readonly requestId: string
    /** How logs and `gatehouse plan` name the route. */
    readonly route: string
    /** Name of the listener. */
    readonly listener: string
  }

  interface GatehouseProcess {
    /** Whether requests are sent to it. */
    readonly ready: boolean
    /** `down`: for good. */
    readonly phase: 'starting' | 'running' | 'stopping' | 'down'
    /** Where it listens on 127.0.0.1, if it has a port. */
    readonly port?: number
  }
}
