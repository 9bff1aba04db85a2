import { isIP } from 'node:net'
import { buildConnector, Pool } from 'undici'
import type { Milliseconds } from '../../shared/duration.ts'

/** Connections to upstreams, one pool an origin, kept over generations so that a reload dials nothing anew. */
export interface Pools {
  /** `origin` is `scheme://host:port`; `connect` bounds the dialling. */
  get(origin: string, connect: Milliseconds): Pool
  /** Ends every pool that none of the given plans uses any more, once its requests are over. */
  keepOnly(used: readonly { readonly origin: string; readonly connect: Milliseconds }[]): void
  close(): Promise<void>
}

// Below the 5 s after which a Node upstream closes an idle connection: a request must not meet a closing one.
const idleTimeout: Milliseconds = 4_000

export function createPools(): Pools {
  const pools = new Map<string, Pool>()
  const keyOf = (origin: string, connect: Milliseconds) => `${origin} ${connect}`
  return {
    get(origin, connect) {
      const key = keyOf(origin, connect)
      let pool = pools.get(key)
      if (!pool) {
        // bodyTimeout 0: an event stream may be silent for hours.
        pool = new Pool(origin, { connect: connector(origin, connect), keepAliveTimeout: idleTimeout, bodyTimeout: 0 })
        pools.set(key, pool)
      }
      return pool
    },
    keepOnly(used) {
      const wanted = new Set(used.map(({ origin, connect }) => keyOf(origin, connect)))
      for (const [key, pool] of pools) {
        if (wanted.has(key)) continue
        pools.delete(key)
        void pool.close()
      }
    },
    async close() {
      const all = [...pools.values()]
      pools.clear()
      await Promise.all(all.map((pool) => pool.destroy()))
    },
  }
}

function connector(origin: string, timeout: Milliseconds): buildConnector.connector {
  const dial = buildConnector({ timeout, allowH2: false })
  const servername = serverNameOf(origin)
  return (options, done) => dial({ ...options, servername }, done)
}

/**
 * The name whose certificate an upstream must show. undici and node:https would take it from the Host header, which here
 * is the client's: whoever names a host could choose which certificate we trust. Empty for an address (RFC 6066 §3), for
 * which the certificate's addresses are checked.
 */
export function serverNameOf(origin: string): string {
  const { hostname } = new URL(origin)
  return isIP(hostname.replace(/^\[|\]$/g, '')) ? '' : hostname
}
