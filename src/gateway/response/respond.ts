import { messageOf } from '../../shared/errors.ts'
import { errorCodes } from '../http2/error-codes.ts'
import type { Exchange } from '../request/exchange.ts'
import { pushIds } from '../request/request-id.ts'
import { answerEarly } from './early-answer.ts'
import { errorBody } from './error-body.ts'
import { type FlatHeaders, withoutLength } from './flat-headers.ts'
import { mustFitClientLimit } from './h2-head.ts'
import { applyRules } from './header-rules.ts'

/**
 * Writes the head of the answer: the given headers with the route's rules applied, and the request id. `last`: over h2
 * the stream ends with it; a gRPC client reads the status of a failed call only there (Trailers-Only).
 */
export function sendHead(exchange: Exchange, status: number, headers: FlatHeaders, last = false): void {
  const { http1, http2 } = exchange
  const final = finalHeaders(exchange, status, headers)
  if (http2) {
    mustFitClientLimit(http2.stream, 'a head', final)
    http2.writeHead(status, final, last)
  }
  answerEarly(exchange)
  http1?.writeHead(status, final)
  exchange.status = status
}

/** Sends an answer with a text as its body; to a HEAD request, only its head. */
export function sendText(exchange: Exchange, status: number, text: string, headers: FlatHeaders = []): void {
  sendBody(exchange, status, text, ['content-type', 'text/plain; charset=utf-8', ...headers])
}

function sendBody(exchange: Exchange, status: number, text: string, headers: FlatHeaders): void {
  const body = Buffer.from(text)
  sendHead(exchange, status, ['content-length', String(body.length), ...headers])
  exchange.bytesSent = exchange.request.method === 'HEAD' ? 0 : body.length
  if (exchange.request.method === 'HEAD') exchange.response.end()
  else exchange.response.end(body)
}

/**
 * Answers with an error of the gateway; an answer that was begun already is cut instead. The client gets the status,
 * and only the log gets the cause. The route's headers (such as Cache-Control) are left out, since they are meant for
 * its answers. Never throws.
 */
export function sendError(exchange: Exchange, status: number, cause: string, headers: FlatHeaders = []): void {
  const { response } = exchange
  if (exchange.over) return
  if (response.headersSent) {
    cutAnswer(exchange, cause)
    return
  }
  exchange.failure = cause
  const { accept } = exchange.request.headers
  const body = errorBody(status, exchange.generation.plan.errors, { accept, requestId: exchange.requestId })
  try {
    sendBody(exchange, status, body.text, [...body.headers, ...headers])
  } catch (error) {
    cutAnswer(exchange, `${cause} (and the error page could not be sent: ${messageOf(error)})`)
  }
}

/** The `statusCode` of a thrown error; 500 if it has none. */
export function statusOf(error: unknown): number {
  const status = (error as { statusCode?: unknown } | undefined)?.statusCode
  return typeof status === 'number' && status >= 400 && status < 600 ? status : 500
}

/** The headers of an answer as they are sent: with the rules of its route, HSTS and the request id. */
export function finalHeaders(exchange: Exchange, status: number, headers: FlatHeaders): string[] {
  const ruled = applyRules(exchange.rules, headers, exchange)
  const final = hasNoBody(status) ? withoutLength(ruled) : ruled
  pushHsts(final, exchange)
  pushIds(final, exchange.ids, exchange.generation.plan.requestId)
  return final
}

/**
 * RFC 9110 §8.6: 1xx and 204 have no length, and a 304 only that of the answer it stands for, which is seldom right.
 */
function hasNoBody(status: number): boolean {
  return status < 200 || status === 204 || status === 304
}

const hstsName = 'strict-transport-security'

/**
 * Only if there is none: browsers read the first (RFC 6797 §8.1), and that of a route or an upstream is more specific.
 */
function pushHsts(headers: string[], { generation, listener, rules }: Exchange): void {
  const value = generation.hsts.get(listener.name)
  if (value === undefined || rules.governed.has(hstsName)) return
  for (let i = 0; i < headers.length; i += 2) if (headers[i]?.toLowerCase() === hstsName) return
  headers.push(hstsName, value)
}

/**
 * Cuts an answer that cannot be completed: the h1 connection or h2 stream is reset. A clean end would make half an
 * answer look complete; to HTTP/1.0 clients even a closed connection does.
 */
export function cutAnswer(exchange: Exchange, cause: string): void {
  exchange.failure = cause
  const { http1, stream, listener } = exchange
  if (stream) stream.close(errorCodes.INTERNAL_ERROR)
  else if (listener.tls) http1?.destroy()
  else http1?.socket?.resetAndDestroy()
}
