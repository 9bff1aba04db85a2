import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { ask, h2Session, logged, protocols, rawSocket, readUntil, text, tlsSocket } from '../clients.ts'
import { cleanUp, host, proxyTo, type RunningGateway, startGateway } from '../support.ts'
import { bodyOf, type Upstream, upstream } from '../upstreams.ts'

afterEach(cleanUp)

const limit = 1_000
const chunk = (length: number) => `${length.toString(16)}\r\n${'x'.repeat(length)}\r\n`

function dial(gateway: RunningGateway, protocol: 'h1' | 'h1s'): Socket {
  return protocol === 'h1' ? rawSocket(gateway.http) : tlsSocket(gateway.https)
}

/** Reads bodies whole; `aborted` resolves when a request ends before it was complete. */
async function reading(): Promise<Upstream & { readonly aborted: Promise<void>; readonly requests: string[] }> {
  const aborted = Promise.withResolvers<void>()
  const requests: string[] = []
  const made = await upstream((request, response) => {
    requests.push(request.url ?? '')
    bodyOf(request).then(
      (body) => response.end(`read ${body.length}`),
      () => aborted.resolve(),
    )
  })
  return { ...made, aborted: aborted.promise, requests }
}

describe.each(protocols)('a body over %s', (protocol) => {
  it('is refused by its announced length before anything is dialled', async () => {
    const behind = await reading()
    const gateway = await startGateway({ routes: [proxyTo(behind.port)], guards: { requestBody: limit } })
    const body = 'x'.repeat(limit + 1)
    const answer = await ask(gateway, protocol, {
      method: 'POST',
      body,
      headers: { 'content-length': `${body.length}` },
    })
    expect(answer.status).toBe(413)
    expect(answer.body).toBe('413 Payload Too Large\n')
    expect(await behind.connections()).toBe(0)
    expect(await gateway.waitForRecord(({ status }) => status === 413)).toMatchObject({
      ...logged[protocol],
      method: 'POST',
      route: 'route 0',
      error: 'request body of 1001 bytes exceeds the limit of 1000',
    })
  })

  it('passes up to the limit', async () => {
    const behind = await reading()
    const gateway = await startGateway({ routes: [proxyTo(behind.port)], guards: { requestBody: limit } })
    const answer = await ask(gateway, protocol, { method: 'POST', body: 'x'.repeat(limit) })
    expect([answer.status, answer.body]).toEqual([200, 'read 1000'])
  })

  it('is judged by the limit of its route', async () => {
    const behind = await reading()
    const gateway = await startGateway({
      routes: [
        { ...proxyTo(behind.port), match: { paths: ['/large'] }, guards: { requestBody: 5_000 } },
        proxyTo(behind.port),
      ],
      guards: { requestBody: limit },
    })
    const send = (path: string) => ask(gateway, protocol, { method: 'POST', path, body: 'x'.repeat(limit + 1) })
    expect((await send('/large')).body).toBe('read 1001')
    expect((await send('/')).status).toBe(413)
    expect(behind.requests).toEqual(['/large'])
  })

  it('is judged where no route matches, too', async () => {
    const gateway = await startGateway({ routes: [], guards: { requestBody: limit } })
    const body = 'x'.repeat(limit + 1)
    const answer = await ask(gateway, protocol, {
      method: 'POST',
      body,
      headers: { 'content-length': `${body.length}` },
    })
    expect(answer.status).toBe(413)
    expect(await gateway.waitForRecord(({ status }) => status === 413)).not.toHaveProperty('route')
  })
})

describe.each(['h1', 'h1s'] as const)('a chunked body over %s', (protocol) => {
  const head = `POST /a HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\n`

  it('is answered 413 as soon as it is too long, and the upstream never sees it as complete', async () => {
    const behind = await reading()
    const gateway = await startGateway({ routes: [proxyTo(behind.port)], guards: { requestBody: limit } })
    const socket = dial(gateway, protocol)
    socket.write(head + chunk(limit))
    await once(behind.server, 'request')
    socket.write(chunk(1))
    const answer = await text(socket)
    expect(answer).toMatch(/^HTTP\/1\.1 413 [\s\S]*\r\nconnection: close\r\n/i)
    await behind.aborted
    expect(await gateway.waitForRecord(({ path }) => path === '/a')).toMatchObject({
      ...logged[protocol],
      status: 413,
      error: 'request body exceeds the limit of 1000 bytes',
    })
  })

  it('is cut if its answer has begun', async () => {
    const seen = Promise.withResolvers<IncomingMessage>()
    const behind = await upstream((request, response) => {
      request.on('error', () => {})
      response.on('error', () => {})
      response.write('early')
      seen.resolve(request.resume())
    })
    const gateway = await startGateway({ routes: [proxyTo(behind.port)], guards: { requestBody: limit } })
    const socket = dial(gateway, protocol)
    socket.write(head + chunk(limit))
    await readUntil(socket, 'early')
    socket.write(chunk(1))
    const closed = new Promise((resolve) => socket.once('close', resolve))
    let rest = ''
    socket.on('data', (bytes: Buffer) => {
      rest += bytes.toString('latin1')
    })
    socket.resume()
    await closed
    expect(rest).not.toContain('0\r\n\r\n')
    await behind.abandoned()
    const record = await gateway.waitForRecord(({ path }) => path === '/a')
    expect(record).toMatchObject({ status: 200, error: 'request body exceeds the limit of 1000 bytes' })
    expect((await seen.promise).complete).toBe(false)
  })
})

