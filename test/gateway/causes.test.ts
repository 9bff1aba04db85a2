/**
 * What the log says of a name whose addresses all refuse: Node fails with an AggregateError then, which has no message.
 */
import dns from 'node:dns'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createHealthChecks } from '../../src/health/health-checks.ts'
import { refusingPort } from '../support/refusing-port.ts'
import { ask, exchangeRaw, logged, protocols } from './clients.ts'
import { cleanUp, host, proxyTo, startGateway, whenOver } from './support.ts'
import { upstreamPlan } from './upstream-plans.ts'

const lookup = dns.lookup

beforeEach(() => {
  vi.spyOn(dns, 'lookup').mockImplementation(((name: string, options: object, done: (...found: unknown[]) => void) => {
    if (name !== 'two.example') return Reflect.apply(lookup, dns, [name, options, done])
    const addresses = ['127.0.0.1', '127.0.0.2'].map((address) => ({ address, family: 4 }))
    process.nextTick(done, null, addresses)
  }) as typeof dns.lookup)
})

afterEach(async () => {
  await cleanUp()
  vi.restoreAllMocks()
})

async function refusing() {
  const port = await refusingPort('127.0.0.2')
  const cause = `connect ECONNREFUSED 127.0.0.1:${port}, connect ECONNREFUSED 127.0.0.2:${port}`
  return { port, cause, origin: `http://two.example:${port}` }
}

describe('the cause of a 502 of a name with two addresses', () => {
  it.each(protocols)('names both over %s', async (protocol) => {
    const { port, cause, origin } = await refusing()
    const gateway = await startGateway({ routes: [proxyTo(port, { origin })] })
    expect((await ask(gateway, protocol)).status).toBe(502)
    const record = await gateway.waitForRecord(() => true)
    expect(record).toMatchObject({ ...logged[protocol], status: 502, error: `upstream: ${cause}` })
  })

  it('names both for an upgrade', async () => {
    const { port, cause, origin } = await refusing()
    const gateway = await startGateway({ routes: [proxyTo(port, { origin })] })
    const upgrade = `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`
    expect(await exchangeRaw(gateway.http, upgrade)).toContain('HTTP/1.1 502 ')
    expect(await gateway.waitForRecord(() => true)).toMatchObject({ error: `upstream: ${cause}` })
  })

  it('names both for a service that is asked about requests', async () => {
    const { port, cause, origin } = await refusing()
    const auth = { kind: 'forward', url: `${origin}/verify`, copy: [], timeout: 5_000 } as const
    const gateway = await startGateway({ routes: [{ ...proxyTo(port), guards: { auth } }] })
    expect((await ask(gateway, 'h1')).status).toBe(503)
    expect(await gateway.waitForRecord(() => true)).toMatchObject({ error: `auth service: ${cause}` })
  })

  it('names both where a health check finds it', async () => {
    const { cause, origin } = await refusing()
    const health = { http: '/', every: 20, timeout: 1_000, failures: 1, successes: 1 }
    const down = Promise.withResolvers<string>()
    const log = { info: () => {}, warn: down.resolve, error: () => {} }
    const checks = createHealthChecks(log, () => {})
    whenOver(() => checks.close())
    checks.apply([upstreamPlan([origin], { health })])
    expect(await down.promise).toContain(cause)
  })
})
