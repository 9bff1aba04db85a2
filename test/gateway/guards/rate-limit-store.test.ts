/** Limits counted by a real Redis, and by whatever else a URL may lead to. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { mends } from '../../../src/gateway/guards/rate-limit/store-trouble.ts'
import type { RateLimitPlan, RateLimitStorePlan } from '../../../src/plan/guards.ts'
import { makeCertificate } from '../../certificates/make-certificate.ts'
import { type Redis, type RedisWish, startRedis } from '../../e2e/support/redis.ts'
import { part } from '../../parts.ts'
import { ask } from '../clients.ts'
import {
  cleanUp,
  freePort,
  type PlanWish,
  type RunningGateway,
  startGateway,
  temporaryFolder,
  whenOver,
} from '../support.ts'
import { rawUpstream } from '../upstreams.ts'

afterEach(cleanUp)

const toElsewhere = { kind: 'redirect', to: 'https://elsewhere.test', status: 302, close: false } as const

function limit(requests: number, wish: Partial<RateLimitPlan> = {}): RateLimitPlan {
  return { requests, window: 60_000, by: { kind: 'client' }, of: 'gateway', ...wish }
}

function storeAt(port: number, wish: Partial<RateLimitStorePlan> = {}): RateLimitStorePlan {
  return { host: '127.0.0.1', port, tls: false, database: 0, ...wish }
}

function planWith(rateLimitStore: RateLimitStorePlan, rateLimit = limit(3)): PlanWish {
  return { routes: [toElsewhere], guards: { rateLimit }, rateLimitStore }
}

async function redis(wish: RedisWish = {}): Promise<Redis> {
  const started = await startRedis(wish)
  whenOver(() => started.stop())
  return started
}

async function statuses(gateway: RunningGateway, count: number, headers = {}): Promise<number[]> {
  const given: number[] = []
  for (let i = 0; i < count; i += 1) given.push((await ask(gateway, 'h1', { headers })).status)
  return given
}

/** Of the store that was opened last. */
const state = ({ storeNews }: RunningGateway) => {
  const last = Math.max(...storeNews.map(({ id }) => id))
  return storeNews.findLast(({ id }) => id === last)
}
/** A store that is away is asked again after 5 s at the longest. */
const patience = { timeout: 15_000, interval: 20 }
const becomes = (gateway: RunningGateway, wanted: string) =>
  expect.poll(() => state(gateway)?.state, patience).toBe(wanted)

/** The connections that Redis has, without that of the one who asks. */
async function connections(server: Redis): Promise<string[]> {
  const list = await server.ask('client', 'list')
  return list.split('\n').flatMap((line) => (/cmd=client/.test(line) ? [] : (/\bid=(\d+)/.exec(line)?.[1] ?? [])))
}

