/** Sends one exchange to an upstream, and the answer back. */
import type { Socket } from 'node:net'
import type { ProxyPlan } from '../../plan/model/plan.ts'
import type { Bytes } from '../../shared/bytes.ts'
import { messageOf } from '../../shared/errors.ts'
import { deny } from '../guards/guard.ts'
import type { Exchange } from '../request/exchange.ts'
import { cutAnswer, sendError } from '../response/respond.ts'
import { passHead, passInterim, passTrailers } from '../upstream/answer.ts'
import { AnswerEncoder } from '../upstream/answer-encoder.ts'
import { isReusable, releasePiece } from '../upstream/body-pieces.ts'
import { ClientLeft, isBroken, isConnectionFault, statusOf } from '../upstream/faults.ts'
import type { Target } from '../upstream/target.ts'
import type { Upstream } from '../upstream/upstream.ts'
import type { AnswerHead } from './client/answer-head.ts'
import type { Waiter } from './client/dialling.ts'
import type { RequestBody } from './client/request-head.ts'
import type { AnswerFields, Transaction, UpstreamStream } from './client/transaction.ts'
import { upstreamHeaders } from './request-headers.ts'
import { isRepeatable, retryAfter } from './retry.ts'
import { bodyOf, Upload } from './upload.ts'

/**
 * Reading pauses when the client has yet to take this much of its answer. Node itself would buffer two reads per
 * stream.
 */
const maxUnsent: Bytes = 32_768

/**
 * Implements both the wait for a connection and the receiver of the answer, so that a request costs one object. It
 * retries in two safe cases: no connection could be made, so nothing was sent; or an idle connection turned out to be
 * closed, and the request is repeatable.
 */
export class UpstreamDispatch implements Waiter<UpstreamStream>, Transaction {
  readonly #exchange: Exchange
  readonly #upstream: Upstream
  readonly #plan: ProxyPlan
  readonly #body: RequestBody
  /** Head of the request to the current target. */
  #head = ''
  /** The target that handles the request; undefined when it is done. */
  #target: Target | undefined
  #tried: Target[] | undefined
  #connection: UpstreamStream | undefined
  #upload: Upload | undefined
  #retried = false
  #encoder: AnswerEncoder | undefined
  /** The answer's head has been flushed, or left with the body. */
  #headLeft = false
  #lastChunk: Buffer | undefined

  constructor(exchange: Exchange, upstream: Upstream, plan: ProxyPlan) {
    this.#exchange = exchange
    this.#upstream = upstream
    this.#plan = plan
    this.#body = bodyOf(exchange)
    exchange.onAbandoned(() => this.#abandon())
  }

  /** `failed`: why the previous target could not be reached. */
  begin(failed?: Error): void {
    const target = this.#upstream.choose(this.#tried)
    if (target) this.#engage(target, false)
    else if (failed) this.#fail(failed)
    else sendError(this.#exchange, 503, `upstream ${this.#upstream.name}: no target is up`, ['retry-after', retryAfter])
  }

  onConnection(connection: UpstreamStream): void {
    const { request, generation } = this.#exchange
    const withBody = this.#exchange.hasBody
    this.#connection = connection
    connection.send(
      {
        head: this.#head,
        method: request.method ?? '',
        headLimit: generation.plan.limits.answerHeaders,
        timeout: this.#plan.timeouts.response,
      },
      this,
      withBody,
    )
    if (!withBody) return
    this.#upload = new Upload(this.#exchange, connection, this.#body, (error) => {
      connection.destroy()
      // If the client left, the end of its response ends the exchange.
      if (error instanceof ClientLeft) this.#leave()
      else this.onError(error)
    })
    this.#upload.begin()
  }

