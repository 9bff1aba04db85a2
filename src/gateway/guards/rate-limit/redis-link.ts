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
  /** Counts one request if it is within the allowance. Rejects if Redis cannot do so, or is lost meanwhile. */
  take(key: string, allowance: Allowance): Promise<Taken>
  close(): void
}

/** What the fleet's window of a key looks like behind a request. */
export interface Taken {
  readonly allowed: boolean
  /** Requests that were let pass in this window. */
  readonly count: number
  /** Until the window is over. */
  readonly left: Milliseconds
}

export interface LinkOptions {
  /** What was open is gone. May be called more than once. */
  lost(error: Error): void
  /** Gives up what is not open yet. */
  readonly signal: AbortSignal
}

/**
 * The window of a key lasts as long as its entry, so that nobody's clock counts but that of Redis. It begins with the first
 * request, and what is refused is not counted, as in our own table. One that is left longer than it lasts was made before that
 * clock was put back.
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

/** One slot, where Redis has slots: what holds for the first key that is counted holds for all. */
const prefix = '{gatehouse:rl}:'

/** To connect, and to be let in. */
const patience: Milliseconds = 2_000

/** How long a request is kept waiting for Redis. One in the same data centre takes 1 ms; one that takes longer is of no use. */
export const answerWithin: Milliseconds = 100

/**
 * Resolves when Redis has counted a first time for us: one that only accepts connections, or may not be written, is none. A
 * node of a cluster names the one that has our slot.
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
  // Only who has such a store pays for it.
  const { createClient } = await import('@redis/client')
  const { host, port, user, password, database } = plan
  const address = { host, port, connectTimeout: patience, reconnectStrategy: false as const }
  const client = createClient({
    // Known to every Redis and to what stands in for one.
    RESP: 2,
    disableClientInfo: true,
    socket: plan.tls ? { ...address, tls: true, ca: await authoritiesOf(plan), ...serverNameOf(host) } : address,
    ...(user !== undefined && { username: user }),
    ...(password !== undefined && { password }),
    database,
    disableOfflineQueue: true,
    commandOptions: { timeout: undefined }, // who asks has its own patience
  })
  let open = false
  let failure: Error | undefined
  const giveUp = () => client.destroy()
  client.on('error', (error: Error) => {
    if (open) return lost(error)
    failure ??= error
    giveUp() // what is no Redis would be listened to until patience ends
  })
  const connecting = client.connect()
  // Not by AbortSignal.any: what it makes stays with `signal`, which lives as long as the store (measured: 0.5 kB each time).
  let late = false
  const timer = setTimeout(() => {
    late = true
    giveUp()
  }, patience)
  signal.addEventListener('abort', giveUp)
  try {
    await connecting
    signal.throwIfAborted()
    const sha = String(await client.sendCommand(['SCRIPT', 'LOAD', script]))
    const link: RedisLink = {
      take: (key, { requests, window }) => {
        const rest = ['1', prefix + key, String(requests), String(Math.ceil(window))]
        return client.sendCommand(['EVALSHA', sha, ...rest]).then(takenFrom, (error: Error) => {
          // Redis forgets scripts when it is told to.
          if (!error.message.startsWith('NOSCRIPT')) throw error
          return client.sendCommand(['EVAL', script, ...rest]).then(takenFrom)
        })
      },
      close: giveUp,
    }
    const delay = await shortestDelay(link)
    if (delay > answerWithin) throw new Error(`it answers in ${delay} ms, and requests wait ${answerWithin} ms at most`)
    open = true
    return link
  } catch (error) {
    // One that was destroyed while it dialled goes on dialling, and would then be a connection of nobody's.
    connecting.then(giveUp, giveUp)
    giveUp()
    const said = failure ?? (late ? new Error(`it does not answer within ${patience / 1_000} s`) : error)
    throw late || /^Socket closed|ECONNRESET/.test(messageOf(said)) ? withTlsInMind(said, plan) : said
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', giveUp)
  }
}

/** Where one side speaks TLS and the other does not, they wait for each other, or part without a word of it. */
function withTlsInMind(error: unknown, { tls }: RateLimitStorePlan): Error {
  const hint = tls ? 'if it speaks no TLS, write `redis://`' : 'if it speaks TLS, write `rediss://`'
  return new Error(`${messageOf(error)} (${hint})`)
}

/** Of some questions, since a thread that has just begun is slow itself. */
async function shortestDelay(link: RedisLink): Promise<Milliseconds> {
  let shortest = Number.POSITIVE_INFINITY
  for (let tries = 0; tries < 3 && shortest > answerWithin; tries += 1) {
    const asked = performance.now()
    await link.take('probe', { requests: 1_000_000, window: 1_000 })
    shortest = Math.min(shortest, Math.round(performance.now() - asked))
  }
  return shortest
}

/** Read anew for each connection, since such files are renewed, too. */
async function authoritiesOf({ ca }: RateLimitStorePlan): Promise<string[]> {
  if (ca === undefined) return [...getCACertificates('default'), ...getCACertificates('system')]
  try {
    return [await readFile(ca, 'utf8')]
  } catch (error) {
    throw new Error(`\`ca\` of \`rateLimitStore\` cannot be read: ${codeOf(error)}`)
  }
}

/** An address is no name that a client may ask for (RFC 6066 §3). */
function serverNameOf(host: string): { readonly servername?: string } {
  return isIP(host) === 0 ? { servername: host } : {}
}

function takenFrom(reply: unknown): Taken {
  const [allowed, count, left] = Array.isArray(reply) ? reply : []
  if (typeof allowed !== 'number' || typeof count !== 'number' || typeof left !== 'number')
    throw new Error('it answers what no Redis would')
  return { allowed: allowed === 1, count, left }
}