describe.skipIf(!part('redis-server'))('a limit that Redis counts', () => {
  it('is one for two gateways, from their first request on', async () => {
    const server = await redis()
    const pair = await Promise.all([
      startGateway(planWith(storeAt(server.port))),
      startGateway(planWith(storeAt(server.port))),
    ])
    expect(pair.map(state)).toMatchObject([{ state: 'counting' }, { state: 'counting' }])
    const given = (await Promise.all(pair.map((gateway) => statuses(gateway, 4)))).flat()
    expect(given.filter((status) => status === 302)).toHaveLength(3)
    expect(given.filter((status) => status === 429)).toHaveLength(5)
  })

  it('begins its window with the first request, for all: Retry-After is what is left of it', async () => {
    const server = await redis()
    const plan = planWith(storeAt(server.port), limit(2, { window: 2_500 }))
    const [one, other] = await Promise.all([startGateway(plan), startGateway(plan)])
    expect(await statuses(one, 2)).toEqual([302, 302])
    const began = performance.now()
    await expect.poll(() => server.ask('--scan').then((keys) => keys.trim()), patience).not.toBe('')
    while (performance.now() - began < 700) await statuses(other, 1)
    const refused = await ask(other, 'h1')
    expect(refused.status).toBe(429)
    expect(Number(refused.headers['retry-after'])).toBe(2)
    while (performance.now() - began < 2_600) await server.ask('ping')
    expect(await statuses(other, 3)).toEqual([302, 302, 429])
  })

  it('leaves in Redis the address of a client, and no value of a header; all of it expires', async () => {
    const server = await redis({ password: 'let me in' })
    const plan = planWith(
      storeAt(server.port, { password: 'let me in', database: 2 }),
      limit(5, { by: { kind: 'header', name: 'x-api-key' } }),
    )
    const gateway = await startGateway(plan)
    await statuses(gateway, 1)
    await statuses(gateway, 1, { 'x-api-key': 'hunter2' })
    const keys = (await server.ask('-n', '2', '--scan'))
      .trim()
      .split('\n')
      .filter((key) => !key.endsWith(':probe'))
    expect(keys.map((key) => key.replace(/:[\da-f]{12}:/, ':LIMIT:').replace(/[\da-f]{32}$/, 'DIGEST')).sort()).toEqual(
      ['{gatehouse:rl}:LIMIT:127.0.0.1', '{gatehouse:rl}:LIMIT:DIGEST'],
    )
    expect(keys.join()).not.toContain('hunter2')
    for (const key of keys) expect(Number(await server.ask('-n', '2', 'pttl', key))).toBeGreaterThan(0)
  })

  it('is asked for over TLS only of whom the authorities vouch for', async () => {
    const folder = await temporaryFolder()
    const made = makeCertificate({ names: ['localhost'] })
    const [certificate, key, other] = ['redis.crt', 'redis.key', 'other.crt'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ]
    writeFileSync(certificate, made.certificate)
    writeFileSync(key, made.key)
    writeFileSync(other, makeCertificate({ names: ['localhost'] }).certificate)
    const tls = await freePort()
    await redis({
      options: [
        '--tls-port',
        String(tls),
        '--tls-cert-file',
        certificate,
        '--tls-key-file',
        key,
        '--tls-auth-clients',
        'no',
      ],
    })
    const store = storeAt(tls, { host: 'localhost', tls: true })
    const gateway = await startGateway(planWith({ ...store, ca: other }))
    expect(state(gateway)).toMatchObject({ state: 'away', trouble: expect.stringMatching(/certificate/) })
    await gateway.apply(planWith({ ...store, ca: certificate }))
    await becomes(gateway, 'counting')
  })

  it('needs no more rights than the operator is told to give', async () => {
    const server = await redis()
    const rights = mends.NOPERM?.match(/`(.*)`/)?.[1]?.split(' ') ?? []
    await server.ask('acl', 'setuser', 'gate', 'on', '>hunter2', ...rights)
    const gateway = await startGateway(planWith(storeAt(server.port, { user: 'gate', password: 'hunter2' })))
    expect(state(gateway)).toMatchObject({ state: 'counting' })
    await server.ask('script', 'flush')
    expect(await statuses(gateway, 4)).toEqual([302, 302, 302, 429])
    expect(gateway.storeNews).toHaveLength(1)
  })

  it('keeps its connection through a reload, and closes it when the next plan names another store, or none', async () => {
    const [first, second] = await Promise.all([redis(), redis()])
    const gateway = await startGateway(planWith(storeAt(first.port)))
    const before = await connections(first)
    expect(before).toHaveLength(1)
    await gateway.apply(planWith(storeAt(first.port), limit(7)))
    expect(await statuses(gateway, 8)).toEqual([302, 302, 302, 302, 302, 302, 302, 429])
    expect(await connections(first)).toEqual(before)
    await gateway.apply(planWith(storeAt(second.port)))
    await expect.poll(() => connections(first), patience).toEqual([])
    expect(await connections(second)).toHaveLength(1)
    await gateway.apply({ routes: [toElsewhere] })
    await expect.poll(() => connections(second), patience).toEqual([])
    expect(gateway.storeNews.map(({ id, state }) => `${id} ${state}`)).toEqual([
      '1 counting',
      '2 counting',
      '1 closed',
      '2 closed',
    ])
  })

  it('goes on where its script was forgotten', async () => {
    const server = await redis()
    const gateway = await startGateway(planWith(storeAt(server.port)))
    await server.ask('script', 'flush')
    expect(await statuses(gateway, 4)).toEqual([302, 302, 302, 429])
    expect(gateway.storeNews).toHaveLength(1)
  })

  it('waits for a Redis that pauses only once, and then asks it again, without a word', async () => {
    const server = await redis()
    const gateway = await startGateway(planWith(storeAt(server.port), limit(10)))
    server.signal('SIGSTOP')
    const began = performance.now()
    expect(await statuses(gateway, 5)).toEqual([302, 302, 302, 302, 302])
    const took = performance.now() - began
    server.signal('SIGCONT')
    expect(took).toBeGreaterThanOrEqual(95)
    expect(took).toBeLessThan(900)
    // The one question that it was asked is answered by now or soon; then it counts every request again.
    const counted = async () => {
      const [key = ''] = (await server.ask('--scan', '--pattern', '*127.0.0.1')).trim().split('\n')
      return key === '' ? 0 : Number(await server.ask('get', key))
    }
    await expect.poll(counted, patience).toBe(1)
    await statuses(gateway, 1)
    expect(await counted()).toBe(2)
    expect(gateway.storeNews).toHaveLength(1)
  })

  it('goes on here, from what Redis had counted, when Redis is lost', async () => {
    const server = await redis()
    const gateway = await startGateway(planWith(storeAt(server.port), limit(5)))
    expect(await statuses(gateway, 3)).toEqual([302, 302, 302])
    await server.kill()
    expect(await statuses(gateway, 3)).toEqual([302, 302, 429])
    await becomes(gateway, 'away')
    await server.start()
    await becomes(gateway, 'counting')
    expect(gateway.storeNews.filter(({ state }) => state === 'counting')).toHaveLength(2)
  })
})

