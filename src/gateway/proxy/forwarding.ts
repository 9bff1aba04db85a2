/** The X-Forwarded-* headers for upstreams. */
import type { Exchange } from '../request/exchange.ts'
import { forwardedSchemes } from '../request/identity.ts'
import type { HeaderRules } from '../response/header-rules.ts'

const sentHost = /^[a-z0-9._:,[\] -]+$/i

/**
 * Adds X-Forwarded-For, -Proto and -Host. The values of a trusted peer are kept, with its address appended; invalid
 * ones are replaced, as those of any other client are. Names that the route's header rules set or remove are left to
 * the rules.
 */
export function pushForwarding(headers: string[], exchange: Exchange, { governed }: HeaderRules): void {
  const { identity, request, authority } = exchange
  const { peer, trusted, scheme } = identity
  const sent = trusted ? request.headers : {}
  const list = sent['x-forwarded-for']
  const proto = sent['x-forwarded-proto']
  const host = sent['x-forwarded-host']
  const push = (name: string, value: string) => {
    if (!governed.has(name)) headers.push(name, value)
  }
  push('x-forwarded-for', list ? `${list}, ${peer}` : peer)
  push('x-forwarded-proto', typeof proto === 'string' && forwardedSchemes(proto) ? proto : scheme)
  push('x-forwarded-host', typeof host === 'string' && sentHost.test(host) ? host : authority)
}
