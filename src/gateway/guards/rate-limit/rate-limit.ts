import type { RateLimitKeyPlan, RateLimitPlan } from '../../../plan/model/guards.ts'
import { formatDuration, type Milliseconds } from '../../../shared/time/duration.ts'
import type { Exchange } from '../../request/exchange.ts'
import type { Guard, Verdict } from '../guard.ts'
import type { Limiter } from './limiter.ts'

/** Requests with equal `scope` are counted together, across routes, threads and generations. */
export function rateLimit(plan: RateLimitPlan, scope: string, limiter: Limiter): Guard {
  const { requests, window, by } = plan
  const take = limiter.counter(`${scope}\n${requests}\n${window}\n`, plan)
  const keyOf = compileKey(by)
  const cause = `more than ${requests} requests in ${formatDuration(window)}`
  const verdictFor = (wait: Milliseconds): Verdict =>
    wait === 0 ? 'pass' : { status: 429, cause, headers: ['retry-after', String(Math.max(1, Math.ceil(wait / 1_000)))] }
  return (exchange) => {
    const wait = take(keyOf(exchange))
    return typeof wait === 'number' ? verdictFor(wait) : wait.then(verdictFor)
  }
}

/**
 * Without the header or cookie, a request is counted by its client, so that leaving it out does not bypass the limit.
 */
function compileKey(by: RateLimitKeyPlan): (exchange: Exchange) => string {
  switch (by.kind) {
    case 'client':
      return clientKey
    case 'header':
      return (exchange) => {
        const value = exchange.request.headers[by.name]
        return value === undefined ? clientKey(exchange) : `h${String(value)}`
      }
    case 'cookie':
      return (exchange) => {
        const value = cookieOf(exchange.request.headers.cookie, by.name)
        return value === undefined ? clientKey(exchange) : `k${value}`
      }
  }
}

function clientKey({ client }: Exchange): string {
  return client.includes(':') ? networkOf(client) : client
}

/** The first 64 bits of an IPv6 address: a subscriber has at least a /64 (RFC 6177), and can vary the rest. */
export function networkOf(address: string): string {
  const [before = '', after] = address.split('::')
  const groups = before === '' ? [] : before.split(':')
  if (after !== undefined) {
    const tail = after.split(':')
    while (groups.length + tail.length < 8) groups.push('0')
    groups.push(...tail)
  }
  return groups.slice(0, 4).join(':')
}

function cookieOf(header: string | undefined, name: string): string | undefined {
  for (const pair of header?.split(';') ?? []) {
    const equals = pair.indexOf('=')
    if (equals !== -1 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim()
  }
  return undefined
}
