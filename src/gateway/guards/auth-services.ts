import { ConnectionPool } from '../proxy/client/connection-pool.ts'
import type { Dial } from '../upstream/dial.ts'

/** So many connections to a service at a time, of this thread: a slow one is not buried. */
export const connectionsPerService = 128

/** The connections to services that are asked about requests. They outlive generations, and are forgotten with their last one. */
export class AuthServices {
  readonly #pools = new Map<string, ConnectionPool>()

  poolOf(dial: Dial): ConnectionPool {
    const key = `${dial.origin} ${dial.connect}`
    const known = this.#pools.get(key)
    if (known) return known
    const pool: ConnectionPool = new ConnectionPool(dial, () => this.#pools.delete(key))
    this.#pools.set(key, pool)
    return pool
  }

  destroy(): void {
    for (const pool of [...this.#pools.values()]) pool.destroy()
  }
}
