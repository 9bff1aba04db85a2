/**
 * Asks an auth service about each request, like Caddy's `forward_auth` and nginx's `auth_request`. Without an answer,
 * it denies.
 */
import type { ForwardAuthPlan } from '../../plan/model/guards.ts'
import { requestHead } from '../proxy/client/request-head.ts'
import { upstreamHeaders } from '../proxy/request-headers.ts'
import type { Exchange } from '../request/exchange.ts'
import type { Dial } from '../upstream/dial.ts'
import { sendAuthRequest } from './auth-request.ts'
import { type AuthServices, connectionsPerService } from './auth-services.ts'
import type { Guard } from './guard.ts'

/** The service gets the head of the request without its body. */
const bodyHeaders = new Set(['content-length', 'content-type', 'content-encoding', 'expect'])
/** Conditions and ranges (RFC 9110 §13.1, §14.2) concern the resource, not the answer of the auth service. */
const conditionalHeaders = new Set([
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
  'if-range',
  'range',
])
const overridden = new Set(['host', 'x-forwarded-method', 'x-forwarded-uri'])

export function forwardAuth(plan: ForwardAuthPlan, services: AuthServices): Guard {
  const { origin, host, pathname, search } = new URL(plan.url)
  const dial: Dial = { origin, connect: plan.timeout, connections: connectionsPerService }
  return (exchange) =>
    sendAuthRequest({
      exchange,
      head: requestHead({
        method: 'GET',
        path: pathname + search,
        headers: ['host', host, ...headersFor(exchange)],
        body: 'none',
      }),
      timeout: plan.timeout,
      pool: services.poolOf(dial),
      allowed: (fields) => copyHeaders(exchange, fields, plan.copy),
    })
}

/** The request's headers as an upstream would get them, with the method and URI in two more. */
function headersFor(exchange: Exchange): string[] {
  const sent = upstreamHeaders(exchange)
  const headers: string[] = []
  for (let i = 0; i < sent.length; i += 2) {
    const name = sent[i] as string
    const lower = name.toLowerCase()
    if (!bodyHeaders.has(lower) && !conditionalHeaders.has(lower) && !overridden.has(lower))
      headers.push(name, sent[i + 1] as string)
  }
  const { request, taken } = exchange
  headers.push('x-forwarded-method', request.method ?? '', 'x-forwarded-uri', taken.path + taken.query)
  return headers
}

/** Headers that the service does not send are removed too, so that the client cannot forge them. */
function copyHeaders(exchange: Exchange, answered: readonly string[], names: readonly string[]): void {
  for (const name of names) {
    const values = answered.filter((_, i) => i % 2 === 1 && answered[i - 1]?.toLowerCase() === name)
    exchange.replaceHeader(name, values.length === 0 ? null : values.join(', '))
  }
}
