import { afterEach, describe, expect, it, test } from 'vitest'
import { ask, exchangeRaw, logged, protocols, rawSocket, readUntil } from './clients.ts'
import { cleanUp, host, proxyTo, startGateway } from './support.ts'
import { mirror, rawUpstream, type Seen, valuesOf } from './upstreams.ts'

afterEach(cleanUp)

const loopback = ['127.0.0.0/8', '::1/128']

describe.each(protocols)('forwarding headers over %s', (protocol) => {
  const scheme = protocol === 'h1' ? 'http' : 'https'
  const forged = {
    'x-forwarded-for': '203.0.113.7',
    'x-forwarded-proto': scheme === 'http' ? 'https' : 'http',
    'x-forwarded-host': 'forged.example',
    'x-forwarded-port': '1',
    'x-forwarded-prefix': '/forged',
    forwarded: 'for=203.0.113.7',
    'x-real-ip': '203.0.113.7',
    'true-client-ip': '203.0.113.7',
    'x-original-url': '/admin',
    x_forwarded_for: '203.0.113.7',
    'x.real.ip': '203.0.113.7',
    harmless_name: '1',
  }

  it('of a stranger are replaced, and the log names the stranger', async () => {
    const behind = await mirror()
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const { body } = await ask(gateway, protocol, { headers: forged })
    const seen = JSON.parse(body) as Seen
    expect(valuesOf(seen, 'x-forwarded-for')).toEqual(['127.0.0.1'])
    expect(valuesOf(seen, 'x-forwarded-proto')).toEqual([scheme])
    expect(valuesOf(seen, 'x-forwarded-host')).toEqual([host])
    const names = seen.headers.map(([name]) => name.toLowerCase())
    for (const name of Object.keys(forged).slice(3)) expect(names).not.toContain(name)
    expect(await gateway.waitForRecord(() => true)).toMatchObject({ ...logged[protocol], client: '127.0.0.1' })
  })

  it('of a trusted peer are kept, with the peer behind them; the log names the client', async () => {
    const behind = await mirror()
    const gateway = await startGateway({ trustedProxies: loopback, routes: [proxyTo(behind.port)] })
    const { body } = await ask(gateway, protocol, { headers: forged })
    const seen = JSON.parse(body) as Seen
    expect(valuesOf(seen, 'x-forwarded-for')).toEqual(['203.0.113.7, 127.0.0.1'])
    expect(valuesOf(seen, 'x-forwarded-proto')).toEqual([forged['x-forwarded-proto']])
    for (const name of [
      'x-forwarded-host',
      'x-forwarded-port',
      'x-forwarded-prefix',
      'forwarded',
      'x-real-ip',
    ] as const) {
      expect(valuesOf(seen, name), name).toEqual([forged[name]])
    }
    const names = seen.headers.map(([name]) => name)
    for (const name of ['x_forwarded_for', 'x.real.ip', 'harmless_name']) expect(names).not.toContain(name)
    expect(await gateway.waitForRecord(() => true)).toMatchObject({ ...logged[protocol], client: '203.0.113.7' })
  })

  it('of a trusted peer that make no sense are replaced', async () => {
    const behind = await mirror()
    const gateway = await startGateway({ trustedProxies: loopback, routes: [proxyTo(behind.port)] })
    const { body } = await ask(gateway, protocol, {
      headers: { 'x-forwarded-proto': 'javascript', 'x-forwarded-host': 'a"b' },
    })
    const seen = JSON.parse(body) as Seen
    expect(valuesOf(seen, 'x-forwarded-proto')).toEqual([scheme])
    expect(valuesOf(seen, 'x-forwarded-host')).toEqual([host])
  })

  it('decide {scheme} in a redirect, if they are of a trusted peer', async () => {
    const routes = [{ kind: 'redirect', to: '{scheme}://{host}/', status: 302, close: false }] as const
    const headers = { 'x-forwarded-proto': 'https' }
    const believing = await startGateway({ trustedProxies: loopback, routes })
    expect((await ask(believing, protocol, { headers })).headers.location).toBe(`https://${host}/`)
    const doubting = await startGateway({ routes })
    expect((await ask(doubting, protocol, { headers })).headers.location).toBe(`${scheme}://${host}/`)
  })
})

describe('Connection', () => {
  test.each([
    ['a stranger', [], ['127.0.0.1']],
    ['a trusted peer', loopback, ['203.0.113.7, 127.0.0.1']],
  ])('of %s cannot remove the headers about the client', async (_, trustedProxies, expected) => {
    const behind = await mirror()
    const gateway = await startGateway({ trustedProxies, routes: [proxyTo(behind.port)] })
    const answer = await exchangeRaw(
      gateway.http,
      'GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.7\r\nX-Own: 1\r\nX-Request-Id: 1\r\n' +
        'Connection: close, X-Forwarded-For, X-Forwarded-Proto, X-Own, X-Request-Id, Host\r\n\r\n',
    )
    const seen = JSON.parse(answer.slice(answer.indexOf('{'), answer.lastIndexOf('}') + 1)) as Seen
    expect(valuesOf(seen, 'x-forwarded-for')).toEqual(expected)
    expect(valuesOf(seen, 'x-forwarded-proto')).toEqual(['http'])
    expect(valuesOf(seen, 'host')).toEqual(['a'])
    expect(valuesOf(seen, 'x-own')).toEqual([])
    expect(valuesOf(seen, 'x-request-id')).toHaveLength(1)
  })
})

test('an upgrade tells the upstream who the client is, and the log too', async () => {
  const seen: string[] = []
  const behind = await rawUpstream((socket) => {
    socket.once('data', (bytes) => {
      seen.push(bytes.toString('latin1'))
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n')
    })
  })
  const gateway = await startGateway({ trustedProxies: loopback, routes: [proxyTo(behind.port)] })
  const socket = rawSocket(gateway.http)
  socket.write(
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Forwarded-For: 9.9.9.9, 203.0.113.7\r\n' +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nX_Forwarded_For: 8.8.8.8\r\n\r\n',
  )
  expect(await readUntil(socket, '\r\n\r\n')).toMatch(/^HTTP\/1\.1 403 /)
  expect(seen[0]).toMatch(/^x-forwarded-for: 9\.9\.9\.9, 203\.0\.113\.7, 127\.0\.0\.1\r$/im)
  expect(seen[0]).not.toContain('8.8.8.8')
  expect(await gateway.waitForRecord(() => true)).toMatchObject({ status: 403, client: '203.0.113.7' })
})