/** Each leads to a Redis that does not count, and what the operator reads then. */
const refusals: Readonly<
  Record<string, { trouble: RegExp; wish?: RedisWish; store?: Partial<RateLimitStorePlan>; orders?: string[][] }>
> = {
  'wants a password': { wish: { password: 'right' }, trouble: /^NOAUTH .*put its password into `rateLimitStore`/ },
  'wants another password': {
    wish: { password: 'right' },
    store: { password: 'hunter2' },
    trouble: /^WRONGPASS .*put the right user and password into/,
  },
  'knows no such user': { store: { user: 'nobody', password: 'hunter2' }, trouble: /^WRONGPASS / },
  'has no such database': { store: { database: 99 }, trouble: /DB index is out of range/ },
  'is a replica': { orders: [['replicaof', '127.0.0.1', '1']], trouble: /^READONLY .*name the primary/ },
  'is in a cluster': {
    wish: { options: ['--cluster-enabled', 'yes'] },
    trouble: /^CLUSTERDOWN .*name a Redis that is in none/,
  },
  'is full': { orders: [['config', 'set', 'maxmemory', '1']], trouble: /^OOM .*`maxmemory` is reached/ },
  'lets the user run no scripts': {
    orders: [['acl', 'setuser', 'gate', 'on', '>hunter2', '+@connection', '~*']],
    store: { user: 'gate', password: 'hunter2' },
    trouble: /^NOPERM .*its user needs /,
  },
}

describe.skipIf(!part('redis-server')).each(Object.entries(refusals))(
  'a Redis that %s',
  (_, { wish, store, orders = [], trouble }) => {
    it('is told of, with the mend and without the password; each replica counts alone', async () => {
      const server = await redis(wish)
      for (const order of orders) await server.ask(...order)
      const gateway = await startGateway(planWith(storeAt(server.port, store)))
      expect(state(gateway)).toMatchObject({
        address: `127.0.0.1:${server.port}`,
        state: 'away',
        trouble: expect.stringMatching(trouble),
      })
      expect(JSON.stringify(gateway.storeNews)).not.toContain('hunter2')
      expect(await statuses(gateway, 4)).toEqual([302, 302, 302, 429])
      expect(gateway.errors).toEqual([])
    })
  },
)

describe.skipIf(!part('redis-server'))('a Redis that begins to refuse', () => {
  it('is left alone until it counts again', async () => {
    const server = await redis()
    const gateway = await startGateway(planWith(storeAt(server.port)))
    await server.ask('replicaof', '127.0.0.1', '1')
    expect(await statuses(gateway, 4)).toEqual([302, 302, 302, 429])
    expect(state(gateway)).toMatchObject({ state: 'away', trouble: expect.stringMatching(/^READONLY/) })
    await server.ask('replicaof', 'no', 'one')
    await becomes(gateway, 'counting')
  })
})

describe('a server that is no Redis', () => {
  it.each<[string, Parameters<typeof rawUpstream>[0], RegExp]>([
    ['says nothing', () => {}, /does not answer within 2 s/],
    ['hangs up', (socket) => socket.destroy(), /closed|ECONNRESET/i],
    ['speaks HTTP', (socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'), /./],
    ['repeats what it hears', (socket) => socket.pipe(socket), /what no Redis would/],
    [
      'repeats the password in an error',
      (socket) => socket.on('data', () => socket.write('-ERR you sent hunter2\r\n')),
      /what no Redis would/,
    ],
  ])('and %s delays no request and breaks nothing', async (_, connected, trouble) => {
    const uncaught = vi.fn()
    process.on('unhandledRejection', uncaught)
    whenOver(() => process.off('unhandledRejection', uncaught))
    const { port } = await rawUpstream(connected)
    const began = performance.now()
    const gateway = await startGateway(planWith(storeAt(port, { password: 'hunter2' })))
    expect(await statuses(gateway, 4)).toEqual([302, 302, 302, 429])
    expect(performance.now() - began).toBeLessThan(1_900)
    await becomes(gateway, 'away')
    expect(state(gateway)?.trouble).toMatch(trouble)
    expect(JSON.stringify(gateway.storeNews)).not.toContain('hunter2')
    expect(uncaught).not.toHaveBeenCalled()
  })

  it('is nobody at all: the plan serves all the same', async () => {
    const gateway = await startGateway(planWith(storeAt(await freePort(), { host: 'localhost' })))
    expect(await statuses(gateway, 4)).toEqual([302, 302, 302, 429])
    expect(state(gateway)).toMatchObject({ state: 'away', trouble: expect.stringMatching(/ECONNREFUSED/) })
  })
})
