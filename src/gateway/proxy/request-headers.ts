/** Headers of requests to upstreams: the client's without the hop-by-hop ones, and the gateway's own. */

import { kindOfHeader } from '../../plan/patterns/trusted-headers.ts'
import { speaksHttp2 } from '../../shared/net/origin-scheme.ts'
import type { Exchange } from '../request/exchange.ts'
import { pushIds } from '../request/request-id.ts'
import { pushAdded, type RequestRules } from '../response/header-rules.ts'
import { listsTags } from '../upstream/entity-tags.ts'
import { pushForwarding } from './forwarding.ts'
import { neverTrailers } from './trailer-fields.ts'

// RFC 9110 §7.6.1. `te` and `trailer` too; see `pushTrailerFields`. `expect` is answered by the gateway.
export const connectionHeaders: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'expect',
])

/** Headers for the upstream as name and value in turn, Host first. */
export function upstreamHeaders(exchange: Exchange): string[] {
  const { request, authority, generation, replacedHeaders } = exchange
  const rules = generation.requestRulesOf(exchange.routeIndex)
  const headers = rules.governed.has('host') ? [] : ['host', authority]
  const named = namedByConnection(request.headers.connection)
  const cookies: string[] = []
  const raw = request.rawHeaders
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string
    const value = raw[i + 1] as string
    const lower = name.toLowerCase()
    if (named?.has(lower) || rules.governed.has(lower) || isDropped(lower, exchange, rules)) continue
    if (replacedHeaders?.has(lower)) continue
    if (lower === 'cookie') cookies.push(value)
    else if (exchange.dialled && listsTags(lower)) {
      headers.push(name, exchange.dialled.tags.restore(exchange.inner.path, value))
    } else headers.push(name, value)
  }
  // h2 clients may split cookies; h1 allows one field only (RFC 9113 §8.2.3).
  if (cookies.length > 0) headers.push('cookie', cookies.join('; '))
  generation.clientCertificates.push(headers, exchange.listener.name, request.socket)
  for (const [name, value] of replacedHeaders ?? []) {
    if (value !== null && !rules.governed.has(name)) headers.push(name, value)
  }
  if (exchange.dialled && speaksHttp2(exchange.dialled.dial.origin)) pushTrailerFields(headers, exchange)
  pushForwarding(headers, exchange, rules)
  pushAdded(headers, exchange, rules)
  pushIds(headers, exchange.ids, generation.plan.requestId)
  return headers
}

/** Headers that are never sent on, whatever the plan says. `lower` is a client's field name in lower case. */
function isDropped(lower: string, { identity, generation }: Exchange, rules: RequestRules): boolean {
  if (lower === 'host' || lower.startsWith(':') || connectionHeaders.has(lower)) return true
  if (generation.clientCertificates.reserved.has(lower)) return true
  // CGI-like upstreams read X_Forwarded_For and X.Forwarded.For as X-Forwarded-For: such names would get past every
  // rule here and be believed there.
  if (lower.includes('_') || lower.includes('.')) return true
  const kind = kindOfHeader(lower)
  if (kind === 'trusted') return !identity.trusted && !rules.kept.has(lower)
  return kind !== 'free'
}

/**
 * What HTTP/2 upstreams learn of trailers: whether the client takes them, without which gRPC servers refuse a call, and
 * those that it announces. HTTP/1 upstreams get no trailers, and send theirs to any client.
 */
function pushTrailerFields(headers: string[], { request }: Exchange): void {
  const { te, trailer } = request.headers
  if (typeof te === 'string' && /(?:^|[\s,])trailers(?:$|[\s,;])/i.test(te)) headers.push('te', 'trailers')
  if (typeof trailer === 'string') headers.push('trailer', trailer)
}

const noTrailers: readonly string[] = []

/**
 * The trailers of the request (name and value in turn) that it has announced, under the rules of its headers; to be
 * called after its body.
 */
export function upstreamTrailers(exchange: Exchange): readonly string[] {
  const { rawTrailers: raw, headers } = exchange.request
  if (raw.length === 0 || headers.trailer === undefined) return noTrailers
  const rules = exchange.generation.requestRulesOf(exchange.routeIndex)
  const trailers: string[] = []
  for (let i = 0; i < raw.length; i += 2) {
    const lower = (raw[i] as string).toLowerCase()
    if (rules.governed.has(lower) || neverTrailers.has(lower) || isDropped(lower, exchange, rules)) continue
    if (exchange.replacedHeaders?.has(lower)) continue
    trailers.push(lower, raw[i + 1] as string)
  }
  return trailers
}

/** The headers that Connection names, which are hop-by-hop as well. */
export function namedByConnection(connection: string | undefined): ReadonlySet<string> | undefined {
  if (connection === undefined || /^(keep-alive|close)$/i.test(connection)) return undefined
  return new Set(connection.split(',').map((name) => name.trim().toLowerCase()))
}
