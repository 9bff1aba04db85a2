/**
 * One HTTP/1 connection of a client: its requests one at a time (RFC 9112 §9.3.2), upgrades, and a close that loses no
 * answer.
 */
import type { Socket } from 'node:net'
import type { Bytes } from '../../../shared/bytes.ts'
import type { Milliseconds } from '../../../shared/time/duration.ts'
import { setTimeout } from '../../../shared/time/timer.ts'
import type { Listed } from '../../../shared/unordered-list.ts'
import { ChunkedBody } from '../../http1/chunked-body.ts'
import { readInto } from '../../http1/own-buffer.ts'
import { Section } from '../../http1/section.ts'
import { Deadline } from '../../proxy/client/deadline.ts'
import type { Refusal } from '../../request/refusal.ts'
import type { UpgradeRequest } from './request.ts'
import { type BodySource, Http1Request } from './request.ts'
import { mustBeginRequest, RequestFault, type RequestHead, readRequestHead, requestFault } from './request-head.ts'
import { Http1Response, type ResponseChannel } from './response.ts'

/** Bytes behind a request that is not answered yet. A connection that holds more is not read, as its end is not. */
const maxAhead: Bytes = 64 * 1024
/** Empty lines before a request: some clients send one after a body (RFC 9112 §2.2). */
const maxEmptyLines = 4
/** Limits for a client that is still sending while it should read its answer: silence, total time, bytes. */
const lingerQuiet: Milliseconds = 2_000
const maxLinger: Milliseconds = 20_000
const maxLingerBytes: Bytes = 64 * 1024 * 1024

export interface Http1Limits {
  readonly headerTimeout: Milliseconds
  readonly idleTimeout: Milliseconds
  /** The longest head. */
  readonly requestHeaders: Bytes
}

export interface Http1Events {
  /** `refusal`: why it must not be routed. */
  request(request: Http1Request, response: Http1Response, refusal?: Refusal): void
  upgrade(request: Http1Request, response: Http1Response, upgrade: UpgradeRequest): void
  /** The rest of its body cannot be read. */
  brokenBody(request: Http1Request, refusal: Refusal): void
  /** Its head is late. Calls back, perhaps a little later, because thousands may be late at the same moment. */
  late(refuse: () => void): void
  /** The client has ended its side while it waits for an answer. */
  halfClosed(connection: Http1Connection): void
  closed(connection: Http1Connection): void
}

export class Http1Connection implements ResponseChannel, BodySource, Listed {
  /** In the list of the listener's connections. */
  place = -1
  readonly socket: Socket
  readonly #limits: Http1Limits
  readonly #events: Http1Events
  readonly #section: Section
  /** The request whose body or answer is not over. */
  #request: Http1Request | undefined
  #response: Http1Response | undefined
  /** Of a body that is not complete: its chunks, or the bytes left. */
  #chunks: ChunkedBody | undefined
  #left: Bytes = 0
  /** Bytes behind the current request. */
  #ahead: Buffer | undefined
  /** `refused`: an answer says so, and no more is read. */
  #state: 'http' | 'upgrading' | 'refused' | 'lingering' | 'gone' = 'http'
  /** The request came before the one before it was answered. */
  #pipelined = false
  /** More may follow the request than can be read as another one. */
  #surplus = false
  #emptyLines = 0
  #received = false
  #requests = 0
  #headBegun = false
  #parsing = false
  #scheduled = false
  #paused = false
  #ended = false
  #lingerLeft = maxLingerBytes
  #lingerTimer: NodeJS.Timeout | undefined
  readonly #deadline: Deadline

