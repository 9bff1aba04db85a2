/** Two replicas on one volume: one issues, the other takes up what it finds. */
import { readdirSync, readFileSync, statSync, watch } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { acceptedCertificate } from '../e2e/support/accepted-certificate.ts'
import { name, type Replica, type ReplicaSite, replicaSite } from '../faults/certificates/replica-site.ts'
import { part } from '../parts.ts'

/** Longer than what a lock needs to be stale. */
const patience = 40_000

async function serveTheSame(site: ReplicaSite, replicas: readonly Replica[]) {
  const roots = await site.pebble.roots()
  await expect
    .poll(
      async () => {
        const all = await Promise.all(
          replicas.map(({ https }) => acceptedCertificate(https, roots, name).catch(() => undefined)),
        )
        return new Set(all.map((one) => one?.serialNumber))
      },
      { timeout: patience, interval: 200 },
    )
    .toSatisfy((serials: Set<string | undefined>) => serials.size === 1 && !serials.has(undefined))
}

/** Resolves with the request at the door of the CA, which is never answered from then on. */
function freezeAt(site: ReplicaSite, what: RegExp): Promise<void> {
  return new Promise((resolve) => {
    site.ca.meddle = (path) => {
      if (!what.test(path)) return undefined
      resolve()
      return new Promise(() => {})
    }
  })
}

async function killed(replica: Replica): Promise<void> {
  replica.signal('SIGKILL')
  await replica.exit
}

function certificateFolder({ storage }: ReplicaSite): string {
  const [folder = ''] = readdirSync(join(storage, 'acme'))
  return join(storage, 'acme', folder, name)
}

describe.skipIf(!part('pebble'))('two replicas on one volume', () => {
  it('make one order for a name, and both serve what comes of it', async () => {
    const site = await replicaSite()
    const replicas = await Promise.all([site.start(), site.start()])
    await Promise.all(replicas.map((replica) => replica.ready()))
    await serveTheSame(site, replicas)
    expect(site.orders()).toBe(1)
    const issued = replicas.flatMap(({ lines }) =>
      lines.filter(({ message }) => /^obtained a certificate for .* from /.test(message ?? '')),
    )
    expect(issued).toHaveLength(1)
    expect(replicas.flatMap(({ lines }) => lines.filter(({ level }) => level === 'error'))).toEqual([])
  }, 60_000)

  it('survive that the one with the lock is killed in the middle of its order', async () => {
    const site = await replicaSite()
    const frozen = freezeAt(site, /^\/chalZ\//)
    const first = await site.start()
    await frozen
    const second = await site.start()
    await second.ready()
    await killed(first)
    site.ca.meddle = () => undefined
    await serveTheSame(site, [second])
    expect(site.orders()).toBeLessThanOrEqual(2)
    expect(readdirSync(certificateFolder(site))).toEqual(['certificate.pem'])
  }, 60_000)

  it('try the lock of a slow one at each look, and not in between', async () => {
    const site = await replicaSite()
    const frozen = freezeAt(site, /^\/finalize-order\//)
    await site.start()
    await frozen
    const tries = new Map<string, number>()
    const watcher = watch(certificateFolder(site), (_, file) => {
      // Each try links a file of its own to `lock`.
      if (file?.startsWith('lock.') && !tries.has(file)) tries.set(file, performance.now())
    })
    onTestFinished(() => watcher.close())
    const second = await site.start()
    await second.ready()
    await expect.poll(() => tries.size, { timeout: 15_000 }).toBeGreaterThanOrEqual(4)
    const [, from = 0, , to = 0] = tries.values()
    expect(to - from).toBeGreaterThan(3_000)
  }, 60_000)
})

describe.skipIf(!part('pebble'))('a crash between order and save', () => {
  it('is taken up by the next start: no second order, the key that was ordered for', async () => {
    const site = await replicaSite()
    const frozen = freezeAt(site, /^\/certZ\//)
    const first = await site.start()
    await frozen
    const pending = JSON.parse(readFileSync(join(certificateFolder(site), 'pending.json'), 'utf8'))
    await killed(first)
    site.ca.meddle = () => undefined
    const second = await site.start()
    await serveTheSame(site, [second])
    expect(site.orders()).toBe(1)
    expect(readFileSync(join(certificateFolder(site), 'certificate.pem'), 'utf8')).toContain(pending.key.trim())
    const open = readdirSync(site.storage, { recursive: true, encoding: 'utf8' }).filter(
      (path) => (statSync(join(site.storage, path)).mode & 0o077) !== 0,
    )
    expect(open).toEqual([])
    expect(readdirSync(certificateFolder(site))).toEqual(['certificate.pem'])
  }, 60_000)
})
