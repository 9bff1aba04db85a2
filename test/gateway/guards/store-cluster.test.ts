/** A Redis cluster: any node that is named leads to the one that counts. */
import { afterEach, expect, it } from 'vitest'
import type { Redis } from '../../e2e/support/redis.ts'
import { part } from '../../parts.ts'
import { cleanUp, freePort } from '../support.ts'
import { limit, patience, planWith, startedRedis, startSettled, statuses, storeAt } from './store-support.ts'

afterEach(cleanUp)

const slots = [
  ['0', '8191'],
  ['8192', '16383'],
] as const

/** Two nodes with half of the slots each; ours is on the first that is returned. */
async function cluster(): Promise<[Redis, Redis]> {
  const start = async () =>
    startedRedis({ options: ['--cluster-enabled', 'yes', '--cluster-port', String(await freePort())] })
  const nodes = [await start(), await start()] as [Redis, Redis]
  for (const [index, [first, last]] of slots.entries()) await nodes[index]?.ask('cluster', 'addslotsrange', first, last)
  const bus = /@(\d+)/.exec(await nodes[1].ask('cluster', 'nodes'))?.[1] ?? ''
  await nodes[0].ask('cluster', 'meet', '127.0.0.1', String(nodes[1].port), bus)
  for (const node of nodes)
    await expect
      .poll(() => node.ask('cluster', 'info'), patience)
      .toContain('cluster_state:ok\r\ncluster_slots_assigned:16384')
  const ours = Number(await nodes[0].ask('cluster', 'keyslot', '{gatehouse:rl}'))
  return ours < 8_192 ? nodes : [nodes[1], nodes[0]]
}

it.skipIf(!part('redis-server'))(
  'gateways that name different nodes share a limit, and follow it when its slot moves',
  async () => {
    const [owner, other] = await cluster()
    const gateways = await Promise.all(
      [owner, other].map(({ port }) => startSettled(planWith(storeAt(port), limit(5)))),
    )
    const [one, two] = gateways as [(typeof gateways)[number], (typeof gateways)[number]]
    expect(gateways.map(({ storeEvents }) => storeEvents.map(({ state }) => state))).toEqual([
      ['counting'],
      ['counting'],
    ])
    expect([...(await statuses(one, 3)), ...(await statuses(two, 3))]).toEqual([302, 302, 302, 302, 302, 429])

    const slot = (await owner.ask('cluster', 'keyslot', '{gatehouse:rl}')).trim()
    await owner.ask('flushall')
    const next = (await other.ask('cluster', 'myid')).trim()
    for (const node of [other, owner]) await node.ask('cluster', 'setslot', slot, 'node', next)
    const plans = (requests: number) =>
      Promise.all([
        one.apply(planWith(storeAt(owner.port), limit(requests))),
        two.apply(planWith(storeAt(other.port), limit(requests))),
      ])
    await plans(100)
    for (const gateway of gateways) {
      expect(await statuses(gateway, 1)).toEqual([302])
      const states = () => gateway.storeEvents.map(({ state }) => state)
      await expect.poll(states, patience).toEqual(['counting', 'away', 'counting'])
    }
    await plans(6)
    expect([...(await statuses(one, 4)), ...(await statuses(two, 4))]).toEqual([302, 302, 302, 302, 302, 302, 429, 429])
  },
  30_000,
)
