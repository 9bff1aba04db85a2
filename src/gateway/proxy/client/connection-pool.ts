/** The connections of one thread to one target: those in use, those idle, and the requests that wait for one. */

import type { Milliseconds } from '../../../shared/time/duration.ts'
import { setInterval, setTimeout } from '../../../shared/time/timer.ts'
import type { Dial } from '../../upstream/dial.ts'
import { type AcquireOptions, afterOneTurn, justUsed, type Pool } from '../pool.ts'
import type { Connection, ConnectionOwner } from './connection.ts'
import { dialConnection, type Waiter } from './dialling.ts'
import { ConnectionClosed, PoolExhausted } from './faults.ts'
import { requestHead } from './request-head.ts'

/** Requests that may wait, per connection that is allowed. */
const waitersPerConnection = 4
/** How often expired idle connections are closed. */
const sweepEvery: Milliseconds = 1_000

export class ConnectionPool implements Pool, ConnectionOwner {
  readonly prepare = requestHead
  readonly #dial: Dial
  readonly #idle: Connection[] = []
  readonly #all = new Set<Connection>()
  /** Those of event streams: their number is up to the clients, and they do not count. */
  readonly #openEnded = new Set<Connection>()
  readonly #dialling = new Map<Waiter, () => void>()
  /** First come, first served. */
  readonly #queue = new Map<Waiter, NodeJS.Timeout>()
  /** Waiters whose connection is checked once more before they get it. */
  readonly #checking = new Map<Waiter, Connection>()
  #session: Buffer | undefined
  #sweeping: NodeJS.Timeout | undefined
  #closed = false

  readonly #emptied: (() => void) | undefined

  /** `emptied` is called whenever the last connection is closed and none is being made. */
  constructor(dial: Dial, emptied?: () => void) {
    this.#dial = dial
    this.#emptied = emptied
  }

  get #inUse(): number {
    return this.#all.size - this.#openEnded.size + this.#dialling.size
  }

  acquire(waiter: Waiter, { fresh = false, careful = false }: AcquireOptions = {}): void {
    const now = performance.now()
    const idle = fresh ? undefined : this.#takeIdle(now)
    if (idle && careful && idle.idleness.lasted(now) > justUsed) this.#check(idle, waiter)
    else if (idle) waiter.onConnection(idle)
    else if (this.#inUse < this.#dial.connections) this.#connect(waiter)
    else this.#enqueue(waiter)
  }

  cancel(waiter: Waiter): void {
    this.#dialling.get(waiter)?.()
    this.#dialling.delete(waiter)
    clearTimeout(this.#queue.get(waiter))
    this.#queue.delete(waiter)
    const connection = this.#checking.get(waiter)
    this.#checking.delete(waiter)
    if (connection?.open) this.free(connection)
  }

  close(): void {
    this.#closed = true
    clearInterval(this.#sweeping)
    for (const connection of this.#idle.splice(0)) connection.destroy()
  }

  destroy(): void {
    this.close()
    for (const waiter of [...this.#dialling.keys(), ...this.#queue.keys(), ...this.#checking.keys()])
      this.cancel(waiter)
    for (const connection of [...this.#all]) connection.fail(new ConnectionClosed('the gateway is stopping'))
  }

  free(connection: Connection): void {
    this.#openEnded.delete(connection)
    const next = this.#nextWaiter()
    if (next) {
      next.onConnection(connection)
    } else if (this.#closed) {
      connection.destroy()
    } else {
      this.#idle.push(connection)
      this.#sweeping ??= setInterval(() => this.#sweep(), sweepEvery).unref()
    }
  }

  closed(connection: Connection): void {
    this.#all.delete(connection)
    this.#openEnded.delete(connection)
    const index = this.#idle.lastIndexOf(connection)
    if (index !== -1) this.#idle.splice(index, 1)
    this.#connectNext()
    if (this.#all.size + this.#dialling.size === 0) this.#emptied?.()
  }

  openEnded(connection: Connection): void {
    this.#openEnded.add(connection)
    this.#connectNext()
  }

  /** The one used last, so that surplus connections expire. */
  #takeIdle(now: Milliseconds): Connection | undefined {
    for (let connection = this.#idle.pop(); connection; connection = this.#idle.pop()) {
      if (connection.open && !connection.idleness.expired(now)) return connection
      connection.destroy()
    }
    return undefined
  }

  #check(connection: Connection, waiter: Waiter): void {
    this.#checking.set(waiter, connection)
    afterOneTurn(() => {
      if (!this.#checking.delete(waiter)) return
      if (connection.open) waiter.onConnection(connection)
      else this.acquire(waiter, { careful: true })
    })
  }

  #connect(waiter: Waiter): void {
    const giveUp = dialConnection(
      this.#dial,
      { owner: this, session: this.#session, keepSession: this.#keepSession },
      {
        onConnection: (connection) => {
          this.#dialling.delete(waiter)
          this.#all.add(connection)
          waiter.onConnection(connection)
        },
        onNoConnection: (error) => {
          this.#dialling.delete(waiter)
          this.#connectNext()
          waiter.onNoConnection(error)
        },
      },
    )
    this.#dialling.set(waiter, giveUp)
  }

  #keepSession = (session: Buffer): void => {
    this.#session = session
  }

  #enqueue(waiter: Waiter): void {
    const { connections, connect } = this.#dial
    if (this.#queue.size >= connections * waitersPerConnection) {
      waiter.onNoConnection(
        new PoolExhausted(`all ${connections} connections are in use, and too many requests are waiting`),
      )
      return
    }
    const timer = setTimeout(() => {
      this.#queue.delete(waiter)
      waiter.onNoConnection(new PoolExhausted(`all ${connections} connections were in use for ${connect} ms`))
    }, connect)
    this.#queue.set(waiter, timer)
  }

  #nextWaiter(): Waiter | undefined {
    for (const [waiter, timer] of this.#queue) {
      clearTimeout(timer)
      this.#queue.delete(waiter)
      return waiter
    }
    return undefined
  }

  #connectNext(): void {
    if (this.#queue.size === 0 || this.#inUse >= this.#dial.connections) return
    const waiter = this.#nextWaiter()
    if (waiter) this.#connect(waiter)
  }

  #sweep(): void {
    const now = performance.now()
    for (const connection of this.#idle.filter((one) => one.idleness.expired(now))) connection.destroy()
    if (this.#idle.length > 0) return
    clearInterval(this.#sweeping)
    this.#sweeping = undefined
  }
}
