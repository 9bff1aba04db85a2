import { ConnectionPool } from '../proxy/client/connection-pool.ts'
import type { Dial } from '../upstream/dial.ts'

/** Most connections to one auth service, of this thread, so that a slow one is not overloaded. */
export const connectionsPerService = 128

/** The connection pools of auth services. They outlive generations; a pool is dropped with its last connection. */
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