it('a client that keeps sending still reads its 413', async () => {
  const gateway = await startGateway({ routes: [proxyTo(1)], guards: { requestBody: limit } })
  const socket = rawSocket(gateway.http)
  socket.write(`POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 50000000\r\n\r\n`)
  const piece = Buffer.alloc(64_000)
  const pour = () => {
    while (!socket.destroyed && socket.writable && socket.write(piece));
  }
  socket.on('drain', pour)
  pour()
  const answer = await text(socket)
  socket.destroy()
  expect(answer).toMatch(/^HTTP\/1\.1 413 /)
})

it('DATA over h2 without a length is counted', async () => {
  const behind = await reading()
  const gateway = await startGateway({ routes: [proxyTo(behind.port)], guards: { requestBody: limit } })
  const session = h2Session(gateway)
  const stream = session.request({ ':method': 'POST', ':path': '/a', ':authority': host }, { endStream: false })
  stream.on('error', () => {})
  stream.write('x'.repeat(limit))
  await once(behind.server, 'request')
  stream.write('x')
  const [headers] = await once(stream, 'response')
  expect(headers[':status']).toBe(413)
  await behind.aborted
  expect(await gateway.waitForRecord(({ path }) => path === '/a')).toMatchObject({ ...logged.h2, status: 413 })
  stream.resume()
  await once(stream, 'close')
  expect(stream.rstCode).toBe(0)
  const next = session.request({ ':path': '/b', ':authority': host })
  expect(await text(next)).toBe('read 0')
})

it('an upgrade that announces a body is judged as the plain request that it is', async () => {
  const behind = await reading()
  const gateway = await startGateway({ routes: [proxyTo(behind.port)], guards: { requestBody: limit } })
  const socket = rawSocket(gateway.http)
  socket.write(
    `GET /socket HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nContent-Length: 100001\r\n\r\n',
  )
  expect(await text(socket)).toMatch(/^HTTP\/1\.1 413 /)
  expect(await behind.connections()).toBe(0)
  expect(await gateway.waitForRecord(({ path }) => path === '/socket')).toMatchObject({ status: 413, listener: 'http' })
})

describe('a body that is not read', () => {
  const routes = [{ kind: 'redirect', to: '/in', status: 302, close: false, match: { paths: ['/a'] } } as const]

  it.each(['/a', '/nowhere'])('does not keep its h1 connection: %s', async (path) => {
    const gateway = await startGateway({ routes })
    const socket = rawSocket(gateway.http)
    socket.write(`POST ${path} HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\n${chunk(100_000)}`)
    const feeding = setInterval(() => socket.writable && socket.write(chunk(10)), 20)
    const answer = await text(socket)
    clearInterval(feeding)
    expect(answer).toMatch(path === '/a' ? /^HTTP\/1\.1 302 / : /^HTTP\/1\.1 404 /)
    expect(answer).toMatch(/\r\nconnection: close\r\n/i)
  })

  it('does not keep its h2 stream', async () => {
    const gateway = await startGateway({ routes })
    const stream = h2Session(gateway).request(
      { ':method': 'POST', ':path': '/a', ':authority': host },
      { endStream: false },
    )
    stream.on('error', () => {})
    stream.write('x'.repeat(1_000))
    const [headers] = await once(stream, 'response')
    expect(headers[':status']).toBe(302)
    stream.resume()
    await once(stream, 'close')
    expect(stream.rstCode).toBe(0)
  })

  it('is thrown away if it is short, and its connection carries the next request', async () => {
    const gateway = await startGateway({ routes })
    const socket = rawSocket(gateway.http)
    const post = `POST /a HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 5\r\n\r\nhello`
    socket.write(post + post.replace('Content-Length', 'Connection: close\r\nContent-Length'))
    expect((await text(socket)).match(/^HTTP\/1\.1 302 /gm)).toHaveLength(2)
  })
})
