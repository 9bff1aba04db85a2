/** HTTPS upstreams: verified by name and chain unless the plan says otherwise, for requests and upgrades alike. */
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { createHealthChecks } from '../../src/health/health-checks.ts'
import type { UpstreamTlsPlan } from '../../src/plan/model/upstreams.ts'
import { makeCertificate } from '../certificates/make-certificate.ts'
import { ask, protocols, rawSocket, readUntil } from './clients.ts'
import { cleanUp, host, type RunningGateway, startGateway, temporaryFolder, whenOver } from './support.ts'
import { toUpstream, upstreamPlan } from './upstream-plans.ts'
import { listening } from './upstreams.ts'

afterEach(cleanUp)

const inner = makeCertificate({ names: ['legacy.internal'] })

async function secureUpstream(): Promise<number> {
  const server = createServer({ cert: inner.certificate, key: inner.key }, (_request, response) => response.end('safe'))
  server.on('upgrade', (_request, socket) => {
    socket.on('error', () => {})
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nsafe')
  })
  server.on('tlsClientError', () => {})
  return (await listening(server)).port
}

async function gatewayWith(tls?: Partial<UpstreamTlsPlan> & { pem?: string }): Promise<RunningGateway> {
  const target = `https://127.0.0.1:${await secureUpstream()}`
  const { pem, ...rest } = tls ?? {}
  const ca = pem === undefined ? {} : { ca: join(await temporaryFolder(), 'ca.pem') }
  if (ca.ca && pem) writeFileSync(ca.ca, pem)
  const plan = upstreamPlan([target], tls && { tls: { verify: true, ...ca, ...rest } })
  return startGateway({ routes: [toUpstream], upstreams: [plan] })
}

async function upgraded(gateway: RunningGateway): Promise<string> {
  const socket = rawSocket(gateway.http)
  socket.write(
    `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  )
  const head = await readUntil(socket, '\r\n\r\n')
  socket.destroy()
  return head.split('\r\n', 1)[0] ?? ''
}

describe.each(protocols)('over %s, an HTTPS upstream', (protocol) => {
  it.each([
    ['that no known authority vouches for', undefined, /self.signed|unable to verify/i],
    [
      'that another authority vouches for',
      { pem: makeCertificate({ names: ['x.example'] }).certificate, serverName: 'legacy.internal' },
      /self.signed|unable to/i,
    ],
    ['whose certificate is for another name', { pem: inner.certificate }, /altnames|IP: 127/i],
  ])('%s is sent nothing: 502', async (_what, tls, error) => {
    const gateway = await gatewayWith(tls)
    expect(await ask(gateway, protocol)).toMatchObject({ status: 502, body: '502 Bad Gateway\n' })
    expect((await gateway.waitForRecord(() => true)).error).toMatch(error)
    expect(await upgraded(gateway)).toBe('HTTP/1.1 502 Bad Gateway')
  })

  it.each([
    ['whose authority and name are configured', { pem: inner.certificate, serverName: 'legacy.internal' }],
    ['that is not to be verified', { verify: false }],
  ])('%s answers', async (_what, tls) => {
    const gateway = await gatewayWith(tls)
    // The Host of the client must not choose the certificate that we trust.
    const answer = await ask(gateway, protocol, { headers: { host: `other.${host}` } })
    expect(answer).toMatchObject({ status: 200, body: 'safe' })
    expect(await upgraded(gateway)).toBe('HTTP/1.1 101 Switching Protocols')
  })
})

it('a plan whose authorities cannot be read is refused, and the previous one keeps serving', async () => {
  const gateway = await gatewayWith({ verify: false })
  const broken = upstreamPlan(['https://127.0.0.1:1'], { tls: { verify: true, ca: '/does/not/exist.pem' } })
  await expect(gateway.apply({ routes: [toUpstream], upstreams: [broken] })).rejects.toThrow(
    /upstream behind: cannot read its `ca`: ENOENT/,
  )
  expect(await ask(gateway, 'h1')).toMatchObject({ status: 200 })
})

it('a health check verifies as a request does', async () => {
  const target = `https://127.0.0.1:${await secureUpstream()}`
  const ca = join(await temporaryFolder(), 'ca.pem')
  writeFileSync(ca, inner.certificate)
  const health = { http: '/', every: 20, timeout: 1_000, failures: 1, successes: 1 }
  const settings: UpstreamTlsPlan[] = [
    { verify: true },
    { verify: true, ca },
    { verify: true, ca, serverName: 'legacy.internal' },
    { verify: false },
  ]
  const down = new Set<string>()
  const asked = Promise.withResolvers<void>()
  const said: string[] = []
  const checks = createHealthChecks(
    { info: () => {}, warn: (message) => void said.push(message), error: () => {} },
    () => {
      for (const [key, { ready }] of Object.entries(checks.states())) if (!ready) down.add(key.split(' ')[0] ?? '')
      if (down.size === 2) asked.resolve()
    },
  )
  whenOver(() => checks.close())
  checks.apply(settings.map((tls, index) => upstreamPlan([target], { name: `${index}`, tls, health })))
  await asked.promise
  expect([...down].sort()).toEqual(['0', '1'])
  expect(said).toHaveLength(2)
})
