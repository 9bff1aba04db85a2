/**
 * Limits that three replicas share: exact while Redis counts; each replica's own, and nothing else amiss, while it is
 * away.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { part } from '../../parts.ts'
import { type Fleet, password, startFleet } from './fleet.ts'

const limits = {
  '/exact': '{ requests: 101, window: 10m }',
  '/wait': '{ requests: 5, window: 3s }',
  '/free': '{ requests: 1000000, window: 10m }',
  '/frozen': '{ requests: 9, window: 10m }',
  '/thawed': '{ requests: 41, window: 10m }',
  '/alone': '{ requests: 7, window: 10m }',
  '/again': '{ requests: 43, window: 10m }',
}

let fleet: Fleet

beforeAll(async () => {
  if (part('redis-server')) fleet = await startFleet(limits)
}, 60_000)
afterAll(() => fleet?.stop(), 60_000)

const passed = (statuses: readonly number[]) => statuses.filter((status) => status === 200 || status === 101).length

/** So many at once at each replica, over h1, h2 and as upgrades in turn. */
async function hammer(path: string, each: number): Promise<number[][]> {
  return Promise.all(
    fleet.replicas.map(({ h1, h2, upgrade }) =>
      Promise.all(
        Array.from({ length: each }, async (_, index) => {
          if (index % 4 === 3) return upgrade(path)
          return (await (index % 2 === 0 ? h1 : h2).get(path)).status
        }),
      ),
    ),
  )
}

/** Asks each replica without end; `stop` resolves with the statuses and the longest time that an answer took. */
function load() {
  let going = true
  let slowest = 0
  const statuses = new Map<number, number>()
  const asking = fleet.replicas.flatMap(({ h1, h2 }) =>
    [h1, h2, h1].map(async (client) => {
      while (going) {
        const began = performance.now()
        const { status } = await client.get('/free')
        slowest = Math.max(slowest, performance.now() - began)
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
      }
    }),
  )
  return {
    async stop() {
      going = false
      await Promise.all(asking)
      return { statuses: [...statuses.keys()], slowest }
    },
  }
}

/** What each replica has said of the store since `marks`. */
const marks = () => fleet.replicas.map(({ gatehouse }) => gatehouse.lines.length)
const saidSince = (from: readonly number[]) =>
  fleet.replicas.map(({ gatehouse }, index) =>
    gatehouse.lines.slice(from[index]).flatMap(({ store }) => (store === undefined ? [] : [store])),
  )

describe.skipIf(!part('redis-server'))('three replicas with one Redis', () => {
  it('let exactly what is allowed pass, over h1, h2 and as upgrades', async () => {
    const from = marks()
    const statuses = (await hammer('/exact', 60)).flat()
    expect(saidSince(from)).toEqual([[], [], []])
    expect(passed(statuses)).toBe(101)
    expect(statuses.filter((status) => status === 429)).toHaveLength(180 - 101)
  })

  it('send the same Retry-After, and it is enough', async () => {
    const [first, ...others] = fleet.replicas
    for (let i = 0; i < 5; i += 1) expect((await first?.h1.get('/wait'))?.status).toBe(200)
    const refused = await Promise.all(others.map(({ h2 }) => h2.get('/wait')))
    expect(refused.map(({ status }) => status)).toEqual([429, 429])
    const waits = refused.map(({ headers }) => Number(headers['retry-after']))
    for (const wait of waits) expect([1, 2, 3]).toContain(wait)
    await new Promise((resolve) => setTimeout(resolve, Math.max(...waits) * 1_000))
    const answers = await Promise.all(others.map(({ h1 }) => h1.get('/wait')))
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
  })

  it('wait for one that is frozen only once, and share their limits again when it resumes', async () => {
    const from = marks()
    const loaded = load()
    fleet.redis.signal('SIGSTOP')
    await fleet.becomes(false)
    // The breaker is open: no request waits, and each replica has the limit for itself.
    expect((await hammer('/frozen', 20)).map(passed)).toEqual([9, 9, 9])
    for (const { warnings } of fleet.replicas)
      expect(await warnings()).toEqual([
        expect.stringMatching(/^Redis at .* is unavailable, so this replica counts its rate limits alone: /),
      ])
    fleet.redis.signal('SIGCONT')
    await fleet.becomes(true)
    const { statuses, slowest } = await loaded.stop()
    expect(statuses).toEqual([200])
    // 100 ms, and what a machine that runs three replicas and their clients takes by itself.
    expect(slowest).toBeLessThan(1_000)
    expect(passed((await hammer('/thawed', 20)).flat())).toBe(41)
    expect(saidSince(from)).toEqual(Array(3).fill(['away', 'back']))
    for (const { warnings } of fleet.replicas) expect(await warnings()).toEqual([])
  }, 60_000)

  it('count each for itself when it is killed under load: logged once, nothing fails; and together when it is back', async () => {
    const from = marks()
    const loaded = load()
    await fleet.redis.kill()
    await fleet.becomes(false)
    expect((await hammer('/alone', 20)).map(passed)).toEqual([7, 7, 7])
    await fleet.redis.start()
    await fleet.becomes(true)
    expect((await loaded.stop()).statuses).toEqual([200])
    expect(passed((await hammer('/again', 20)).flat())).toBe(43)
    expect(saidSince(from)).toEqual(Array(3).fill(['away', 'back']))
  }, 60_000)

  it('never show its password', () => {
    for (const { gatehouse } of fleet.replicas) {
      expect(JSON.stringify(gatehouse.lines)).not.toContain(password)
      expect(gatehouse.stderr).not.toContain(password)
      expect(gatehouse.lines.filter(({ level }) => level === 'error')).toEqual([])
    }
  })
})
