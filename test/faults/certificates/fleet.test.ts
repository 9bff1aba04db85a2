/** Three replicas share what there is to share: one Redis for their limits, one volume for their certificates. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { acceptedCertificate } from '../../e2e/support/accepted-certificate.ts'
import { h2Client } from '../../e2e/support/clients.ts'
import { startRedis } from '../../e2e/support/redis.ts'
import { part } from '../../parts.ts'
import { name, type Replica, type ReplicaSite, replicaSite } from './replica-site.ts'

const complete = part('pebble') !== undefined && part('redis-server') !== undefined

/** The serial numbers that clients who trust the CA read; undefined where none is served that they accept. */
async function served({ pebble }: ReplicaSite, replicas: readonly Replica[]): Promise<(string | undefined)[]> {
  const roots = await pebble.roots()
  return Promise.all(
    replicas.map(({ https }) =>
      acceptedCertificate(https, roots, name).then(
        ({ serialNumber }) => serialNumber,
        () => undefined,
      ),
    ),
  )
}

describe.skipIf(!complete)('three replicas on one Redis and one volume', () => {
  it('make one order, serve the same certificate, and let pass what is allowed to all of them together', async () => {
    const redis = await startRedis()
    onTestFinished(() => redis.stop())
    const site = await replicaSite(
      {},
      `rateLimit: { requests: 50, window: 10m }
  rateLimitStore: { redis: "redis://127.0.0.1:${redis.port}" }`,
    )
    const replicas = await Promise.all([site.start(), site.start(), site.start()])
    await Promise.all(replicas.map((replica) => replica.ready()))
    await expect
      .poll(() => served(site, replicas), { timeout: 40_000, interval: 200 })
      .toSatisfy((serials: (string | undefined)[]) => !serials.includes(undefined) && new Set(serials).size === 1)
    expect(site.orders()).toBe(1)

    const store = ({ lines }: Replica) => lines.findLast((line) => line.store !== undefined)?.store
    await expect.poll(() => replicas.map(store), { timeout: 20_000 }).not.toContain('away')
    expect(replicas.map(store)).not.toContain(undefined)
    const roots = await site.pebble.roots()
    const answers = await Promise.all(
      replicas.map(async ({ https }) => {
        const client = h2Client(`https://127.0.0.1:${https}`, roots, name)
        onTestFinished(() => client.close())
        return Promise.all(Array.from({ length: 30 }, () => client.get('/')))
      }),
    )
    const statuses = answers.flat().map(({ status }) => status)
    expect(statuses.filter((status) => status === 302)).toHaveLength(50)
    expect(statuses.filter((status) => status === 429)).toHaveLength(40)
    for (const { lines } of replicas) {
      expect(lines.filter(({ level }) => level === 'error')).toEqual([])
    }
  }, 60_000)
})
