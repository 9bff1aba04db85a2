/** One exchange on its way to an upstream and back: undici's dispatch straight into the client's response. */
import type { Dispatcher } from 'undici'
import type { ProxyPlan } from '../../plan/types.ts'
import { messageOf } from '../../shared/errors.ts'
import type { Exchange } from '../exchange.ts'
import { deny } from '../guards/guard.ts'
import { upstreamHeaders } from '../request-headers.ts'
import { cutAnswer, sendError } from '../respond.ts'
import { passHead, passInterim, passTrailers } from './answer.ts'
import { AnswerEncoder } from './answer-encoder.ts'
import { ClientLeft, isBroken, isTargetsFault, statusOf } from './faults.ts'
import { countSpent } from './spent-buffers.ts'
import type { Target } from './target.ts'
import { upload } from './upload.ts'
import type { Upstream } from './upstream.ts'

// RFC 9110 §9.2.2. To do one of these twice is to do it once.
const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])

/** Seconds after which a client may ask again when no target was up. */
export const retryAfter = '2'

/**
 * The handler of its own dispatches, so that a request costs one object. Tries again in two cases, which are safe: no
 * connection was made, so nothing was sent; or an idle connection turned out to be closed, and the method is idempotent
 * and has no body.
 */
export class Passage implements Dispatcher.DispatchHandler {
  readonly #exchange: Exchange
  readonly #upstream: Upstream
  readonly #plan: ProxyPlan
  #controller: Dispatcher.DispatchController | undefined
  #target: Target | undefined
  #tried: Target[] | undefined
  /** The request was written, or begun to be, to the target of now. */
  #sent = false
  /** On a connection that had carried another request before. */
  #reused = false
  /** Bytes of an answer have come. */
  #answered = false
  #retried = false
  #encoder: AnswerEncoder | undefined

  constructor(exchange: Exchange, upstream: Upstream, plan: ProxyPlan) {
    this.#exchange = exchange
    this.#upstream = upstream
    this.#plan = plan
    exchange.onAbandoned(() => this.#controller?.abort(new ClientLeft()))
    exchange.response.on('drain', () => {
      if (!this.#encoder) this.#controller?.resume()
    })
  }

  /** `failed` is why the target before could not be reached. */
  begin(failed?: Error): void {
    const target = this.#upstream.choose(this.#tried)
    if (target) {
      this.#engage(target)
      target.dispatch(this.#options(), this)
    } else if (failed) {
      this.#fail(failed)
    } else {
      sendError(this.#exchange, 503, `upstream ${this.#upstream.name}: no target is up`, ['retry-after', retryAfter])
    }
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#exchange.over) {
      controller.abort(new ClientLeft())
      return
    }
    this.#sent = true
    this.#reused = !this.#target?.greeting
  }

  onResponseStarted(): void {
    this.#answered = true
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    const exchange = this.#exchange
    if (exchange.over) return
    const raw = (controller.rawHeaders ?? []) as readonly (Buffer | string)[]
    if (status < 200) {
      passInterim(exchange, status, raw)
      return
    }
    if (status >= 500) this.#target?.standing.failed()
    else this.#target?.standing.answered()
    try {
      const encoding = passHead(exchange, status, raw)
      if (encoding) this.#encoder = new AnswerEncoder(exchange, encoding, () => controller.resume())
    } catch (error) {
      sendError(exchange, 502, `the upstream's headers cannot be passed on: ${messageOf(error)}`)
      controller.abort(new Error('unusable headers'))
    }
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    countSpent(chunk.length)
    if (this.#encoder) {
      if (!this.#encoder.write(chunk)) controller.pause()
      return
    }
    this.#exchange.bytesSent += chunk.length
    if (!this.#exchange.response.write(chunk)) controller.pause()
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    this.#part()
    const trailers = controller.rawTrailers as readonly Buffer[] | undefined
    try {
      if (trailers && trailers.length > 0) passTrailers(this.#exchange, trailers)
      if (this.#encoder) this.#encoder.end()
      else this.#exchange.response.end()
    } catch (error) {
      cutAnswer(this.#exchange, `the upstream's trailers cannot be passed on: ${messageOf(error)}`)
    }
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    const { response, over, failure } = this.#exchange
    this.#part()
    if (over || failure !== undefined || response.writableEnded) return
    if (!response.headersSent && this.#tryAgain(error)) return
    this.#fail(error)
  }

  #options(): Dispatcher.DispatchOptions {
    const exchange = this.#exchange
    return {
      method: exchange.request.method as Dispatcher.HttpMethod,
      path: exchange.inner.path + exchange.inner.query,
      headers: upstreamHeaders(exchange),
      body: exchange.hasBody ? upload(exchange) : null,
      headersTimeout: this.#plan.timeouts.response,
      // The same for every request, or undici would dial anew for each Host; the target knows the true one.
      servername: 'upstream',
    } as Dispatcher.DispatchOptions
  }

  #engage(target: Target): void {
    this.#target = target
    target.join(this.#exchange)
  }

  #part(): void {
    this.#target?.leave(this.#exchange)
  }

  /** True if the request is on its way again. */
  #tryAgain(error: Error): boolean {
    const target = this.#target as Target
    if (!this.#sent) {
      if (!isTargetsFault(error)) return false
      target.standing.failed()
      this.#tried = [...(this.#tried ?? []), target]
      this.begin(error)
      return true
    }
    const { request, hasBody } = this.#exchange
    const safe = idempotent.has(request.method ?? '') && !hasBody
    if (this.#retried || !this.#reused || this.#answered || !safe || !isBroken(error)) return false
    this.#retried = true
    this.#sent = false
    this.#engage(target)
    // Not from the pool: where one idle connection was closed, the next one may be as well.
    target.dispatchAlone(this.#options(), this)
    return true
  }

  #fail(error: Error): void {
    const exchange = this.#exchange
    if (this.#sent && isTargetsFault(error)) this.#target?.standing.failed()
    const status = statusOf(error)
    const cause = `upstream: ${messageOf(error)}`
    if (status === 413) deny(exchange, { status, cause: error.message })
    else sendError(exchange, status, cause)
  }
}
