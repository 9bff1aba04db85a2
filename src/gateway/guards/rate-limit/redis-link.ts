/** One connection to the Redis that counts for all replicas. */

import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { getCACertificates } from 'node:tls'
import type { RateLimitStorePlan } from '../../../plan/model/guards.ts'
import { codeOf, messageOf } from '../../../shared/errors.ts'
import type { Milliseconds } from '../../../shared/time/duration.ts'
import { setTimeout } from '../../../shared/time/timer.ts'
import type { Allowance } from './table.ts'

export interface RedisLink {
  /** Counts one request if it is within the limit. Rejects if Redis fails, or the connection is lost. */
  take(key: string, allowance: Allowance): Promise<Taken>
  close(): void
}

/** The shared window of a key after a request. */
export interface Taken {
  readonly allowed: boolean
  /** Requests admitted in this window. */
  readonly count: number
  /** Until the window is over. */
  readonly left: Milliseconds
}

export interface LinkOptions {
  /** An open connection is lost. May be called more than once. */
  lost(error: Error): void
  /** Aborts the attempt to connect. */
  readonly signal: AbortSignal
}

/**
 * The window of a key lasts as long as its entry, so that only the clock of Redis counts. It begins with the first
 * request, and refused requests are not counted, as in the local table. An entry that lives longer than its window was
 * made before the clock was set back.
 */
const script = `
local left = redis.call('PTTL', KEYS[1])
local window = tonumber(ARGV[2])
if left < 0 or left > window then
  redis.call('SET', KEYS[1], 1, 'PX', window)
  return {1, 1, window}
end
local count = tonumber(redis.call('GET', KEYS[1]))
if count >= tonumber(ARGV[1]) then return {0, count, left} end
return {1, redis.call('INCR', KEYS[1]), left}
`

/** A hash tag, so that all keys share one slot of a cluster: what works for the first key works for all. */
const prefix = '{gatehouse:rl}:'

/** To connect and authenticate. */
const connectTimeout: Milliseconds = 2_000

/** How long a request waits for Redis. In the same data centre it takes 1 ms; a slower Redis is of no use. */
export const answerWithin: Milliseconds = 100

/**
 * Resolves when Redis has counted once: accepting connections is not enough, it must also be writable. A node of a
 * cluster redirects to the one that has the slot.
 */
export async function openRedisLink(plan: RateLimitStorePlan, options: LinkOptions): Promise<RedisLink> {
  try {
    return await openLinkTo(plan, options)
  } catch (error) {
    const [, host, port] = /^MOVED \d+ (.*):(\d+)$/.exec(messageOf(error)) ?? []
    if (port === undefined) throw error
    return openLinkTo({ ...plan, host: host || plan.host, port: Number(port) }, options)
  }
}

async function openLinkTo(plan: RateLimitStorePlan, { lost, signal }: LinkOptions): Promise<RedisLink> {
  // Loaded only if a store is configured.
  const { createClient } = (await import('@redis/client')).default
  const { host, port, user, password, database } = plan
  const address = { host, port, connectTimeout, reconnectStrategy: false as const }
  const client = createClient({
    // Supported by every Redis and its substitutes.
    RESP: 2,
    disableClientInfo: true,
    socket: plan.tls ? { ...address, tls: true, ca: await authoritiesOf(plan), ...serverNameOf(host) } : address,
    ...(user !== undefined && { username: user }),
    ...(password !== undefined && { password }),
    database,
    disableOfflineQueue: true,
    commandOptions: { timeout: undefined }, // callers have their own timeouts
  })
  let open = false
  let failure: Error | undefined
  const giveUp = () => client.destroy()
  client.on('error', (error: Error) => {
    if (open) return lost(error)
    failure ??= error
    giveUp() // otherwise a server that is no Redis would be read until the timeout
  })
  const connecting = client.connect()
  // Not AbortSignal.any: its signals stay attached to `signal`, which lives as long as the store (0.5 kB each time).
  let late = false
  const timer = setTimeout(() => {
    late = true
    giveUp()
  }, connectTimeout)
  signal.addEventListener('abort', giveUp)
  try {
    await connecting
    signal.throwIfAborted()
    const sha = String(await client.sendCommand(['SCRIPT', 'LOAD', script]))
    const link: RedisLink = {
      take: (key, { requests, window }) => {
        const rest = ['1', prefix + key, String(requests), String(Math.ceil(window))]
        return client.sendCommand(['EVALSHA', sha, ...rest]).then(takenFrom, (error: Error) => {
          // SCRIPT FLUSH, or a restart of Redis.
          if (!error.message.startsWith('NOSCRIPT')) throw error
          return client.sendCommand(['EVAL', script, ...rest]).then(takenFrom)
        })
      },
      close: giveUp,
    }
    const delay = await shortestDelay(link)
    if (delay > answerWithin)
      throw new Error(`it takes ${delay} ms to answer, and requests wait at most ${answerWithin} ms`)
    open = true
    return link
  } catch (error) {
    // A client that is destroyed while it dials continues to dial, and would leave an unused connection.
    connecting.then(giveUp, giveUp)
    giveUp()
    const cause = failure ?? (late ? new Error(`no answer within ${connectTimeout / 1_000} s`) : error)
    throw late || /^Socket closed|ECONNRESET/.test(messageOf(cause)) ? withTlsInMind(cause, plan) : cause
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', giveUp)
  }
}

/** If only one side uses TLS, they wait for each other, or close the connection without a reason. */
function withTlsInMind(error: unknown, { tls }: RateLimitStorePlan): Error {
  const hint = tls ? 'if it does not use TLS, write `redis://`' : 'if it uses TLS, write `rediss://`'
  return new Error(`${messageOf(error)} (${hint})`)
}

/** Of a few attempts, since a thread that has just started is slow itself. */
async function shortestDelay(link: RedisLink): Promise<Milliseconds> {
  let shortest = Number.POSITIVE_INFINITY
  for (let tries = 0; tries < 3 && shortest > answerWithin; tries += 1) {
    const sent = performance.now()
    await link.take('probe', { requests: 1_000_000, window: 1_000 })
    shortest = Math.min(shortest, Math.round(performance.now() - sent))
  }
  return shortest
}

/** Read for each connection, since such files are renewed. */
async function authoritiesOf({ ca }: RateLimitStorePlan): Promise<string[]> {
  if (ca === undefined) return [...getCACertificates('default'), ...getCACertificates('system')]
  try {
    return [await readFile(ca, 'utf8')]
  } catch (error) {
    throw new Error(`cannot read \`ca\` of \`rateLimitStore\`: ${codeOf(error)}`)
  }
}

/** Addresses are not allowed in SNI (RFC 6066 §3). */
function serverNameOf(host: string): { readonly servername?: string } {
  return isIP(host) === 0 ? { servername: host } : {}
}

function takenFrom(reply: unknown): Taken {
  const [allowed, count, left] = Array.isArray(reply) ? reply : []
  if (typeof allowed !== 'number' || typeof count !== 'number' || typeof left !== 'number')
    throw new Error('unexpected reply; is it a Redis server?')
  return { allowed: allowed === 1, count, left }
}
