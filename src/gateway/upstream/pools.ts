import { Pool } from 'undici'
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
        pool = new Pool(origin, {
          connect: { timeout: connect },
          allowH2: false,
          keepAliveTimeout: idleTimeout,
          bodyTimeout: 0,
        })
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
