/** The connections of one thread to one target: those in use, those idle, and who waits for one. */

import type { Milliseconds } from '../../../shared/time/duration.ts'
import { setInterval, setTimeout } from '../../../shared/time/timer.ts'
import type { Dial } from '../../upstream/dial.ts'
import type { Connection, ConnectionOwner } from './connection.ts'
import { dialConnection, type Waiter } from './dialling.ts'
import { ConnectionClosed, PoolExhausted } from './faults.ts'

export interface Wish {
  /** Not one that was idle: where one of those was closed, the next may be as well. */
  readonly fresh?: boolean
  /** The request cannot be sent again, so it must not meet a connection whose end is not yet noticed. */
  readonly careful?: boolean
}

/** So many may wait for each connection that is allowed. */
const waitersPerConnection = 4
/** An idle connection is closed so soon after its time. */
const sweepEvery: Milliseconds = 1_000
/** A connection that was idle for less was alive just now. */
const justUsed: Milliseconds = 100

export class ConnectionPool implements ConnectionOwner {
  readonly #dial: Dial
  readonly #idle: Connection[] = []
  readonly #all = new Set<Connection>()
  /** Those whose answer has no end of its own: they are as many as clients want them, and do not count. */
  readonly #openEnded = new Set<Connection>()
  readonly #dialling = new Map<Waiter, () => void>()
  /** First come, first served. */
  readonly #queue = new Map<Waiter, NodeJS.Timeout>()
  /** Those whose connection is looked at once more before they get it. */
  readonly #looking = new Map<Waiter, Connection>()
  #session: Buffer | undefined
  #sweeping: NodeJS.Timeout | undefined
  #closed = false

  readonly #emptied: (() => void) | undefined

  /** `emptied` is called whenever it has no connection any more, and nobody waits for one. */
  constructor(dial: Dial, emptied?: () => void) {
    this.#dial = dial
    this.#emptied = emptied
  }

  get #inUse(): number {
    return this.#all.size - this.#openEnded.size + this.#dialling.size
  }

  acquire(waiter: Waiter, { fresh = false, careful = false }: Wish = {}): void {
    const now = performance.now()
    const idle = fresh ? undefined : this.#takeIdle(now)
    if (idle && careful && idle.idleness.lasted(now) > justUsed) this.#lookAt(idle, waiter)
    else if (idle) waiter.onConnection(idle)
    else if (this.#inUse < this.#dial.connections) this.#connect(waiter)
    else this.#enqueue(waiter)
  }

  /** The waiter wants no connection any more, and is told nothing. */
  cancel(waiter: Waiter): void {
    this.#dialling.get(waiter)?.()
    this.#dialling.delete(waiter)
    clearTimeout(this.#queue.get(waiter))
    this.#queue.delete(waiter)
    const connection = this.#looking.get(waiter)
    this.#looking.delete(waiter)
    if (connection?.open) this.free(connection)
  }

  /** Keeps no idle connection any more; requests under way are finished. */
  close(): void {
    this.#closed = true
    clearInterval(this.#sweeping)
    for (const connection of this.#idle.splice(0)) connection.destroy()
  }

  /** Ends everything. */
  destroy(): void {
    this.close()
    for (const waiter of [...this.#dialling.keys(), ...this.#queue.keys(), ...this.#looking.keys()]) this.cancel(waiter)
    for (const connection of [...this.#all]) connection.fail(new ConnectionClosed('the gateway ends'))
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

  /** Its answer has no end of its own: from now on it does not count as one in use. */
  openEnded(connection: Connection): void {
    this.#openEnded.add(connection)
    this.#connectNext()
  }

  /** The one used last: the others come to be closed, and their number to what is needed. */
  #takeIdle(now: Milliseconds): Connection | undefined {
    for (let connection = this.#idle.pop(); connection; connection = this.#idle.pop()) {
      if (connection.open && !connection.idleness.expired(now)) return connection
      connection.destroy()
    }
    return undefined
  }

  /** What the system knows of its other end is read in the turn of the event loop that begins after this one. */
  #lookAt(connection: Connection, waiter: Waiter): void {
    this.#looking.set(waiter, connection)
    setImmediate(() =>
      setImmediate(() => {
        if (!this.#looking.delete(waiter)) return
        if (connection.open) waiter.onConnection(connection)
        else this.acquire(waiter, { careful: true })
      }),
    )
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
      waiter.onNoConnection(new PoolExhausted(`all ${connections} connections are in use, and too many requests wait`))
      return
    }
    const timer = setTimeout(() => {
      this.#queue.delete(waiter)
      waiter.onNoConnection(new PoolExhausted(`all ${connections} connections are in use, for ${connect} ms`))
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
