/** Upstreams that answer what no one may pass on: the request fails, the thread does not, and no client is misled. */
import type { Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  ask,
  askOn,
  h2Session,
  logged,
  protocols,
  rawSocket,
  readUntil,
  text,
  tlsSocket,
} from '../../gateway/clients.ts'
import { cleanUp, host, proxyTo, type RunningGateway, startGateway } from '../../gateway/support.ts'
import { rawUpstream, type Upstream } from '../../gateway/upstreams.ts'

type Row = readonly [name: string, answer: string]

/** Answers that are none. */
const unsound: readonly Row[] = [
  ['a NUL in a value', 'HTTP/1.1 200 OK\r\nX-A: a\0b\r\nContent-Length: 2\r\n\r\nok'],
  ['a NUL in a name', 'HTTP/1.1 200 OK\r\nX\0A: b\r\nContent-Length: 2\r\n\r\nok'],
  ['a bare CR in a value', 'HTTP/1.1 200 OK\r\nX-A: a\rb\r\nContent-Length: 2\r\n\r\nok'],
  ['a space before the colon', 'HTTP/1.1 200 OK\r\nX-A : b\r\nContent-Length: 2\r\n\r\nok'],
  ['a header without a colon', 'HTTP/1.1 200 OK\r\nX-A\r\nContent-Length: 2\r\n\r\nok'],
  ['an empty name', 'HTTP/1.1 200 OK\r\n: b\r\nContent-Length: 2\r\n\r\nok'],
  ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok'],
  ['a length that is none', 'HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nok'],
  ['a length below zero', 'HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok'],
  ['both framings', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['no status', 'HTTP/1.1 OK\r\n\r\n'],
  ['a status of two digits', 'HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nok'],
  ['a version that is none', 'HTTP/9.9 200 OK\r\nContent-Length: 2\r\n\r\nok'],
  ['something else than HTTP', 'SSH-2.0-OpenSSH_9.2\r\n'],
  ['a head of a megabyte', `HTTP/1.1 200 OK\r\nX-A: ${'b'.repeat(1_000_000)}\r\n\r\n`],
]

/** Answers that are odd, and sound. */
const odd: readonly Row[] = [
  ['no reason phrase', 'HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok'],
  ['bytes above ASCII in a value', 'HTTP/1.1 200 OK\r\nX-A: caf\xe9\r\nContent-Length: 2\r\n\r\nok'],
  ['an empty value', 'HTTP/1.1 200 OK\r\nX-A:\r\nContent-Length: 2\r\n\r\nok'],
  [
    'connection headers of its own',
    'HTTP/1.1 200 OK\r\nConnection: x-a, close\r\nX-A: b\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok',
  ],
  [
    'a name that only h1 knows',
    'HTTP/1.1 200 OK\r\nHTTP2-Settings: b\r\nProxy-Connection: close\r\nContent-Length: 2\r\n\r\nok',
  ],
]

const current = { answer: '' }
let behind: Upstream<import('node:net').Server>
let gateway: RunningGateway

beforeAll(async () => {
  behind = await rawUpstream((socket) => {
    socket.on('data', (chunk) => {
      const healthy = chunk.includes('/healthy')
      const answer = healthy ? 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok' : current.answer
      socket.write(answer, 'latin1', () => !healthy && socket.end())
    })
  })
  gateway = await startGateway({ routes: [proxyTo(behind.port)] })
})
afterAll(cleanUp)

describe.each(protocols)('an upstream that answers over %s', (protocol) => {
  it.each(unsound)('with %s is a 502, and the next request is served', async (_name, answer) => {
    current.answer = answer
    const before = gateway.records.length
    expect(await ask(gateway, protocol)).toMatchObject({ status: 502, body: '502 Bad Gateway\n' })
    // The record of the request before may be written only now.
    const record = await gateway.waitForRecord((one) => one.status !== 200 && gateway.records.indexOf(one) >= before)
    expect(record).toMatchObject({ ...logged[protocol], status: 502, error: expect.stringContaining('upstream') })
    expect((await ask(gateway, protocol, { path: '/healthy' })).body).toBe('ok')
    expect(gateway.errors).toEqual([])
  })

  it.each(odd)('with %s is passed on', async (_name, answer) => {
    current.answer = answer
    const passed = await ask(gateway, protocol)
    expect(passed).toMatchObject({ status: 200, body: 'ok' })
    expect(Object.keys(passed.headers)).not.toContain('http2-settings')
    expect(Object.keys(passed.headers)).not.toContain('proxy-connection')
  })
})

it('an h2 connection stays when one of its answers cannot be sent on', async () => {
  const session = h2Session(gateway)
  for (const [, answer] of unsound) {
    current.answer = answer
    expect((await askOn(session, { path: '/unsound' })).status).toBe(502)
  }
  expect((await askOn(session, { path: '/healthy' })).body).toBe('ok')
})

const handshake =
  `GET /socket HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'

describe.each(['h1', 'h1s'] as const)('an upgrade over %s that the upstream', (protocol) => {
  const dial = () => (protocol === 'h1' ? rawSocket(gateway.http) : tlsSocket(gateway.https))

  it.each([
    ['refuses', 'HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno', /^HTTP\/1\.1 403 .*no$/s],
    ['answers with 200', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', /^HTTP\/1\.1 200 .*ok$/s],
    ['redirects', 'HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n', /^HTTP\/1\.1 302 .*\/login/s],
    [
      'answers with chunks',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
      /^HTTP\/1\.1 200 .*ok/s,
    ],
  ])('%s gets that answer, both connections are closed', async (_how, answer, expected) => {
    current.answer = answer
    const socket = dial()
    socket.write(handshake)
    const answered = await text(socket)
    expect(answered).toMatch(expected)
    expect(answered).toMatch(/connection: close/i)
    expect(answered).not.toMatch(/^HTTP\/1\.1 101/)
    await behind.abandoned()
  })

  it.each(unsound)('answers with %s gets 502, both connections are closed', async (_name, answer) => {
    current.answer = answer
    const socket = dial()
    socket.write(handshake)
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 502 /)
  })

  it.each([
    ['a NUL in a value', 'X-A: a\0b\r\n'],
    ['a space before the colon', 'X-A : b\r\n'],
  ])('agrees to with %s gets 502', async (_name, line) => {
    current.answer = `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${line}\r\n`
    const socket = dial()
    socket.write(handshake)
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 502 /)
  })

  it.each([
    ['ends its side', (socket: Socket) => socket.end(), ''],
    // No clean end: something may be missing.
    ['is gone', (socket: Socket) => socket.resetAndDestroy(), 'ECONNRESET'],
  ])('agrees to and then %s is closed on both sides, nothing is left', async (_how, leave, end) => {
    const upstream = await rawUpstream((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello|')
        socket.once('data', () => leave(socket))
      })
    })
    const own = await startGateway({ routes: [proxyTo(upstream.port)] })
    const socket = protocol === 'h1' ? rawSocket(own.http) : tlsSocket(own.https)
    socket.write(handshake)
    await readUntil(socket, 'hello|')
    socket.write('go|')
    expect(await text(socket).catch(({ code }) => code)).toBe(end)
    await upstream.abandoned()
    expect(await own.waitForRecord(() => true)).toMatchObject({ status: 101, protocol: 'websocket' })
  })
})
