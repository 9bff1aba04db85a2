/** One connection to the Redis that counts for all replicas. */
import type { RateLimitStorePlan } from '../../../plan/guards.ts'
import type { Milliseconds } from '../../../shared/duration.ts'
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
 * request, and what is refused is not counted, as in our own table.
 */
const script = `
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  redis.call('SET', KEYS[1], 1, 'PX', ARGV[2])
  return {1, 1, tonumber(ARGV[2])}
end
local count = tonumber(redis.call('GET', KEYS[1]))
if count >= tonumber(ARGV[1]) then return {0, count, left} end
return {1, redis.call('INCR', KEYS[1]), left}
`

export const prefix = 'gatehouse:rl:'

/** To connect, and to be let in. */
const patience: Milliseconds = 2_000

/** How long a request is kept waiting for Redis. One in the same data centre takes 1 ms; one that takes longer is of no use. */
export const answerWithin: Milliseconds = 100

/** Resolves when Redis has counted a first time for us: one that only accepts connections, or may not be written, is none. */
export async function openRedisLink(plan: RateLimitStorePlan, { lost, signal }: LinkOptions): Promise<RedisLink> {
  // Only who has such a store pays for it.
  const { createClient } = await import('@redis/client')
  const { host, port, tls, user, password, database } = plan
  const address = { host, port, connectTimeout: patience, reconnectStrategy: false as const }
  const client = createClient({
    // Known to every Redis and to what stands in for one.
    RESP: 2,
    disableClientInfo: true,
    socket: tls ? { ...address, tls: true, servername: host } : address,
    ...(user !== undefined && { username: user }),
    ...(password !== undefined && { password }),
    database,
    disableOfflineQueue: true,
    commandOptions: { timeout: undefined }, // who asks has its own patience
  })
  let open = false
  client.on('error', (error: Error) => {
    if (open) lost(error)
  })
  const connecting = client.connect()
  const giveUp = () => client.destroy()
  const bound = AbortSignal.any([signal, AbortSignal.timeout(patience)])
  bound.addEventListener('abort', giveUp)
  try {
    await connecting
    bound.throwIfAborted()
    const sha = String(await client.sendCommand(['SCRIPT', 'LOAD', script]))
    const link: RedisLink = {
      take: (key, { requests, window }) => {
        const rest = ['1', prefix + key, String(requests), String(Math.ceil(window))]
        return client
          .sendCommand(['EVALSHA', sha, ...rest])
          .catch((error: Error) => {
            // Redis forgets scripts when it is told to.
            if (!error.message.startsWith('NOSCRIPT')) throw error
            return client.sendCommand(['EVAL', script, ...rest])
          })
          .then(takenFrom)
      },
      close: giveUp,
    }
    const asked = performance.now()
    await link.take('probe', { requests: 1_000_000, window: 1_000 })
    const delay = Math.round(performance.now() - asked)
    if (delay > answerWithin) throw new Error(`it answers in ${delay} ms, and requests wait ${answerWithin} ms at most`)
    open = true
    return link
  } catch (error) {
    // One that was destroyed while it dialled goes on dialling, and would then be a connection of nobody's.
    connecting.then(giveUp, giveUp)
    const late = bound.aborted
    giveUp()
    throw late ? new Error(`it does not answer within ${patience / 1_000} s`) : error
  } finally {
    bound.removeEventListener('abort', giveUp)
  }
}

function takenFrom(reply: unknown): Taken {
  const [allowed, count, left] = Array.isArray(reply) ? reply : []
  if (typeof allowed !== 'number' || typeof count !== 'number' || typeof left !== 'number')
    throw new Error('it answers what no Redis would')
  return { allowed: allowed === 1, count, left }
}
