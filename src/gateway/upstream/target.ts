import { speaksHttp2 } from '../../shared/net/origin-scheme.ts'
import { ConnectionPool } from '../proxy/client/connection-pool.ts'
import { Http2Pool } from '../proxy/http2/pool.ts'
import { PassiveHealth } from '../proxy/passive-health.ts'
import type { Pool } from '../proxy/pool.ts'
import type { Dial } from './dial.ts'
import { EntityTags } from './entity-tags.ts'

/** An exchange, as far as its target is concerned. */
interface Dispatched {
  dialled: Target | undefined
}

/** One upstream address with the connections to it. It outlives generations. */
export class Target {
  readonly dial: Dial
  readonly passiveHealth = new PassiveHealth()
  readonly tags = new EntityTags()
  /** Requests and tunnels in flight, of this thread. */
  active = 0
  readonly pool: Pool
  #left: (() => void) | undefined

  constructor(dial: Dial) {
    this.dial = dial
    this.pool = speaksHttp2(dial.origin) ? new Http2Pool(dial) : new ConnectionPool(dial)
  }

  /** A request or tunnel begins. */
  join(exchange: Dispatched): void {
    this.active += 1
    exchange.dialled = this
  }

  /** A request or tunnel ends, as far as this target is concerned. */
  leave(exchange: Dispatched): void {
    this.active -= 1
    if (exchange.dialled === this) exchange.dialled = undefined
    this.#left?.()
  }

  /** Calls back after each `leave`. */
  onLeft(callback: () => void): void {
    this.#left = callback
  }

  /** Ends its connections once their requests are over. */
  close(): void {
    this.pool.close()
  }

  destroy(): void {
    this.pool.destroy()
  }
}
