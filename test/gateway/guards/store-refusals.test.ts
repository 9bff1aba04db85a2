/** What a URL may lead to that does not count: a Redis that refuses, and servers that are none. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { RateLimitStorePlan } from '../../../src/plan/model/guards.ts'
import type { RedisOptions } from '../../e2e/support/redis.ts'
import { part } from '../../parts.ts'
import { refusingPort } from '../../support/refusing-port.ts'
import { cleanUp, freePort, startGateway, whenOver } from '../support.ts'
import { rawUpstream } from '../upstreams.ts'
import { becomes, planWith, startedRedis, startSettled, state, statuses, storeAt } from './store-support.ts'

afterEach(cleanUp)

/** Each leads to a Redis that does not count, and what the operator reads then. */
const refusals: Readonly<
  Record<string, { problem: RegExp; wish?: RedisOptions; store?: Partial<RateLimitStorePlan>; orders?: string[][] }>
> = {
  'wants a password': { wish: { password: 'right' }, problem: /^NOAUTH .*put its password into `rateLimitStore`/ },
  'wants another password': {
    wish: { password: 'right' },
    store: { password: 'hunter2' },
    problem: /^WRONGPASS .*put the right user and password into/,
  },
  'knows no such user': { store: { user: 'unknown', password: 'hunter2' }, problem: /^WRONGPASS / },
  'wants another password, and says a word that this one is': {
    wish: { password: 'right' },
    store: { password: 'password' },
    problem: /^WRONGPASS \(put the right user and password into/,
  },
  'has no such database': { store: { database: 99 }, problem: /DB index is out of range/ },
  'is a replica': { orders: [['replicaof', '127.0.0.1', '1']], problem: /^READONLY .*name the primary/ },
  'is in a cluster without slots': {
    // Its bus would take a port that is 10,000 higher, which need not be free.
    wish: { options: ['--cluster-enabled', 'yes', '--cluster-port', String(await freePort())] },
    problem: /^CLUSTERDOWN .*see `CLUSTER INFO`/,
  },
  'is full': { orders: [['config', 'set', 'maxmemory', '1']], problem: /^OOM .*`maxmemory` is reached/ },
  'lets the user run no scripts': {
    orders: [['acl', 'setuser', 'gate', 'on', '>hunter2', '+@connection', '~*']],
    store: { user: 'gate', password: 'hunter2' },
    problem: /^NOPERM .*its user needs /,
  },
}

describe.skipIf(!part('redis-server')).each(Object.entries(refusals))(
  'a Redis that %s',
  (_, { wish, store, orders = [], problem }) => {
    it('is reported, with a hint and without the password; each replica counts alone', async () => {
      const server = await startedRedis(wish)
      for (const order of orders) await server.ask(...order)
      const gateway = await startSettled(planWith(storeAt(server.port, store)))
      expect(state(gateway)).toMatchObject({
        address: `127.0.0.1:${server.port}`,
        state: 'away',
        problem: expect.stringMatching(problem),
      })
      expect(JSON.stringify(gateway.storeEvents)).not.toContain('hunter2')
      expect(await statuses(gateway, 4)).toEqual([302, 302, 302, 429])
      expect(gateway.errors).toEqual([])
    })
  },
)

describe.skipIf(!part('redis-server'))('a Redis that begins to refuse', () => {
  it('is left alone until it counts again', async () => {
    const server = await startedRedis()
    const gateway = await startSettled(planWith(storeAt(server.port)))
    await server.ask('replicaof', '127.0.0.1', '1')
    expect(await statuses(gateway, 4)).toEqual([302, 302, 302, 429])
    expect(state(gateway)).toMatchObject({ state: 'away', problem: expect.stringMatching(/^READONLY/) })
    await server.ask('replicaof', 'no', 'one')
    await becomes(gateway, 'counting')
  })
})

describe('a server that is no Redis', () => {
  it.each<[string, Parameters<typeof rawUpstream>[0], RegExp]>([
    ['says nothing', () => {}, /no answer within 2 s/],
    ['hangs up', (socket) => socket.destroy(), /closed|ECONNRESET/i],
    ['speaks HTTP', (socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'), /./],
    ['repeats what it hears', (socket) => socket.pipe(socket), /unexpected reply/],
    [
      'repeats the password in an error',
      (socket) => socket.on('data', () => socket.write('-ERR you sent hunter2\r\n')),
      /unexpected reply/,
    ],
  ])('and %s delays no request and breaks nothing', async (_, connected, problem) => {
    const uncaught = vi.fn()
    process.on('unhandledRejection', uncaught)
    whenOver(() => process.off('unhandledRejection', uncaught))
    const { port } = await rawUpstream(connected)
    const gateway = await startGateway(planWith(storeAt(port, { password: 'hunter2' })))
    const began = performance.now()
    expect(await statuses(gateway, 4)).toEqual([302, 302, 302, 429])
    expect(performance.now() - began).toBeLessThan(1_000)
    await becomes(gateway, 'away')
    expect(state(gateway)?.problem).toMatch(problem)
    expect(JSON.stringify(gateway.storeEvents)).not.toContain('hunter2')
    expect(uncaught).not.toHaveBeenCalled()
  })

  it('is absent: the plan serves all the same', async () => {
    // Without an answer no password can be repeated, though this one is part of it.
    const store = storeAt(await refusingPort(), { host: 'localhost', password: 'REFUSED' })
    const gateway = await startSettled(planWith(store))
    expect(await statuses(gateway, 4)).toEqual([302, 302, 302, 429])
    expect(state(gateway)).toMatchObject({ state: 'away', problem: expect.stringMatching(/ECONNREFUSED/) })
  })
})
