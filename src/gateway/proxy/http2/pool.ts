/** The HTTP/2 connections of one thread to one target, and the requests that wait for room on one. */

import { usesTls } from '../../../shared/net/origin-scheme.ts'
import { setTimeout } from '../../../shared/time/timer.ts'
import type { Dial } from '../../upstream/dial.ts'
import type { Waiter } from '../client/dialling.ts'
import { ConnectionClosed, PoolExhausted } from '../client/faults.ts'
import type { RequestHead } from '../client/request-head.ts'
import type { UpstreamStream } from '../client/transaction.ts'
import { type AcquireOptions, afterOneTurn, justUsed, type Pool } from '../pool.ts'
import type { Http2Connection, Http2ConnectionOwner } from './connection.ts'
import { dialHttp2 } from './dialling.ts'
import { http2Head } from './head.ts'
import { type ConnectionSource, Http2Stream } from './stream.ts'

/** Requests that may wait, per connection that is allowed. */
const waitingPerConnection = 100

/**
 * A new connection is dialled when no open one has room for another stream, one at a time: all requests that have come
 * meanwhile share it.
 */
export class Http2Pool implements Pool, Http2ConnectionOwner, ConnectionSource {
  readonly #dial: Dial
  /** Those that take streams, the oldest first. */
  readonly #open = new Set<Http2Connection>()
  /** These, and those that end after their streams. */
  readonly #all = new Set<Http2Connection>()
  /** Streams of waiters that were not connected at once. */
  readonly #acquired = new Map<Waiter<UpstreamStream>, Http2Stream>()
  /** First come, first served. A timer runs while no connection is dialled. */
  readonly #waiting = new Map<Http2Stream, NodeJS.Timeout | undefined>()
  /** Their connection is checked once more before they get it. */
  readonly #checking = new Set<Http2Stream>()
  #stopDialling: (() => void) | undefined
  #session: Buffer | undefined
  #closed = false

  constructor(dial: Dial) {
    this.#dial = dial
  }

  prepare(head: RequestHead): string {
    return http2Head(head, usesTls(this.#dial.origin) ? 'https' : 'http')
  }

  acquire(waiter: Waiter<UpstreamStream>, options: AcquireOptions = {}): void {
    this.seek(new Http2Stream(this, waiter), options)
  }

  seek(stream: Http2Stream, { fresh = false, careful = false }: AcquireOptions = {}): void {
    const connection = fresh ? undefined : this.#withRoom()
    if (!connection) this.#enqueue(stream)
    else if (careful && performance.now() - connection.quietSince > justUsed) this.#check(stream)
    else stream.take(connection)
  }

  forget(stream: Http2Stream): void {
    // Hardly any stream waits.
    if (this.#waiting.size > 0) {
      clearTimeout(this.#waiting.get(stream))
      this.#waiting.delete(stream)
    }
    if (this.#checking.size > 0) this.#checking.delete(stream)
    if (this.#acquired.size > 0) this.#acquired.delete(stream.waiter)
  }

  cancel(waiter: Waiter<UpstreamStream>): void {
    const stream = this.#acquired.get(waiter)
    if (stream) this.forget(stream)
  }

  /** Streams are limited by the upstream. */
  openEnded(): void {}

  close(): void {
    this.#closed = true
    for (const connection of [...this.#open]) connection.close()
  }

  destroy(): void {
    this.#closed = true
    this.#stopDialling?.()
    this.#stopDialling = undefined
    for (const stream of [...this.#waiting.keys(), ...this.#checking]) this.forget(stream)
    for (const connection of [...this.#all]) connection.destroy(new ConnectionClosed('the gateway is stopping'))
  }

  hasRoom(connection: Http2Connection): void {
    if (this.#waiting.size > 0) this.#serve()
    // Another request may have waited when the pool was closed.
    else if (this.#closed && connection.idle) connection.close()
  }

  retired(connection: Http2Connection): void {
    this.#open.delete(connection)
    if (this.#waiting.size > 0) this.#serve()
  }

  ended(connection: Http2Connection): void {
    this.#all.delete(connection)
  }

  /** The oldest one, so that surplus connections become idle. */
  #withRoom(): Http2Connection | undefined {
    for (const connection of this.#open) if (connection.room) return connection
    return undefined
  }

  #check(stream: Http2Stream): void {
    this.#checking.add(stream)
    this.#acquired.set(stream.waiter, stream)
    afterOneTurn(() => {
      if (!this.#checking.has(stream)) return
      this.forget(stream)
      this.seek(stream)
    })
  }

  #enqueue(stream: Http2Stream): void {
    const { connections } = this.#dial
    if (this.#waiting.size >= connections * waitingPerConnection) {
      stream.onNoConnection(new PoolExhausted(`all ${connections} connections are in use, and too many requests wait`))
      return
    }
    this.#waiting.set(stream, undefined)
    this.#acquired.set(stream.waiter, stream)
    this.#dialOrWait()
  }

  #serve(): void {
    for (const stream of [...this.#waiting.keys()]) {
      const connection = this.#withRoom()
      if (!connection) break
      this.forget(stream)
      stream.take(connection)
    }
    if (this.#waiting.size > 0) this.#dialOrWait()
  }

  #dialOrWait(): void {
    if (this.#stopDialling) return
    // An upstream that allows no streams on one connection allows none on the next.
    const hopeless = [...this.#open].some(({ idle }) => idle)
    if (this.#open.size < this.#dial.connections && !hopeless) this.#connect()
    else for (const [stream, timer] of this.#waiting) if (!timer) this.#waiting.set(stream, this.#limitWait(stream))
  }

  #limitWait(stream: Http2Stream): NodeJS.Timeout {
    const { connections, connect } = this.#dial
    return setTimeout(() => {
      this.forget(stream)
      stream.onNoConnection(new PoolExhausted(`all ${connections} connections were in use for ${connect} ms`))
    }, connect)
  }

  #connect(): void {
    this.#stopDialling = dialHttp2(
      this.#dial,
      {
        owner: this,
        session: this.#session,
        keepSession: (session) => {
          this.#session = session
        },
      },
      {
        onConnection: (connection) => {
          this.#stopDialling = undefined
          this.#open.add(connection)
          this.#all.add(connection)
          if (this.#closed && this.#waiting.size === 0) connection.close()
          else this.#serve()
        },
        onNoConnection: (error) => {
          this.#stopDialling = undefined
          for (const stream of [...this.#waiting.keys()]) {
            this.forget(stream)
            stream.onNoConnection(error)
          }
        },
      },
    )
  }
}
