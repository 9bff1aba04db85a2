import { connect as connectH2 } from 'node:http2'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { afterEach, describe, expect, it, test } from 'vitest'
import { askOn, logged, type Protocol, protocols, rawSocket, readUntil, text } from '../clients.ts'
import {
  ca,
  cleanUp,
  host,
  type PlanOptions,
  proxyTo,
  type RunningGateway,
  startGateway,
  whenOver,
} from '../support.ts'
import { mirror, rawUpstream, type Seen, valuesOf } from '../upstreams.ts'
import { binaryHeader, ipv4, ipv6 } from './headers.ts'

afterEach(cleanUp)

const loopback = ['127.0.0.0/8', '::1/128']
const line = Buffer.from('PROXY TCP4 203.0.113.7 192.0.2.1 4711 443\r\n')

interface Options extends Partial<PlanOptions> {
  readonly version?: 'v1' | 'v2' | 'any'
}

/** A gateway that trusts this machine and whose listeners expect a header. */
async function startExpecting({ version = 'any', ...options }: Options): Promise<RunningGateway> {
  const gateway = await startGateway({ trustedProxies: loopback, routes: [] })
  const listeners = gateway.listeners.map((plan) => ({ ...plan, proxyProtocol: version }))
  await gateway.apply({ trustedProxies: loopback, routes: [], ...options, listeners })
  return gateway
}

function dial(gateway: RunningGateway, protocol: Protocol): Socket {
  const socket = rawSocket(protocol === 'h1' ? gateway.http : gateway.https)
  socket.setNoDelay(true)
  return socket
}

/** The header leaves in one packet with the first bytes behind it. */
function prefixed(socket: Socket, header: Buffer): Duplex {
  let first = true
  const duplex = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      socket.write(first ? Buffer.concat([header, chunk]) : chunk, () => done())
      first = false
    },
  })
  socket.on('data', (chunk) => duplex.push(chunk))
  socket.on('close', () => duplex.push(null))
  return duplex
}

