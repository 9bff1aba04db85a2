import { type OutgoingHttpHeader, type OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { messageOf } from '../../shared/errors.ts'
import type { Exchange } from '../request/exchange.ts'
import { cutAnswer, sendError } from '../response/respond.ts'
import { passHead, passInterim, passTrailers } from '../upstream/answer.ts'
import { AnswerEncoder } from '../upstream/answer-encoder.ts'
import { countReleased } from '../upstream/released-buffers.ts'
import type { PluginRequest } from './request.ts'

type Headers = OutgoingHttpHeaders | readonly OutgoingHttpHeader[] | readonly (readonly OutgoingHttpHeader[])[]
type Callback = (error?: Error | null) => void

/**
 * The response as a plugin sees it. What it writes becomes the answer of the exchange, over h1 and h2 alike, with the
 * response headers of route and gateway, compression, log and metrics. Once the gateway has answered in the plugin's
 * place (an error, a time limit), and once the client has left, what the plugin writes is discarded.
 */
export class PluginResponse extends ServerResponse {
  readonly #of: Exchange
  readonly #answered: () => void
  #encoder: AnswerEncoder | undefined
  /** Bytes left of a body of known length. */
  #left = Number.POSITIVE_INFINITY
  #bodiless = false

  /** `answered` is called when the head is written. */
  constructor(of: Exchange, request: PluginRequest, answered: () => void) {
    super(request)
    this.#of = of
    this.#answered = answered
    Object.assign(this, { socket: request.socket })
    of.response.on('drain', () => this.emit('drain'))
    of.response.on('finish', () => this.emit('finish'))
    of.response.on('close', () => this.#close())
  }

  override writeHead(status: number, reason?: string | Headers, headers?: Headers): this {
    if (this.headersSent) throw withCode(new Error('the head was already sent'), 'ERR_HTTP_HEADERS_SENT')
    if (!Number.isInteger(status) || status < 200 || status > 999)
      throw withCode(new RangeError(`${status} is not the status of a final response`), 'ERR_HTTP_INVALID_STATUS_CODE')
    for (const [name, value] of pairsOf(typeof reason === 'object' ? reason : headers))
      this.setHeader(name, value as string)
    // Makes `headersSent` true.
    Object.assign(this, { _header: 'sent' })
    this.statusCode = status
    if (!this.#isDiscarded) this.#passHead(status)
    return this
  }

  /** Never throws: a head may exceed what its client takes, and the writer of a stream would not catch that. */
  #passHead(status: number): void {
    const length = this.getHeader('content-length')
    try {
      const encoding = passHead(this.#of, status, flatten(this.getHeaders()), false)
      if (encoding) this.#encoder = new AnswerEncoder(this.#of, encoding, () => this.emit('drain'))
      this.#bodiless = this.req.method === 'HEAD' || status === 204 || status === 205 || status === 304
      if (!encoding && !this.#bodiless && length !== undefined) this.#left = Number(length)
      this.#answered()
    } catch (error) {
      sendError(this.#of, 500, `plugin: its head cannot be sent: ${messageOf(error)}`)
    }
  }

  override flushHeaders(): void {
    if (!this.headersSent) this.writeHead(this.statusCode)
    if (!this.#isDiscarded) this.#of.response.flushHeaders()
  }

  override write(chunk: unknown, encoding?: BufferEncoding | Callback | null, callback?: Callback | null): boolean {
    const done = typeof encoding === 'function' ? encoding : callback
    if (this.finished) {
      if (done) process.nextTick(done, withCode(new Error('write after end'), 'ERR_STREAM_WRITE_AFTER_END'))
      return false
    }
    if (!this.headersSent) this.writeHead(this.statusCode)
    const more = this.#pass(bytesOf(chunk, typeof encoding === 'string' ? encoding : undefined))
    if (done) process.nextTick(done)
    return more
  }

  override end(chunk?: unknown, encoding?: BufferEncoding | Callback | null, callback?: Callback | null): this {
    if (typeof chunk === 'function') return this.end(undefined, undefined, chunk as Callback)
    const done = typeof encoding === 'function' ? encoding : callback
    if (done) this.once('finish', done)
    if (this.finished) return this
    const last = chunk == null ? undefined : bytesOf(chunk, typeof encoding === 'string' ? encoding : undefined)
    if (!this.headersSent) {
      if (!this.hasHeader('content-length') && !this.hasHeader('transfer-encoding') && this.req.method !== 'HEAD')
        this.setHeader('content-length', last?.length ?? 0)
      this.writeHead(this.statusCode)
    }
    if (last) this.#pass(last)
    this.finished = true
    if (this.#isDiscarded) return this
    if (this.#left > 0 && Number.isFinite(this.#left)) {
      cutAnswer(this.#of, 'plugin: a body shorter than its Content-Length')
    } else if (this.#encoder) this.#encoder.end()
    else this.#of.response.end()
    return this
  }

  override addTrailers(trailers: Headers): void {
    if (!this.headersSent) this.writeHead(this.statusCode)
    const flat = [...pairsOf(trailers)].flatMap(([name, value]) => [name, String(value)])
    try {
      if (!this.#isDiscarded) passTrailers(this.#of, flat)
    } catch (error) {
      cutAnswer(this.#of, `plugin: its trailers cannot be sent: ${messageOf(error)}`)
    }
  }

  override writeEarlyHints(hints: Readonly<Record<string, string | readonly string[]>>, callback?: () => void): void {
    if (!this.#isDiscarded && !this.headersSent) passInterim(this.#of, 103, flatten(hints))
    if (callback) process.nextTick(callback)
  }

  /** The gateway itself says when the client may send the body, and that it is still there. */
  override writeContinue(): void {}
  override writeProcessing(): void {}

  /** The connection carries other exchanges, too. */
  override cork(): void {}
  override uncork(): void {}

  /** An answer that is not complete is cut. */
  override destroy(error?: Error): this {
    if (this.destroyed) return this
    this.destroyed = true
    if (!this.finished && !this.#isDiscarded)
      cutAnswer(this.#of, `plugin: ${error ? messageOf(error) : 'it destroyed its response'}`)
    return this
  }

  get #isDiscarded(): boolean {
    return this.#of.over || this.#of.failure !== undefined
  }

  #pass(chunk: Buffer): boolean {
    if (this.#isDiscarded || this.#bodiless || chunk.length === 0) return true
    this.#left -= chunk.length
    if (this.#left < 0) {
      cutAnswer(this.#of, 'plugin: a body longer than its Content-Length')
      return false
    }
    countReleased(chunk.length)
    if (this.#encoder) return this.#encoder.write(chunk)
    this.#of.bytesSent += chunk.length
    return this.#of.response.write(chunk)
  }

  #close(): void {
    this.destroyed = true
    Object.assign(this, { _closed: true })
    this.emit('close')
  }
}

function bytesOf(chunk: unknown, encoding: BufferEncoding | undefined): Buffer {
  if (typeof chunk === 'string') return Buffer.from(chunk, encoding)
  if (chunk instanceof Uint8Array) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
  throw withCode(new TypeError('a body is made of strings and buffers'), 'ERR_INVALID_ARG_TYPE')
}

/** Headers in any form that Node takes: a mapping, name and value in turn, or a list of pairs. */
function* pairsOf(headers: Headers | undefined): Iterable<readonly [string, unknown]> {
  if (!Array.isArray(headers)) {
    for (const [name, value] of Object.entries(headers ?? {})) if (value !== undefined) yield [name, value]
    return
  }
  if (Array.isArray(headers[0])) yield* headers as [string, unknown][]
  else for (let i = 0; i < headers.length; i += 2) yield [String(headers[i]), headers[i + 1]]
}

/** Name and value in turn; several values of one name (Set-Cookie) are several fields. */
function flatten(headers: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(headers).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).flatMap((one) => [name, String(one)]),
  )
}

function withCode<E extends Error>(error: E, code: string): E {
  return Object.assign(error, { code })
}
