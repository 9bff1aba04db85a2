/** Gateways whose limits are counted in a store, and what tests ask of both. */
import { expect } from 'vitest'
import type { RateLimitPlan, RateLimitStorePlan } from '../../../src/plan/model/guards.ts'
import { type Redis, type RedisOptions, startRedis } from '../../e2e/support/redis.ts'
import { ask } from '../clients.ts'
import { type PlanOptions, type RunningGateway, startGateway, whenOver } from '../support.ts'

export const toElsewhere = { kind: 'redirect', to: 'https://elsewhere.test', status: 302, close: false } as const

export function limit(requests: number, options: Partial<RateLimitPlan> = {}): RateLimitPlan {
  return { requests, window: 60_000, by: { kind: 'client' }, of: 'gateway', ...options }
}

export function storeAt(port: number, options: Partial<RateLimitStorePlan> = {}): RateLimitStorePlan {
  return { host: '127.0.0.1', port, tls: false, database: 0, ...options }
}

export function planWith(rateLimitStore: RateLimitStorePlan, rateLimit = limit(3)): PlanOptions {
  return { routes: [toElsewhere], guards: { rateLimit }, rateLimitStore }
}

export async function startedRedis(options: RedisOptions = {}): Promise<Redis> {
  const started = await startRedis(options)
  whenOver(() => started.stop())
  return started
}

export async function statuses(gateway: RunningGateway, count: number, headers = {}): Promise<number[]> {
  const given: number[] = []
  for (let i = 0; i < count; i += 1) given.push((await ask(gateway, 'h1', { headers })).status)
  return given
}

/** Of the store that was opened last. */
export const state = ({ storeEvents }: RunningGateway) => {
  const last = Math.max(...storeEvents.map(({ id }) => id))
  return storeEvents.findLast(({ id }) => id === last)
}
/** A store that is away is asked again after 5 s at the longest. */
export const patience = { timeout: 15_000, interval: 20 }
export const becomes = (gateway: RunningGateway, wanted: string) =>
  expect.poll(() => state(gateway)?.state, patience).toBe(wanted)

/** The connections that Redis has, without that of the one who asks. */
export async function connections(server: Redis): Promise<string[]> {
  const list = await server.ask('client', 'list')
  return list.split('\n').flatMap((line) => (/cmd=client/.test(line) ? [] : (/\bid=(\d+)/.exec(line)?.[1] ?? [])))
}

/** The one key of these tests' client; a name that no key has, if it was not counted. */
export async function clientKey(server: Redis): Promise<string> {
  return (await server.ask('--scan', '--pattern', '*127.0.0.1')).trim() || 'none'
}

/** Begins when it is known how the store is, however long a busy machine takes to load its client. */
export async function startSettled(options: PlanOptions): Promise<RunningGateway> {
  const gateway = await startGateway(options)
  await expect.poll(() => gateway.storeEvents.length, patience).toBeGreaterThan(0)
  return gateway
}