  constructor(socket: Socket, limits: Http1Limits, events: Http1Events) {
    this.socket = socket
    this.#limits = limits
    this.#events = events
    this.#section = new Section(limits.requestHeaders, 'its header fields', requestFault)
    this.#deadline = new Deadline(() => this.#late())
    socket.on('error', () => {}) // 'close' follows
    socket.on('end', this.#onEnd)
    socket.on('close', this.#onClose)
    socket.on('drain', this.#onDrain)
    this.#deadline.set(limits.headerTimeout)
    readInto(socket, (bytes) => this.#take(bytes))
    // What came with a PROXY header has been read already.
    const early = socket.read() as Buffer | null
    if (early) this.#take(early)
  }

  get idleTimeout(): Milliseconds {
    return this.#limits.idleTimeout
  }

  /** The answer that is not over yet. */
  get answer(): Http1Response | undefined {
    return this.#response
  }

  /** Closes the connection if it has answered a request, and no other has begun. */
  closeIfIdle(): void {
    const busy = this.#request !== undefined || this.#headBegun || this.#ahead !== undefined
    if (this.#state === 'http' && !busy && this.#requests > 0) this.socket.destroy()
  }

  pause(): void {
    if (this.#paused) return
    this.#paused = true
    this.socket.pause()
  }

  resume(): void {
    if (!this.#paused || (this.#ahead && this.#ahead.length >= maxAhead)) return
    this.#paused = false
    this.socket.resume()
  }

  answered(): void {
    const response = this.#response
    if (!response) return
    this.#response = undefined
    if (!response.shouldKeepAlive || this.#state === 'refused') this.#close()
    else if (this.#request?.complete === false) {
      this.#request.discard()
      // No exchange is left that could stall.
      this.#deadline.set(this.#limits.idleTimeout)
    } else this.#next()
  }

  #take(bytes: Buffer): void {
    this.#received = true
    if (this.#state === 'lingering') {
      this.#lingerLeft -= bytes.length
      if (this.#lingerLeft < 0) this.socket.destroy()
      else this.#deadline.set(lingerQuiet)
    } else if (this.#state === 'upgrading' || (this.#state === 'http' && this.#ahead)) this.#hold(bytes)
    else if (this.#state === 'http') this.#parse(bytes)
  }

  #hold(bytes: Buffer): void {
    this.#ahead = this.#ahead ? Buffer.concat([this.#ahead, bytes]) : Buffer.from(bytes)
    if (this.#ahead.length >= maxAhead) this.pause()
  }

  /** `own`: the bytes stay valid, so that the rest behind each of many requests is not copied again and again. */
  #parse(bytes: Buffer, own = false): void {
    this.#parsing = true
    try {
      let at = 0
      while (at < bytes.length && !this.#request && this.#state === 'http') at = this.#takeHead(bytes, at)
      if (this.#request?.complete === false) at = this.#takeBody(this.#request, bytes, at)
      if (at < bytes.length && this.socket.writable) {
        if (own) this.#ahead = bytes.subarray(at)
        else this.#hold(bytes.subarray(at))
      }
    } catch (error) {
      this.#refuse(error)
    } finally {
      this.#parsing = false
    }
    if (this.#request && !this.#response && this.#state === 'http') this.#next()
  }

  #takeHead(bytes: Buffer, start: number): number {
    const end = this.#section.take(bytes, start)
    const { text } = this.#section
    if (text === undefined) {
      if (!this.#headBegun) this.#deadline.set(this.#limits.headerTimeout)
      this.#headBegun = true
      mustBeginRequest(this.#section.incomplete as Buffer)
      return end
    }
    this.#section.begin()
    if (text === '\r\n') {
      this.#emptyLines += 1
      if (this.#emptyLines > maxEmptyLines) throw requestFault('it begins with empty lines')
      this.#headBegun = false
      if (this.#requests > 0) this.#deadline.set(this.#limits.idleTimeout)
      return end
    }
    this.#emptyLines = 0
    this.#headBegun = false
    this.#deadline.off()
    this.#begin(readRequestHead(text))
    return end
  }

  #begin(head: RequestHead): void {
    const request = new Http1Request(head, this)
    const response = new Http1Response(request, this, head.keepAlive)
    this.#requests += 1
    this.#request = request
    this.#response = response
    const { framing } = head
    if (framing === 'chunked') this.#chunks = new ChunkedBody(this.#limits.requestHeaders, requestFault, true)
    else if (framing === 'unknown') this.#surplus = true
    else this.#left = framing
    request.complete = framing === 0 || framing === 'unknown'
    if (this.#ended) this.#events.halfClosed(this)
    if (!isWebSocket(head)) this.#events.request(request, response)
    else if (!this.#pipelined) this.#beginUpgrade(request, response)
    else {
      // RFC 9110 §7.8 allows to ignore it. The client may take the connection for a WebSocket already.
      response.shouldKeepAlive = false
      this.#events.request(request, response)
    }
  }

  #beginUpgrade(request: Http1Request, response: Http1Response): void {
    this.#state = 'upgrading'
    // Any other answer than 101 ends the connection: what follows the head has no framing.
    response.shouldKeepAlive = false
    this.#surplus = true
    this.#events.upgrade(request, response, { socket: this.socket, detach: () => this.#detach() })
  }

  /** Hands the socket over, to be read by the caller from now on; returns what has followed the head. */
  #detach(): Buffer {
    this.#state = 'gone'
    this.#deadline.destroy()
    this.socket.off('end', this.#onEnd)
    this.socket.off('drain', this.#onDrain)
    const ahead = this.#ahead ?? Buffer.alloc(0)
    this.#ahead = undefined
    return ahead
  }

  #takeBody(request: Http1Request, bytes: Buffer, start: number): number {
    if (!this.#chunks) {
      const end = Math.min(bytes.length, start + this.#left)
      this.#left -= end - start
      if (end > start) request.push(bytes.subarray(start, end))
      if (this.#left === 0) request.end([])
      return end
    }
    const pieces: Buffer[] = []
    const end = this.#chunks.take(bytes, start, pieces)
    // One piece, since a thousand chunks of one byte cost a thousand times as much.
    if (pieces.length > 0) request.push(pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces))
    const { trailers } = this.#chunks
    if (trailers) {
      this.#chunks = undefined
      request.end(trailers)
    }
    return end
  }

  /** The answer is over, and the body is complete. */
  #next(): void {
    if (this.#parsing || this.#response || !this.#request?.complete) return
    this.#request = undefined
    this.#pipelined = this.#ahead !== undefined
    if (this.#ahead) this.#schedule()
    else if (this.#ended) this.#close()
    else {
      this.#deadline.set(this.#limits.idleTimeout)
      this.resume()
    }
  }

  /** In a turn of its own, so that one connection does not delay the others. */
  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      const bytes = this.#ahead
      if (!bytes || this.#state !== 'http') return
      this.#ahead = undefined
      this.#deadline.set(this.#limits.headerTimeout)
      this.#parse(bytes, true)
      if (this.#ahead) return
      this.resume()
      if (this.#ended) this.#answerLast()
    })
  }

  #late(): void {
    // A connection that was opened in advance, or by a port probe, or is idle, or lingers.
    const silent = this.#state !== 'http' || (!this.#headBegun && (this.#requests > 0 || !this.#received))
    if (silent) {
      this.socket.destroy()
      return
    }
    const before = this.#requests
    this.#events.late(() => {
      // It may have arrived meanwhile.
      if (this.#requests === before) this.#refuse(new RequestFault(408, 'its head did not arrive in time'))
    })
  }

  #refuse(error: unknown): void {
    if (!(error instanceof RequestFault)) throw error
    if (this.#state !== 'http' || this.socket.destroyed) return
    const { refusal } = error
    this.#state = 'refused'
    this.#surplus = true
    const request = this.#request
    if (request) {
      this.#chunks = undefined
      this.#left = 0
      request.break()
      if (this.#response) this.#events.brokenBody(request, refusal)
      else this.#close()
      return
    }
    if (!this.socket.writable) {
      this.socket.destroy()
      return
    }
    const unread = new Http1Request(unreadable, this)
    unread.complete = true
    this.#request = unread
    this.#response = new Http1Response(unread, this, false)
    this.#events.request(unread, this.#response, refusal)
  }

  /**
   * Ends the gateway's side after an answer, and discards what still arrives until the client ends its own. Closing with
   * unread bytes would reset the connection, and the reset may overtake the answer (RFC 9112 §9.6).
   */
  #close(): void {
    if (this.#state === 'lingering' || this.socket.destroyed) return
    const unread = this.#surplus || this.#ahead !== undefined || this.#request?.complete === false
    this.#request?.discard()
    this.#request = undefined
    this.#ahead = undefined
    if (!unread || this.#ended) {
      this.#state = 'gone'
      this.socket.destroySoon()
      return
    }
    this.#state = 'lingering'
    this.socket.end()
    this.#deadline.set(lingerQuiet)
    this.#lingerTimer = setTimeout(() => this.socket.destroy(), maxLinger)
    this.resume()
  }

  readonly #onEnd = (): void => {
    this.#ended = true
    // Without agreement, a client that can send nothing cannot even close.
    if (this.#state === 'upgrading') this.socket.destroy()
    else if (this.#state === 'http' && !this.#ahead) this.#answerLast()
    if (this.#response) this.#events.halfClosed(this)
  }

  /** The client has ended its side, and nothing that it has sent is left: half a request is not answered. */
  #answerLast(): void {
    if (this.#headBegun || this.#request?.complete === false) this.socket.destroy()
    else if (!this.#response) this.socket.end()
    else if (!this.#response.headersSent) this.#response.shouldKeepAlive = false
  }

  readonly #onDrain = (): void => {
    this.#response?.emit('drain')
  }

  readonly #onClose = (): void => {
    this.#deadline.destroy()
    clearTimeout(this.#lingerTimer)
    const [request, response] = [this.#request, this.#response]
    this.#state = 'gone'
    this.#request = undefined
    this.#response = undefined
    request?.abort()
    response?.cut()
    this.#events.closed(this)
  }
}

/** Stands for what could not be read. */
const unreadable: RequestHead = {
  method: '',
  target: '',
  version: '1.1',
  rawHeaders: [],
  headers: {},
  framing: 0,
  keepAlive: false,
  upgrade: false,
}

/** A handshake has no body (RFC 6455 §4.1); one that announces a body is treated as a plain request. */
function isWebSocket({ method, version, headers, framing, upgrade }: RequestHead): boolean {
  return (
    upgrade && method === 'GET' && version === '1.1' && headers.upgrade?.toLowerCase() === 'websocket' && framing === 0
  )
}