/** Speaks the protocol over a stream on which the header was sent, or goes first; returns what the upstream saw. */
async function askOver(stream: Duplex, protocol: Protocol): Promise<Seen> {
  if (protocol === 'h2') {
    const socket = secure(stream, 'h2')
    const session = connectH2(`https://${host}`, { createConnection: () => socket })
    session.on('error', () => {})
    whenOver(() => session.destroy())
    return JSON.parse((await askOn(session)).body) as Seen
  }
  const plain = protocol === 'h1' ? stream : secure(stream, 'http/1.1')
  plain.write(`GET /a HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
  const answer = await text(plain)
  return JSON.parse(answer.slice(answer.indexOf('{'), answer.lastIndexOf('}') + 1)) as Seen
}

function secure(stream: Duplex, protocol: string): Duplex {
  const socket = connectTls({ socket: stream, servername: host, ca, ALPNProtocols: [protocol] })
  socket.on('error', () => {})
  whenOver(() => socket.destroy())
  return socket
}

describe.each(protocols)('a PROXY header in front of %s', (protocol) => {
  test.each([
    ['of version 1', line, '203.0.113.7'],
    ['of version 2', binaryHeader(ipv4), '203.0.113.7'],
    ['of version 2 for IPv6', binaryHeader(ipv6), '2001:db8::1'],
    ['that names no source', Buffer.from('PROXY UNKNOWN\r\n'), '127.0.0.1'],
    ['of a check by the proxy itself', binaryHeader({ ...ipv4, command: 0x20 }), '127.0.0.1'],
  ])('%s says who the client is, to the upstream and the log', async (_, header, client) => {
    const behind = await mirror()
    const gateway = await startExpecting({ routes: [proxyTo(behind.port)] })
    const seen = await askOver(prefixed(dial(gateway, protocol), header), protocol)
    expect(valuesOf(seen, 'x-forwarded-for')).toEqual([client])
    expect(await gateway.waitForRecord(() => true)).toMatchObject({ ...logged[protocol], client, status: 200 })
  })

  it('may come byte by byte', async () => {
    const behind = await mirror()
    const gateway = await startExpecting({ routes: [proxyTo(behind.port)] })
    const socket = dial(gateway, protocol)
    for (const byte of binaryHeader(ipv4)) {
      await new Promise<void>((resolve) => socket.write(Buffer.of(byte), () => setImmediate(resolve)))
    }
    expect(valuesOf(await askOver(socket, protocol), 'x-forwarded-for')).toEqual(['203.0.113.7'])
  })

  it('that lacks closes the connection without an answer, and is logged', async () => {
    const gateway = await startExpecting({})
    const socket = dial(gateway, protocol)
    if (protocol === 'h1') socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    else secure(socket, 'h2')
    await new Promise((resolve) => socket.once('close', resolve))
    expect(socket.bytesRead).toBe(0)
    expect(gateway.records).toEqual([])
    expect(gateway.warnings).toEqual([
      expect.stringMatching(
        /^listener https?: closed 1 connections; last cause: .* PROXY header \(from 127\.0\.0\.1\)$/,
      ),
    ])
  })
})

test('the client of a header is followed further if it is a trusted proxy itself', async () => {
  const behind = await mirror()
  const gateway = await startExpecting({
    trustedProxies: [...loopback, '203.0.113.0/24'],
    routes: [proxyTo(behind.port)],
  })
  const socket = dial(gateway, 'h1')
  socket.write(line)
  socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Forwarded-For: 9.9.9.9, 198.51.100.1\r\n\r\n')
  const answer = await text(socket)
  expect(answer).toContain('9.9.9.9, 198.51.100.1, 203.0.113.7')
  expect(await gateway.waitForRecord(() => true)).toMatchObject({ client: '198.51.100.1' })
})

test('a client that a header names is not believed as if it were the proxy', async () => {
  const behind = await mirror()
  const gateway = await startExpecting({ routes: [proxyTo(behind.port)] })
  const socket = dial(gateway, 'h1')
  socket.write(line)
  socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Forwarded-For: 127.0.0.1\r\n\r\n')
  expect(await text(socket)).toContain('["x-forwarded-for","203.0.113.7"]')
  expect(await gateway.waitForRecord(() => true)).toMatchObject({ client: '203.0.113.7' })
})

test('a connection is kept for further requests, of the same client', async () => {
  const behind = await mirror()
  const gateway = await startExpecting({ routes: [proxyTo(behind.port)] })
  const socket = dial(gateway, 'h1')
  socket.write(Buffer.concat([line, Buffer.from('GET /1 HTTP/1.1\r\nHost: a\r\n\r\n')]))
  await readUntil(socket, '"url":"/1"')
  socket.write('GET /2 HTTP/1.1\r\nHost: a\r\n\r\n')
  await readUntil(socket, '"url":"/2"')
  expect(await gateway.waitForRecord(({ path }) => path === '/2')).toMatchObject({ client: '203.0.113.7' })
})

test('an upgrade behind a header tells the upstream who the client is', async () => {
  const seen: string[] = []
  const behind = await rawUpstream((socket) => {
    socket.once('data', (bytes) => {
      seen.push(bytes.toString('latin1'))
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello')
    })
  })
  const gateway = await startExpecting({ routes: [proxyTo(behind.port)] })
  const socket = dial(gateway, 'h1')
  socket.write(line)
  socket.write(
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
  )
  await readUntil(socket, 'hello')
  expect(seen[0]).toMatch(/^x-forwarded-for: 203\.0\.113\.7\r$/im)
  socket.destroy()
  expect(await gateway.waitForRecord(() => true)).toMatchObject({ client: '203.0.113.7', status: 101 })
})

test('a peer that is not trusted is closed, whatever it sends', async () => {
  const gateway = await startExpecting({ trustedProxies: ['192.0.2.0/24'] })
  const socket = dial(gateway, 'h1')
  socket.write(Buffer.concat([line, Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n')]))
  await new Promise((resolve) => socket.once('close', resolve))
  expect(socket.bytesRead).toBe(0)
  expect(gateway.warnings).toEqual([expect.stringContaining('not among `trustedProxies` (127.0.0.1)')])
})

test('a header of the other version is refused', async () => {
  const gateway = await startExpecting({ version: 'v2' })
  const socket = dial(gateway, 'h1')
  socket.write(line)
  await new Promise((resolve) => socket.once('close', resolve))
  expect(socket.bytesRead).toBe(0)
})

test('a header that does not arrive ends the connection when its time is over', async () => {
  const gateway = await startExpecting({ limits: { headerTimeout: 100 } })
  const socket = dial(gateway, 'h1')
  socket.write('PROXY TCP4 ')
  await new Promise((resolve) => socket.once('close', resolve))
  expect(gateway.warnings).toEqual([expect.stringContaining('did not arrive in time')])
})

test('a load balancer that only looks whether the port is open is no fault', async () => {
  const gateway = await startExpecting({})
  const socket = dial(gateway, 'h1')
  await new Promise((resolve) => socket.once('connect', resolve))
  socket.end()
  await new Promise((resolve) => socket.once('close', resolve))
  expect(gateway.warnings).toEqual([])
})

test('many refused connections are logged once', async () => {
  const gateway = await startExpecting({})
  for (let i = 0; i < 20; i += 1) {
    const socket = dial(gateway, 'h1')
    socket.write('no header')
    await new Promise((resolve) => socket.once('close', resolve))
  }
  expect(gateway.warnings).toHaveLength(1)
})

test('a reload makes a listener expect a header, or no longer', async () => {
  const behind = await mirror()
  const gateway = await startExpecting({ routes: [proxyTo(behind.port)] })
  await gateway.apply({ routes: [proxyTo(behind.port)] })
  expect(valuesOf(await askOver(dial(gateway, 'h1'), 'h1'), 'x-forwarded-for')).toEqual(['127.0.0.1'])
})
