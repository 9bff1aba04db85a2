/** The streaming proxy: undici's dispatch straight into the client's response, with no stream in between. */
import type { Dispatcher } from 'undici'
import type { ProxyPlan } from '../../plan/types.ts'
import { messageOf } from '../../shared/errors.ts'
import type { Exchange } from '../exchange.ts'
import type { TargetStates } from '../ports.ts'
import { answerHeaders, upstreamHeaders } from '../request-headers.ts'
import { cutAnswer, sendError, sendHead } from '../respond.ts'
import type { Pools } from '../upstream/pools.ts'

/** Seconds after which a client may ask again for a process that is on its way up. */
const retryAfter = '2'

/** True if the process behind the route can be dialled; otherwise the client was told 503. */
export function targetIsUp(exchange: Exchange, plan: ProxyPlan, targets: TargetStates): boolean {
  if (plan.process === undefined) return true
  const state = targets[plan.process]
  if (state?.ready) return true
  sendError(exchange, 503, `process ${plan.process} is ${state?.phase ?? 'not started'}`, ['retry-after', retryAfter])
  return false
}

/** Forwards the exchange to the plan's origin and streams the answer back, with backpressure both ways. */
export function proxy(exchange: Exchange, plan: ProxyPlan, pools: Pools): void {
  const { request, target } = exchange
  pools.get(plan.origin, plan.timeouts.connect).dispatch(
    {
      method: request.method as Dispatcher.HttpMethod,
      path: target.path + target.query,
      headers: upstreamHeaders(exchange),
      body: exchange.hasBody ? requestBody(exchange) : null,
      headersTimeout: plan.timeouts.response,
      // The same for every request, or undici would dial anew for each Host; the pool knows the true one.
      servername: 'upstream',
    } as Dispatcher.DispatchOptions,
    answerInto(exchange),
  )
}

/**
 * The request's body as an iterator rather than the stream itself: undici destroys a body stream when the upstream
 * fails, which on h1 destroys the client's socket, and with it the 502 that the client should read.
 */
async function* requestBody({ request, stream }: Exchange): AsyncGenerator<Buffer> {
  try {
    yield* request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>
    // The reader of an h2 request sees it end even if the client reset it: half an upload must not arrive as a whole.
    if (stream && stream.rstCode !== 0) throw new Error('the client is gone')
  } finally {
    // Whatever the upstream left unread is thrown away, so that the client comes to read its answer.
    request.resume()
  }
}

function answerInto(exchange: Exchange): Dispatcher.DispatchHandler {
  const { response } = exchange
  return {
    onRequestStart(controller) {
      if (exchange.over) return controller.abort(new Error('the client is gone'))
      exchange.onClientGone(() => controller.abort(new Error('the client is gone')))
      response.on('drain', () => controller.resume())
    },
    onResponseStart(controller, status) {
      // 1xx answers are between us and the upstream; the final one follows.
      if (status < 200 || exchange.over) return
      try {
        passHead(exchange, status, answerHeaders((controller.rawHeaders ?? []) as (Buffer | string)[]))
      } catch (error) {
        sendError(exchange, 502, `the upstream's headers cannot be passed on: ${messageOf(error)}`)
        controller.abort(new Error('unusable headers'))
      }
    },
    onResponseData(controller, chunk) {
      exchange.bytesSent += chunk.length
      if (!response.write(chunk)) controller.pause()
    },
    onResponseEnd() {
      response.end()
    },
    onResponseError(_controller, error) {
      if (exchange.over || response.writableEnded) return
      const cause = `upstream: ${messageOf(error)}`
      if (response.headersSent) cutAnswer(exchange, cause)
      else sendError(exchange, statusOf(error), cause)
    },
  }
}

function passHead(exchange: Exchange, status: number, headers: readonly string[]): void {
  const { response, stream } = exchange
  sendHead(exchange, status, headers)
  if (isEventStream(headers)) exchange.becomes('events')
  // Over h1 the head waits for the body's first bytes, to leave in one packet with them; but not for those that are late.
  if (stream) return
  setImmediate(() => {
    if (!exchange.over && exchange.bytesSent === 0 && !response.writableEnded) response.flushHeaders()
  })
}

function isEventStream(headers: readonly string[]): boolean {
  const name = headers.findIndex((text, i) => i % 2 === 0 && text.toLowerCase() === 'content-type')
  return name !== -1 && /^text\/event-stream\b/i.test(headers[name + 1] ?? '')
}

function statusOf(error: Error): 400 | 502 | 504 {
  switch ((error as { code?: unknown }).code) {
    // What undici refuses before it sends anything: a header or a target that no upstream should see.
    case 'UND_ERR_INVALID_ARG':
      return 400
    case 'UND_ERR_HEADERS_TIMEOUT':
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'ETIMEDOUT':
      return 504
    default:
      return 502
  }
}
