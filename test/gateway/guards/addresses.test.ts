import { afterEach, describe, expect, it } from 'vitest'
import type { AddressRulesPlan } from '../../../src/plan/model/guards.ts'
import { ask, logged, protocols, rawSocket, text } from '../clients.ts'
import { cleanUp, host, proxyTo, startGateway } from '../support.ts'
import { mirror } from '../upstreams.ts'

afterEach(cleanUp)

const loopback = ['127.0.0.0/8', '::1/128']
const elsewhere = ['10.0.0.0/8']

async function statusWith(addresses: readonly AddressRulesPlan[], headers: Record<string, string> = {}) {
  const gateway = await startGateway({ routes: [], guards: { addresses }, trustedProxies: loopback })
  return (await ask(gateway, 'h1', { headers })).status
}

describe.each(protocols)('over %s', (protocol) => {
  it('a client that is not allowed reads 403, and nothing is dialled', async () => {
    const behind = await mirror()
    const gateway = await startGateway({
      routes: [proxyTo(behind.port)],
      guards: { addresses: [{ allow: elsewhere }] },
    })
    const answer = await ask(gateway, protocol)
    expect([answer.status, answer.body]).toEqual([403, '403 Forbidden\n'])
    expect(await behind.connections()).toBe(0)
    expect(await gateway.waitForRecord(({ status }) => status === 403)).toMatchObject({
      ...logged[protocol],
      route: 'route 0',
      error: 'address 127.0.0.1 is not allowed',
    })
  })
})

it('an upgrade from a denied address reads 403 as an HTTP answer', async () => {
  const behind = await mirror()
  const gateway = await startGateway({ routes: [proxyTo(behind.port)], guards: { addresses: [{ deny: loopback }] } })
  const socket = rawSocket(gateway.http)
  socket.write(
    `GET /socket HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  )
  expect(await text(socket)).toMatch(/^HTTP\/1\.1 403 /)
  expect(await behind.connections()).toBe(0)
  const record = await gateway.waitForRecord(({ path }) => path === '/socket')
  expect(record).toMatchObject({ status: 403, error: 'address 127.0.0.1 is denied' })
})

it('deny counts before allow, and everyone is allowed where no one is named', async () => {
  expect(await statusWith([{ allow: loopback }])).toBe(404)
  expect(await statusWith([{ deny: elsewhere }])).toBe(404)
  expect(await statusWith([{ allow: loopback, deny: ['127.0.0.1/32'] }])).toBe(403)
  expect(await statusWith([{ allow: [] }])).toBe(403)
})

it('the rules of the gateway and of the route must both be passed', async () => {
  expect(await statusWith([{ deny: loopback }, { allow: loopback }])).toBe(403)
  expect(await statusWith([{ allow: loopback }, { allow: elsewhere }])).toBe(403)
  expect(await statusWith([{ allow: loopback }, { allow: loopback }])).toBe(404)
})

it('it is the client behind a trusted proxy that is judged', async () => {
  expect(await statusWith([{ allow: elsewhere }], { 'x-forwarded-for': '10.1.2.3' })).toBe(404)
  expect(await statusWith([{ deny: elsewhere }], { 'x-forwarded-for': '10.1.2.3' })).toBe(403)
  expect(await statusWith([{ allow: elsewhere }], { 'x-forwarded-for': '10.1.2.3, 11.1.1.1' })).toBe(403)
})
