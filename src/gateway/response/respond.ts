import { constants } from 'node:http2'
import type { Socket } from 'node:net'
import { messageOf } from '../../shared/errors.ts'
import type { Exchange } from '../request/exchange.ts'
import { pushIds } from '../request/request-id.ts'
import { answerEarly } from './early-answer.ts'
import { errorBody } from './error-body.ts'
import { type FlatHeaders, withoutLength } from './flat-headers.ts'
import { respondH2 } from './h2-head.ts'
import { applyRules } from './header-rules.ts'

/** Writes the head of the answer: the given headers, the route's rules laid over them, the request id. */
export function sendHead(exchange: Exchange, status: number, headers: FlatHeaders): void {
  const { response, stream } = exchange
  const final = finalHeaders(exchange, status, headers)
  answerEarly(exchange)
  if (stream) respondH2(stream, status, final)
  else response.writeHead(status, final)
  exchange.status = status
}

/** A whole answer of our own. A HEAD request gets the head of it. */
export function sendText(exchange: Exchange, status: number, text: string, headers: FlatHeaders = []): void {
  sendBody(exchange, status, text, ['content-type', 'text/plain; charset=utf-8', ...headers])
}

function sendBody(exchange: Exchange, status: number, text: string, headers: FlatHeaders): void {
  const body = Buffer.from(text)
  sendHead(exchange, status, ['content-length', String(body.length), ...headers])
  exchange.bytesSent = exchange.request.method === 'HEAD' ? 0 : body.length
  exchange.response.end(exchange.request.method === 'HEAD' ? undefined : body)
}

/**
 * An error of our own; where an answer was begun already, it is cut instead. The client reads the status and nothing of
 * the cause, which goes to our log; the route's headers (Cache-Control above all) are left out, since they were meant for
 * its answers. Never throws: it is what is left to do when something else has.
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
    cutAnswer(exchange, `${cause} (and the answer could not be sent: ${messageOf(error)})`)
  }
}

/** The status that something thrown asks for; 500 if it asks for none. */
export function statusOf(error: unknown): number {
  const status = (error as { statusCode?: unknown } | undefined)?.statusCode
  return typeof status === 'number' && status >= 400 && status < 600 ? status : 500
}

/** The headers of an answer as they are sent: with the rules of its route, and what the gateway says of every answer. */
export function finalHeaders(exchange: Exchange, status: number, headers: FlatHeaders): string[] {
  const ruled = applyRules(exchange.rules, headers, exchange)
  const final = hasNoBody(status) ? withoutLength(ruled) : ruled
  pushHsts(final, exchange)
  pushIds(final, exchange.ids, exchange.generation.plan.requestId)
  return final
}

/** RFC 9110 §8.6: 1xx and 204 say no length, and a 304 only that of the answer it stands for, which few that send one know. */
function hasNoBody(status: number): boolean {
  return status < 200 || status === 204 || status === 304
}

const hstsName = 'strict-transport-security'

/** One value only: browsers read the first (RFC 6797 §8.1), and what a route or upstream says is nearer to the answer. */
function pushHsts(headers: string[], { generation, listener, rules }: Exchange): void {
  const value = generation.hsts.get(listener.name)
  if (value === undefined || rules.governed.has(hstsName)) return
  for (let i = 0; i < headers.length; i += 2) if (headers[i]?.toLowerCase() === hstsName) return
  headers.push(hstsName, value)
}

/**
 * Ends an answer that cannot be completed so that the client sees it: an h1 connection is reset, an h2 stream too. A clean
 * end would make half an answer look whole (to HTTP/1.0 clients even a closed connection is one).
 */
export function cutAnswer(exchange: Exchange, cause: string): void {
  exchange.failure = cause
  const { response, stream } = exchange
  if (stream) stream.close(constants.NGHTTP2_INTERNAL_ERROR)
  else if (exchange.listener.tls) response.destroy()
  else (response.socket as Socket | null)?.resetAndDestroy()
}
