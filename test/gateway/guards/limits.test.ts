import { once } from 'node:events'
import type { Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { ask, askOn, h2Session, logged, protocols, rawSocket, readUntil, text, tlsSocket } from '../clients.ts'
import { cleanUp, host, proxyTo, type RunningGateway, startGateway } from '../support.ts'
import { mirror, rawUpstream, upstream } from '../upstreams.ts'

afterEach(cleanUp)

const limits = { requestHeaders: 2_000, headerTimeout: 300, idleTimeout: 300 }
const h1 = ['h1', 'h1s'] as const

function dial(gateway: RunningGateway, protocol: (typeof h1)[number]): Socket {
  return protocol === 'h1' ? rawSocket(gateway.http) : tlsSocket(gateway.https)
}

function closed(socket: Socket): Promise<unknown> {
  socket.resume()
  return new Promise((resolve) => socket.once('close', resolve))
}

describe.each(protocols)('the head of a request over %s', (protocol) => {
  it('is answered 431 if it is too long, and passes below the limit', async () => {
    const behind = await mirror()
    const gateway = await startGateway({ routes: [proxyTo(behind.port)], limits })
    expect((await ask(gateway, protocol, { headers: { 'x-long': 'a'.repeat(1_500) } })).status).toBe(200)
    expect((await ask(gateway, protocol, { headers: { 'x-long': 'a'.repeat(2_100) } })).status).toBe(431)
    const record = await gateway.waitForRecord(({ status }) => status === 431)
    expect(record).toMatchObject(logged[protocol])
    expect(record.error).toMatch(
      protocol === 'h2' ? /^request headers of \d+ bytes exceed the limit of 2000$/ : /^unreadable request: /,
    )
  })

  it('may have a long target only within the limit', async () => {
    const gateway = await startGateway({ routes: [], limits })
    expect((await ask(gateway, protocol, { path: `/${'a'.repeat(2_100)}` })).status).toBe(431)
  })
})

it('an upgrade with a head that is too long is answered 431', async () => {
  const gateway = await startGateway({ routes: [proxyTo(1)], limits })
  const socket = rawSocket(gateway.http)
  socket.write(
    `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Long: ${'a'.repeat(2_100)}`,
  )
  expect(await text(socket)).toMatch(/^HTTP\/1\.1 431 /)
})

it('a header list far over the limit costs its stream, not the connection', async () => {
  const gateway = await startGateway({ routes: [], limits })
  const session = h2Session(gateway)
  await once(session, 'remoteSettings')
  expect(session.remoteSettings.maxHeaderListSize).toBe(2 * 2_000 + 4_096)
  await expect(askOn(session, { headers: { 'x-long': 'a'.repeat(10_000) } })).rejects.toThrow()
  expect((await askOn(session)).status).toBe(404)
})

it('no header of many is dropped', async () => {
  const { promise: seen, resolve } = Promise.withResolvers<string>()
  const behind = await rawUpstream((socket) => void readUntil(socket, '\r\n\r\n').then(resolve))
  const gateway = await startGateway({ routes: [proxyTo(behind.port)], limits: { requestHeaders: 60_000 } })
  const socket = rawSocket(gateway.http)
  const many = Array.from({ length: 2_500 }, (_, index) => `a${index}: b\r\n`)
  socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n${many.join('')}\r\n`)
  expect((await seen).match(/^a\d+: b\r\n/gm)).toEqual(many)
})

describe.each(h1)('over %s', (protocol) => {
  it('a head that does not end is answered 408 when its time is over', async () => {
    const gateway = await startGateway({ routes: [], limits })
    const socket = dial(gateway, protocol)
    socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nX-Slow:`)
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 408 /)
    expect(await gateway.waitForRecord(({ status }) => status === 408)).toMatchObject({
      ...logged[protocol],
      path: '(unreadable)',
    })
  })

  it('a connection on which nothing came is closed without a word, and not logged', async () => {
    const gateway = await startGateway({ routes: [], limits })
    expect(await text(dial(gateway, protocol))).toBe('')
    expect(gateway.records).toEqual([])
  })

  it('a connection is closed when it was idle for the time, and not while it answers', async () => {
    const behind = await upstream((_request, response) => {
      setTimeout(() => response.end('late'), 2 * limits.idleTimeout)
    })
    const gateway = await startGateway({ routes: [proxyTo(behind.port)], limits })
    const socket = dial(gateway, protocol)
    socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
    await readUntil(socket, 'late')
    await closed(socket)
  })

  it('bytes that are not HTTP are answered 400 and logged', async () => {
    const gateway = await startGateway({ routes: [], limits })
    const socket = dial(gateway, protocol)
    socket.write('\x16\x03\x01 no HTTP\r\n\r\n')
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 400 /)
    expect(await gateway.waitForRecord(({ status }) => status === 400)).toMatchObject({
      ...logged[protocol],
      client: '127.0.0.1',
      error: expect.stringMatching(/^unreadable request: /),
    })
  })

  it('a body that stops being chunks is answered 400 by its exchange, and its upstream never sees it as complete', async () => {
    const behind = await upstream((request) => void request.on('error', () => {}).resume())
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const socket = dial(gateway, protocol)
    socket.write(`POST /a HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n`)
    await once(behind.server, 'request')
    socket.write('nonsense\r\n')
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 400 /)
    await behind.abandoned()
    expect(await gateway.waitForRecord(({ path }) => path === '/a')).toMatchObject({ ...logged[protocol], status: 400 })
  })

  it('nonsense behind a whole request does not take its answer', async () => {
    const behind = await upstream((_request, response) => void setTimeout(() => response.end('whole'), 50))
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const socket = dial(gateway, protocol)
    socket.write(`GET /a HTTP/1.1\r\nHost: ${host}\r\n\r\n\x00nonsense\r\n\r\n`)
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 [\s\S]*whole/)
    expect(await gateway.waitForRecord(({ path }) => path === '/a')).toMatchObject({ status: 200 })
  })
})

