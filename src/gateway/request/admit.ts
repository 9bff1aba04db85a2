/** From a request's head to its exchange: everything that must be valid before a route is chosen. */
import { METHODS } from 'node:http'
import { refusalOfHeadSize } from '../guards/head-size.ts'
import { Exchange, type ExchangeParts, type GatewayRequest } from './exchange.ts'
import { identify } from './identity.ts'
import type { Refusal } from './refusal.ts'
import { requestIdsOf } from './request-id.ts'
import { type RequestTarget, readTargetPath, unreadTarget } from './target-path.ts'
import { refusalOf } from './validate-request.ts'

/** The target that stands for the server as a whole (RFC 9112 §3.2.4). */
export const serverWide = '*'

/** Without CONNECT, which asks for a tunnel to anywhere. */
export const answeredMethods: ReadonlySet<string> = new Set(METHODS.filter((method) => method !== 'CONNECT'))

export interface Arrival extends Omit<ExchangeParts, 'target' | 'authority' | 'host' | 'identity' | 'ids'> {
  /** Address of the other end of the connection. */
  readonly peer: string
  /** Why it is refused, if that is known before its head is checked. */
  readonly refusal?: Refusal
}

/** The exchange, and a refusal if the request must not be routed. */
export function admit(arrival: Arrival): { readonly exchange: Exchange; readonly refusal?: Refusal } {
  const { request, generation, peer, listener } = arrival
  const target =
    request.method === 'OPTIONS' && request.url === serverWide
      ? unreadTarget(serverWide)
      : readTargetPath(request.url ?? '', 'stream' in request ? 'origin-form' : 'any-form')
  const authority = authorityOf(request, target)
  const host = authority === undefined ? undefined : hostOf(authority)
  const refusal =
    arrival.refusal ??
    refusalOfTarget(request, target, host) ??
    refusalOf(request) ??
    refusalOfHeadSize(request, generation.plan.limits.requestHeaders)
  const exchange = new Exchange({
    ...arrival,
    target: target ?? unreadTarget(nameOf(arrival)),
    authority: authority ?? '',
    host: host ?? '',
    identity: identify({ peer, secure: listener.tls }, request.headers, generation.trusts),
    ids: requestIdsOf(refusal ? {} : request.headers, generation.plan.requestId),
  })
  return refusal ? { exchange, refusal } : { exchange }
}

function refusalOfTarget(
  request: GatewayRequest,
  target: RequestTarget | undefined,
  host: string | undefined,
): Refusal | undefined {
  // First, since the target of CONNECT is no path. Any token may come as a method (RFC 9110 §9.1).
  const { method = '' } = request
  if (!answeredMethods.has(method)) return { status: 501, cause: `unknown method ${method.slice(0, 64)}` }
  if (!target) return { status: 400, cause: 'malformed request target' }
  if (host === undefined) return { status: 400, cause: 'missing, malformed or repeated Host' }
  return undefined
}

/** Shown in the log instead of a path. */
function nameOf({ request, refusal }: Arrival): string {
  if (request.method === 'CONNECT') return String(request.headers[':authority'] ?? request.url ?? '')
  return refusal ? '(unreadable)' : '(malformed)'
}

/** The authority that the client names; undefined if there is none, or more than one Host. */
function authorityOf(request: GatewayRequest, target: RequestTarget | undefined): string | undefined {
  const { headers } = request
  const named = headers[':authority'] ?? headers.host ?? (request.httpVersion === '1.0' ? '' : undefined)
  if (typeof named !== 'string' || repeatedHost(request)) return undefined
  if (target?.authority === undefined) return named
  // An absolute target overrides Host, but an invalid Host is still refused (RFC 9112 §3.2).
  return hostOf(named) === undefined ? undefined : target.authority
}

/** The name in lower case, without port and final dot; undefined if it is invalid. */
function hostOf(authority: string): string | undefined {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]*)(?::\d{0,5})?$/i.exec(authority)
  return match?.[1]?.toLowerCase().replace(/\.$/, '')
}

/** Node silently keeps the first of two Host headers; another parser might keep the second (RFC 9112 §3.2). */
function repeatedHost(request: GatewayRequest): boolean {
  const raw = request.rawHeaders
  let count = 0
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string
    if (name.length === 4 && name.toLowerCase() === 'host') count += 1
  }
  return count > 1
}
