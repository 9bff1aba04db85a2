/** From a request's head to its exchange: everything that must be sound before a route is looked for. */
import { randomUUID } from 'node:crypto'
import { Exchange, type ExchangeParts, type GatewayRequest } from './exchange.ts'
import { requestIdOf } from './request-id.ts'
import { readTargetPath, type TargetPath } from './target-path.ts'

type Arrival = Omit<ExchangeParts, 'target' | 'host' | 'requestId'>

/** The exchange, and what is wrong with the request if it must be refused with 400. */
export function admit(arrival: Arrival): { readonly exchange: Exchange; readonly refusal?: string } {
  const { request, generation } = arrival
  const target = readTargetPath(request.url ?? '')
  const host = hostOf(request)
  const refusal = refusalOf(request, target, host)
  const exchange = new Exchange({
    ...arrival,
    target: target ?? { path: '(malformed)', query: '' },
    host: host ?? '',
    requestId: refusal ? randomUUID() : requestIdOf(request.headers, generation.plan.requestId),
  })
  return refusal ? { exchange, refusal } : { exchange }
}

function refusalOf(
  request: GatewayRequest,
  target: TargetPath | undefined,
  host: string | undefined,
): string | undefined {
  if (!target) return 'malformed request target'
  if (host === undefined) return 'malformed or repeated Host'
  if (request.method === 'CONNECT') return 'CONNECT is not served'
  return undefined
}

/** The name the client asked for, in lower case, without port and without the final dot; undefined if it is unsound. */
function hostOf(request: GatewayRequest): string | undefined {
  const authority = request.headers[':authority'] ?? request.headers.host
  if (authority === undefined) return ''
  if (typeof authority !== 'string' || repeatedHost(request)) return undefined
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]*)(?::\d{0,5})?$/i.exec(authority)
  return match?.[1]?.toLowerCase().replace(/\.$/, '')
}

/** Node keeps the first of two Host headers without a word; another reader might keep the second (RFC 9112 §3.2). */
function repeatedHost(request: GatewayRequest): boolean {
  const raw = request.rawHeaders
  let count = 0
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string
    if (name.length === 4 && name.toLowerCase() === 'host') count += 1
  }
  return count > 1
}
