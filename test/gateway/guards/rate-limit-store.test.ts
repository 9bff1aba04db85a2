/** Limits counted by a real Redis. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { hints } from '../../../src/gateway/guards/rate-limit/store-errors.ts'
import { makeCertificate } from '../../certificates/make-certificate.ts'
import { part } from '../../parts.ts'
import { ask } from '../clients.ts'
import { cleanUp, freePort, temporaryFolder } from '../support.ts'
import {
  becomes,
  clientKey,
  connections,
  limit,
  patience,
  planWith,
  startedRedis,
  startSettled,
  state,
  statuses,
  storeAt,
  toElsewhere,
} from './store-support.ts'

afterEach(cleanUp)

describe.skipIf(!part('redis-server'))('a limit that Redis counts', () => {
  it('is one for two gateways, from their first request on', async () => {
    const server = await startedRedis()
    const pair = await Promise.all([
      startSettled(planWith(storeAt(server.port))),
      startSettled(planWith(storeAt(server.port))),
    ])
    expect(pair.map(state)).toMatchObject([{ state: 'counting' }, { state: 'counting' }])
    const given = (await Promise.all(pair.map((gateway) => statuses(gateway, 4)))).flat()
    expect(given.filter((status) => status === 302)).toHaveLength(3)
    expect(given.filter((status) => status === 429)).toHaveLength(5)
  })

  it('begins its window with the first request, for all: Retry-After is what is left of it', async () => {
    const server = await startedRedis()
    const plan = planWith(storeAt(server.port), limit(2, { window: 2_500 }))
    const [one, other] = await Promise.all([startSettled(plan), startSettled(plan)])
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
    const server = await startedRedis({ password: 'let me in' })
    const plan = planWith(
      storeAt(server.port, { password: 'let me in', database: 2 }),
      limit(5, { by: { kind: 'header', name: 'x-api-key' } }),
    )
    const gateway = await startSettled(plan)
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

  it('is used over TLS only if the authorities vouch for it', async () => {
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
    const plain = await startedRedis({
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
    const gateway = await startSettled(planWith({ ...store, ca: other }))
    expect(state(gateway)).toMatchObject({ state: 'away', problem: expect.stringMatching(/certificate/) })
    await gateway.apply(planWith({ ...store, tls: false }))
    await expect.poll(() => state(gateway)?.problem, patience).toMatch(/if it uses TLS, write `rediss:/)
    await gateway.apply(planWith({ ...store, port: plain.port }))
    await expect.poll(() => state(gateway)?.problem, patience).toMatch(/if it does not use TLS, write `redis:/)
    await gateway.apply(planWith({ ...store, ca: certificate }))
    await becomes(gateway, 'counting')
  })

  it('begins anew where the clock of Redis was put back, which would make a window last for hours', async () => {
    const server = await startedRedis()
    const plan = planWith(storeAt(server.port), limit(2))
    const [one, other] = await Promise.all([startSettled(plan), startSettled(plan)])
    expect(await statuses(one, 2)).toEqual([302, 302])
    await server.ask('pexpire', await clientKey(server), String(3_600_000))
    expect(await statuses(other, 3)).toEqual([302, 302, 429])
    expect(Number(await server.ask('pttl', await clientKey(server)))).toBeLessThanOrEqual(60_000)
  })

  it('needs no more rights than the hint names', async () => {
    const server = await startedRedis()
    const rights = hints.NOPERM?.match(/`(.*)`/)?.[1]?.split(' ') ?? []
    await server.ask('acl', 'setuser', 'gate', 'on', '>hunter2', ...rights)
    const gateway = await startSettled(planWith(storeAt(server.port, { user: 'gate', password: 'hunter2' })))
    expect(state(gateway)).toMatchObject({ state: 'counting' })
    await server.ask('script', 'flush')
    expect(await statuses(gateway, 4)).toEqual([302, 302, 302, 429])
    expect(gateway.storeEvents).toHaveLength(1)
  })

  it('keeps its connection through a reload, and closes it when the next plan names another store, or none', async () => {
    const [first, second] = await Promise.all([startedRedis(), startedRedis()])
    const gateway = await startSettled(planWith(storeAt(first.port)))
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
    expect(gateway.storeEvents.map(({ id, state }) => `${id} ${state}`)).toEqual([
      '1 counting',
      '2 counting',
      '1 closed',
      '2 closed',
    ])
  })

  it('counts on when its script was flushed', async () => {
    const server = await startedRedis()
    const gateway = await startSettled(planWith(storeAt(server.port)))
    await server.ask('script', 'flush')
    expect(await statuses(gateway, 4)).toEqual([302, 302, 302, 429])
    expect(gateway.storeEvents).toHaveLength(1)
  })

  it('waits for a Redis that pauses only once, and then asks it again, without a word', async () => {
    const server = await startedRedis()
    const gateway = await startSettled(planWith(storeAt(server.port), limit(10)))
    server.signal('SIGSTOP')
    const began = performance.now()
    expect(await statuses(gateway, 5)).toEqual([302, 302, 302, 302, 302])
    const took = performance.now() - began
    server.signal('SIGCONT')
    expect(took).toBeGreaterThanOrEqual(95)
    expect(took).toBeLessThan(900)
    // The one question that it was asked is answered by now or soon; then it counts every request again.
    const counted = async () => Number(await server.ask('get', await clientKey(server)))
    await expect.poll(counted, patience).toBe(1)
    await statuses(gateway, 1)
    expect(await counted()).toBe(2)
    expect(gateway.storeEvents).toHaveLength(1)
  })

  it('continues locally from what Redis had counted when Redis is lost', async () => {
    const server = await startedRedis()
    const gateway = await startSettled(planWith(storeAt(server.port), limit(5)))
    expect(await statuses(gateway, 3)).toEqual([302, 302, 302])
    await server.kill()
    expect(await statuses(gateway, 3)).toEqual([302, 302, 429])
    await becomes(gateway, 'away')
    await server.start()
    await becomes(gateway, 'counting')
    expect(gateway.storeEvents.filter(({ state }) => state === 'counting')).toHaveLength(2)
  })
})
