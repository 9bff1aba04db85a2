import { afterEach, describe, expect, it, test } from 'vitest'
import { ask, logged, type Protocol, protocols } from './clients.ts'
import { cleanUp, type PlanOptions, type RunningGateway, startGateway } from './support.ts'

afterEach(cleanUp)

const wish: PlanOptions = {
  headers: { 'x-content-type-options': 'nosniff' },
  routes: [{ kind: 'redirect', to: '/elsewhere', status: 302, close: false }],
}

/** A gateway whose listeners tell of its health. */
async function startTelling(): Promise<RunningGateway> {
  const gateway = await startGateway(wish)
  await gateway.apply({ ...wish, listeners: gateway.listeners.map((plan) => ({ ...plan, health: true })) })
  return gateway
}

async function statusOf(gateway: RunningGateway, protocol: Protocol, path: string): Promise<number> {
  return (await ask(gateway, protocol, { path })).status
}

describe.each(protocols)('health over %s', (protocol) => {
  it('is answered before any route, with the headers of the gateway, and never kept by a cache', async () => {
    const gateway = await startTelling()
    for (const path of ['/healthz', '/readyz', '/readyz?x=1', '/./readyz']) {
      const { status, headers, body } = await ask(gateway, protocol, { path })
      expect({ status, body }).toEqual({ status: 200, body: 'ok\n' })
      expect(headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
    }
    expect(await ask(gateway, protocol, { path: '/readyz', method: 'HEAD' })).toMatchObject({ status: 200, body: '' })
    expect(await gateway.waitForRecord(() => true)).toMatchObject({ ...logged[protocol], path: '/healthz' })
  })

  it('is not answered to other methods, on other paths, and on listeners that do not want to', async () => {
    const gateway = await startTelling()
    expect((await ask(gateway, protocol, { path: '/readyz', method: 'POST' })).status).toBe(302)
    expect(await statusOf(gateway, protocol, '/readyz/x')).toBe(302)
    await gateway.apply(wish)
    expect(await statusOf(gateway, protocol, '/readyz')).toBe(302)
  })

  it('says 503 for readiness as soon as the gateway is about to stop, while everything is answered as before', async () => {
    const gateway = await startTelling()
    gateway.gateway.withdraw()
    expect(await ask(gateway, protocol, { path: '/readyz' })).toMatchObject({ status: 503, body: 'stopping\n' })
    expect(await statusOf(gateway, protocol, '/healthz')).toBe(200)
    expect(await statusOf(gateway, protocol, '/')).toBe(302)
  })
})

test('a reload while the gateway is about to stop does not make it ready again', async () => {
  const gateway = await startTelling()
  gateway.gateway.withdraw()
  await gateway.apply({ ...wish, listeners: gateway.listeners.map((plan) => ({ ...plan, health: true })) })
  expect(await statusOf(gateway, 'h1', '/readyz')).toBe(503)
})