it('an idle h2 connection gets a GOAWAY, one with an open stream is not', async () => {
  const behind = await upstream((_request, response) => {
    setTimeout(() => response.end('late'), 2 * limits.idleTimeout)
  })
  const gateway = await startGateway({ routes: [proxyTo(behind.port)], limits })
  const session = h2Session(gateway)
  const gone = once(session, 'goaway')
  expect((await askOn(session)).body).toBe('late')
  await gone
  await once(session, 'close')
})

it('limits change with a reload, without a listener being closed', async () => {
  const gateway = await startGateway({ routes: [] })
  const kept = rawSocket(gateway.http)
  kept.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  await readUntil(kept, '404 Not Found')
  await gateway.apply({ routes: [], limits })
  expect((await ask(gateway, 'h1', { headers: { 'x-long': 'a'.repeat(2_100) } })).status).toBe(431)
  kept.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  await readUntil(kept, '404 Not Found')
})

describe('connections', () => {
  it('beyond the limit are refused at once, over all listeners together, and counted', async () => {
    const gateway = await startGateway({ routes: [], limits: { connections: 2 } })
    const plain = rawSocket(gateway.http)
    plain.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
    await readUntil(plain, '404 Not Found')
    const session = h2Session(gateway)
    expect((await askOn(session)).status).toBe(404)
    await Promise.all([rawSocket(gateway.http), tlsSocket(gateway.https)].map(closed))
    expect(gateway.warnings).toEqual(['refusing connections: 2 are open, the limit of this thread (1 so far)'])
    // Those that are open are served, and one that closes makes room.
    expect((await askOn(session)).status).toBe(404)
    plain.end()
    await closed(plain)
    expect((await ask(gateway, 'h1')).status).toBe(404)
  })

  it('are shared out among the threads', async () => {
    const gateway = await startGateway({ routes: [], limits: { connections: 2 }, threads: 2 })
    const first = rawSocket(gateway.http)
    first.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
    await readUntil(first, '404 Not Found')
    await closed(rawSocket(gateway.http))
  })
})
