/** One HTTP/2 connection to an upstream, which carries many requests at a time. */
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type ClientSessionRequestOptions,
  constants,
} from 'node:http2'
import type { Socket } from 'node:net'
import type { Bytes } from '../../../shared/bytes.ts'
import type { Milliseconds } from '../../../shared/time/duration.ts'
import { setTimeout } from '../../../shared/time/timer.ts'
import { Deadline } from '../client/deadline.ts'
import { ConnectionClosed } from '../client/faults.ts'
import { errorNameOf } from './faults.ts'

/** Streams of one connection at a time, even if the upstream allows more: their frames wait for each other. */
const maxStreams = 100
/** Far below the 2^30 streams that a connection can have (RFC 9113 §5.1.1), after which it must be replaced. */
const maxRequests = 500_000_000
/** Below the times after which load balancers drop a silent connection. */
const idleTimeout: Milliseconds = 60_000
/**
 * A connection that has been silent for longer is sent a PING along with the next request. No more are sent: some gRPC
 * servers close connections with pings between which there was no data.
 */
const maxSilence: Milliseconds = 10_000
/** For all streams together: nothing of it is held, since it is opened again by what is read. Each stream has 64 KB. */
const connectionWindow: Bytes = 1_048_576
/** How long the upstream may take to close a connection without streams. */
const closeTimeout: Milliseconds = 2_000

export interface Http2ConnectionOwner {
  /** A stream is over, or the upstream has changed its settings. */
  hasRoom(connection: Http2Connection): void
  /** It takes no more streams; those that are open may go on. */
  retired(connection: Http2Connection): void
  /** All of it is closed. */
  ended(connection: Http2Connection): void
}

/** Created when the upstream's settings have arrived. */
export class Http2Connection {
  readonly #session: ClientHttp2Session
  readonly #socket: Socket
  readonly #owner: Http2ConnectionOwner
  readonly #answerToPing: Milliseconds
  #streams = 0
  #requests = 0
  #lastHeard = performance.now()
  #pinged: Milliseconds | undefined
  #lastStream = Number.POSITIVE_INFINITY
  #retired = false
  #fault: Error | undefined
  #lingering: NodeJS.Timeout | undefined
  readonly #idle = new Deadline(() => this.close())
  readonly #pong = new Deadline(() => this.#passPong())

  /** `answerToPing`: how long the upstream may take for it. */
  constructor(session: ClientHttp2Session, socket: Socket, owner: Http2ConnectionOwner, answerToPing: Milliseconds) {
    this.#session = session
    this.#socket = socket
    this.#owner = owner
    this.#answerToPing = answerToPing
    session.setLocalWindowSize(connectionWindow)
    session.on('remoteSettings', () => owner.hasRoom(this))
    session.on('goaway', (code, lastStream) => {
      this.#lastStream = lastStream
      if (code !== constants.NGHTTP2_NO_ERROR)
        this.#fault = new ConnectionClosed(`the upstream closed the connection with ${errorNameOf(code)}`)
      // Node closes the session after this event.
      process.nextTick(this.#retire)
    })
    session.on('error', (error) => {
      this.#fault ??= error
    })
    session.on('close', () => {
      clearTimeout(this.#lingering)
      this.#retire()
      this.#owner.ended(this)
    })
    this.#idle.set(idleTimeout)
  }

  /** Whether it takes another stream, by its own state and the limit of the upstream. */
  get room(): boolean {
    return this.#open && this.#streams < this.#limit
  }

  /** Whether it has carried a request before. */
  get used(): boolean {
    return this.#requests > 0
  }

  get idle(): boolean {
    return this.#streams === 0
  }

  /** Since when nothing has been in flight, or has arrived; by `performance.now()`. */
  get quietSince(): Milliseconds {
    return this.#streams > 0 ? Number.POSITIVE_INFINITY : this.#lastHeard
  }

  /** Why the connection as a whole is broken, if it is. */
  get fault(): Error | undefined {
    if (this.#fault) return this.#fault
    return this.#session.destroyed || this.#socket.destroyed
      ? new ConnectionClosed('the connection was closed before the answer was complete')
      : undefined
  }

  get #open(): boolean {
    return !this.#session.closed && !this.#session.destroyed && !this.#socket.destroyed && this.#requests < maxRequests
  }

  get #limit(): number {
    return Math.min(maxStreams, this.#session.remoteSettings.maxConcurrentStreams ?? maxStreams)
  }

  /** Takes room for a stream; `release` gives it back. */
  reserve(): void {
    this.#streams += 1
    this.#idle.off()
  }

  release(): void {
    this.#streams -= 1
    if (this.#streams === 0) {
      this.#idle.set(idleTimeout)
      if (!this.#open) this.#linger()
    }
    this.#owner.hasRoom(this)
  }

  /** Begins a stream for which room was reserved. Throws on a head that cannot be sent. */
  request(head: readonly string[], options: ClientSessionRequestOptions): ClientHttp2Stream {
    const stream = this.#session.request(head, options)
    this.#requests += 1
    if (performance.now() - this.#lastHeard > maxSilence) this.#ping()
    return stream
  }

  /** Whether the upstream has surely not processed this stream: it is after the last one that its GOAWAY names. */
  refuses(stream: ClientHttp2Stream): boolean {
    return stream.id === undefined || stream.id > this.#lastStream
  }

  /** Something has arrived. */
  heard(): void {
    this.#lastHeard = performance.now()
  }

  /** Takes no more streams, and is closed after those that are open. */
  close(): void {
    this.#session.close()
    this.#retire()
  }

  /** Ends all streams, for which `fault` is this error. */
  destroy(error: Error): void {
    this.#fault ??= error
    this.#session.destroy()
    this.#retire()
  }

  #retire = (): void => {
    if (this.#retired || this.#open) return
    this.#retired = true
    this.#idle.destroy()
    this.#pong.destroy()
    if (this.#streams === 0) this.#linger()
    this.#owner.retired(this)
  }

  /** Node waits for the upstream's end, for ever. */
  #linger(): void {
    this.#idle.destroy()
    if (this.#socket.destroyed) return
    this.#lingering ??= setTimeout(() => this.#socket.destroy(), closeTimeout).unref()
  }

  #ping(): void {
    if (this.#pinged !== undefined || this.#session.destroyed) return
    this.#pinged = performance.now()
    const sent = this.#session.ping((error) => {
      if (!error) this.heard()
    })
    if (sent) this.#pong.set(this.#answerToPing)
    else this.#pinged = undefined
  }

  #passPong(): void {
    const silent = this.#lastHeard < (this.#pinged ?? 0)
    this.#pinged = undefined
    if (silent)
      this.destroy(new ConnectionClosed(`the connection is dead: no answer to a PING for ${this.#answerToPing} ms`))
  }
}