  onNoConnection(error: Error): void {
    const target = this.#target as Target
    this.#leave()
    if (this.#exchange.over) return
    if (isConnectionFault(error)) this.#upstream.connectionFailed(target, error)
    this.#tried = [...(this.#tried ?? []), target]
    this.begin(error)
  }

  onInterim({ status, fields }: AnswerFields): void {
    if (!this.#exchange.over) passInterim(this.#exchange, status, fields)
  }

  onHead({ status, fields }: AnswerFields, last = false): void {
    const exchange = this.#exchange
    if (exchange.over || exchange.failure !== undefined) return
    if (this.#target) this.#upstream.answered(this.#target, status)
    try {
      const encoding = passHead(exchange, status, fields, last)
      if (encoding) this.#encoder = new AnswerEncoder(exchange, encoding, () => this.#connection?.resume())
    } catch (error) {
      this.#takeBack()
      sendError(exchange, 502, `cannot send on the upstream's headers: ${messageOf(error)}`)
      return
    }
    if (status === 205) {
      this.#takeBack()
      // Complete with its head (RFC 9110 §15.3.6), whatever the upstream sends as a body.
      exchange.response.end()
    } else if (exchange.kind === 'events' && this.#connection) this.#target?.pool.openEnded(this.#connection)
  }

  onBody(chunk: Buffer, last: boolean): void {
    this.#headLeft = true
    if (this.#encoder) {
      if (!this.#encoder.write(chunk, () => releasePiece(chunk))) this.#connection?.pause()
      return
    }
    this.#exchange.bytesSent += chunk.length
    if (last) {
      this.#lastChunk = chunk
      return
    }
    const { response } = this.#exchange
    response.write(chunk, () => {
      releasePiece(chunk)
      if (response.writableLength < maxUnsent) this.#connection?.resume()
    })
    if (response.writableLength >= maxUnsent) this.#connection?.pause()
  }

  /**
   * Over h1 the head waits for the first bytes of the body, to leave in one packet with them; it is flushed if they are
   * late.
   */
  onPause(): void {
    const { response, stream } = this.#exchange
    if (!response.headersSent || this.#headLeft || stream) return
    this.#headLeft = true
    response.flushHeaders()
  }

  onEnd(trailers: readonly string[]): void {
    this.#leave()
    try {
      if (trailers.length > 0) this.#passTrailers(trailers)
      if (this.#encoder) this.#encoder.end()
      else this.#endWith(this.#lastChunk)
    } catch (error) {
      cutAnswer(this.#exchange, `cannot send on the upstream's trailers: ${messageOf(error)}`)
    }
  }

  /** Not reached: a plain request asks for no upgrade. */
  onUpgrade(_head: AnswerHead, socket: Socket): void {
    socket.destroy()
  }

  onError(error: Error): void {
    const { response, over, failure } = this.#exchange
    const connection = this.#connection
    const target = this.#target
    this.#leave()
    if (over || failure !== undefined || response.writableEnded) return
    if (!response.headersSent && target && connection && this.#mayRepeat(connection, error)) {
      this.#retried = true
      this.#engage(target, true)
      return
    }
    if (target && connection)
      this.#upstream.broke(target, error, this.#exchange.hasBody || connection.reused || connection.answerBegun)
    this.#fail(error)
  }

  onDrain(): void {
    this.#upload?.resume()
  }

  onBodyRefused(): void {
    this.#upload?.stop()
  }

  #endWith(last: Buffer | undefined): void {
    const { response } = this.#exchange
    if (last && isReusable(last)) response.end(last, () => releasePiece(last))
    else response.end(last)
  }

  #passTrailers(trailers: readonly string[]): void {
    const { response } = this.#exchange
    if (this.#lastChunk) response.write(this.#lastChunk)
    this.#lastChunk = undefined
    passTrailers(this.#exchange, trailers)
  }

  /** `fresh`: on a new connection. */
  #engage(target: Target, fresh: boolean): void {
    const exchange = this.#exchange
    this.#target = target
    target.join(exchange)
    try {
      this.#head = target.pool.prepare({
        method: exchange.request.method ?? '',
        path: exchange.inner.path + exchange.inner.query,
        headers: upstreamHeaders(exchange),
        body: this.#body,
      })
    } catch (error) {
      this.#leave()
      this.#fail(error as Error)
      return
    }
    target.pool.acquire(this, { fresh, careful: !isRepeatable(exchange) })
  }

  #mayRepeat(connection: UpstreamStream, error: Error): boolean {
    return (
      isRepeatable(this.#exchange) && !this.#retried && connection.reused && !connection.answerBegun && isBroken(error)
    )
  }

  /** The target is done with the exchange. */
  #leave(): void {
    this.#target?.leave(this.#exchange)
    this.#target = undefined
    this.#connection = undefined
    this.#upload?.stop()
    this.#upload = undefined
  }

  /** Aborts the request at the target. */
  #takeBack(): void {
    this.#connection?.destroy()
    this.#leave()
  }

  #abandon(): void {
    if (!this.#connection) this.#target?.pool.cancel(this)
    this.#takeBack()
  }

  #fail(error: Error): void {
    const status = statusOf(error)
    const cause = `upstream: ${messageOf(error)}`
    if (status === 413) deny(this.#exchange, { status, cause: messageOf(error) })
    else sendError(this.#exchange, status, cause, status === 503 ? ['retry-after', retryAfter] : [])
  }
}
