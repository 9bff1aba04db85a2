/**
 * Slow heads and bodies that stand still: 504 or 408 before an answer has begun, a cut after that; never for event
 * streams.
 */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { ask, h2Session, logged, protocols, rawSocket, readUntil, tlsSocket } from '../../gateway/clients.ts'
import { cleanUp, host, proxyTo, type RunningGateway, startGateway } from '../../gateway/support.ts'
import { bodyOf, rawUpstream, upstream } from '../../gateway/upstreams.ts'

afterEach(cleanUp)

const stallTimeout = 300

function gatewayTo(port: number): Promise<RunningGateway> {
  return startGateway({ routes: [proxyTo(port)], limits: { stallTimeout } })
}

describe.each(protocols)('over %s', (protocol) => {
  it('an upstream that does not begin its answer in time is a 504, and its connection is closed', async () => {
    const behind = await rawUpstream(() => {})
    const gateway = await startGateway({
      routes: [proxyTo(behind.port, { timeouts: { connect: 1_000, response: 300 } })],
    })
    expect(await ask(gateway, protocol)).toMatchObject({ status: 504, body: '504 Gateway Timeout\n' })
    await behind.abandoned()
    expect(await gateway.waitForRecord(() => true)).toMatchObject({
      ...logged[protocol],
      status: 504,
      error: expect.stringMatching(/^upstream: no answer within 300 ms/),
    })
  })

  it.each([
    ['a known length', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'],
    ['chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
  ])('an answer of %s that stands still is cut, never ended as if it were whole', async (_what, bytes) => {
    const behind = await rawUpstream((socket) => socket.once('data', () => socket.write(bytes)))
    const gateway = await gatewayTo(behind.port)
    const begun = performance.now()
    await expect(ask(gateway, protocol)).rejects.toThrow()
    expect(performance.now() - begun).toBeGreaterThan(stallTimeout)
    await behind.abandoned()
    expect(await gateway.waitForRecord(() => true)).toMatchObject({
      ...logged[protocol],
      status: 200,
      bytes: 4,
      error: `stalled: no bytes for ${stallTimeout} ms`,
    })
  })

  it('an answer that progresses, however slowly, is never cut', async () => {
    const behind = await upstream((_request, response) => {
      let parts = 0
      const timer = setInterval(() => {
        parts += 1
        if (parts < 8) response.write('part ')
        else response.end('end')
        if (parts === 8) clearInterval(timer)
      }, stallTimeout / 3)
    })
    const gateway = await gatewayTo(behind.port)
    expect((await ask(gateway, protocol)).body).toBe(`${'part '.repeat(7)}end`)
    expect(await gateway.waitForRecord(() => true)).not.toHaveProperty('error')
  })

  it('an upload that stands still is answered 408, and does not reach the upstream as a whole', async () => {
    let seen = ''
    const behind = await rawUpstream((socket) => {
      socket.on('data', (chunk) => {
        seen += chunk.toString('latin1')
      })
    })
    const gateway = await gatewayTo(behind.port)
    expect(await statusOfUpload(gateway, protocol, Buffer.from('half a body'))).toBe(408)
    await behind.abandoned()
    expect(seen).toContain('half a body')
    expect(seen).not.toContain('0\r\n\r\n')
    expect(await gateway.waitForRecord(() => true)).toMatchObject({
      ...logged[protocol],
      status: 408,
      error: `stalled: the client sent nothing for ${stallTimeout} ms`,
    })
  })

  it('an upload that the upstream does not read is answered 504', async () => {
    const behind = await rawUpstream((socket) => setImmediate(() => socket.pause()))
    const gateway = await gatewayTo(behind.port)
    expect(await statusOfUpload(gateway, protocol, Buffer.alloc(30_000_000))).toBe(504)
    expect(await gateway.waitForRecord(() => true)).toMatchObject({
      ...logged[protocol],
      status: 504,
      error: `upstream: stalled: it read nothing for ${stallTimeout} ms`,
    })
  })

  it('a client that takes nothing of its answer is cut, and the upstream let go', async () => {
    const behind = await upstream((_request, response) => {
      response.writeHead(200, { 'content-length': 100_000_000 })
      const pour = () => {
        while (response.write(Buffer.alloc(100_000)));
      }
      response.on('drain', pour)
      pour()
    })
    const gateway = await gatewayTo(behind.port)
    const socket = askAndLook(gateway, protocol)
    await behind.abandoned()
    expect(await gateway.waitForRecord(() => true)).toMatchObject({
      ...logged[protocol],
      status: 200,
      error: `stalled: the client read nothing for ${stallTimeout} ms`,
    })
    socket.destroy()
  })

  it('an event stream may be silent for many times as long, and is read to its end', async () => {
    const behind = await upstream((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: first\n\n')
      setTimeout(() => response.end('data: last\n\n'), stallTimeout * 5)
    })
    const gateway = await startGateway({
      routes: [proxyTo(behind.port, { timeouts: { connect: 200, response: 200 } })],
      limits: { stallTimeout, idleTimeout: 200, headerTimeout: 200 },
    })
    expect((await ask(gateway, protocol)).body).toBe('data: first\n\ndata: last\n\n')
    expect(await gateway.waitForRecord(() => true)).not.toHaveProperty('error')
  })
})

it('an upload is not taken for one that stands still because the gateway thread was stopped or starved for longer', async () => {
  const behind = await upstream(async (request, response) => {
    request.once('data', () => half())
    response.end(await bodyOf(request))
  })
  let half = () => {}
  const firstHalf = new Promise<void>((resolve) => {
    half = resolve
  })
  const gateway = await startGateway({ routes: [proxyTo(behind.port)], limits: { stallTimeout: 1_200 } })
  const socket = rawSocket(gateway.http)
  socket.write(`POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 8\r\n\r\nhalf`)
  await firstHalf
  await pause(400) // it has been looked at once
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_500)
  await pause(50) // what is on its way arrives a moment after the thread goes on
  socket.write('half')
  expect(await readUntil(socket, 'halfhalf')).toMatch(/^HTTP\/1\.1 200 OK/)
})

describe.each(['h1', 'h1s'] as const)('a WebSocket over %s', (protocol) => {
  it('may be silent for many times as long', async () => {
    const behind = await rawUpstream((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
        socket.pipe(socket)
      })
    })
    const gateway = await gatewayTo(behind.port)
    const socket = dial(gateway, protocol)
    socket.write(
      `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    )
    await readUntil(socket, '\r\n\r\n')
    await new Promise((resolve) => setTimeout(resolve, stallTimeout * 4))
    socket.write('still here')
    expect(await readUntil(socket, 'still here')).toBe('still here')
    socket.destroy()
    await behind.abandoned()
  })
})

function dial(gateway: RunningGateway, protocol: 'h1' | 'h1s'): Socket {
  return protocol === 'h1' ? rawSocket(gateway.http) : tlsSocket(gateway.https)
}

type Protocol = (typeof protocols)[number]

/** Sends a head and this part of a body, and no end of it. */
async function statusOfUpload(gateway: RunningGateway, protocol: Protocol, part: Buffer): Promise<number> {
  if (protocol === 'h2') {
    const stream = h2Session(gateway).request({ ':method': 'POST', ':path': '/', ':authority': host })
    stream.on('error', () => {})
    // In pieces: Node's client gives up on a connection that owes its peer more than 10 MB.
    const pieces = Array.from({ length: Math.ceil(part.length / 1e6) }, (_, i) => part.subarray(i * 1e6, (i + 1) * 1e6))
    const pour = () => {
      const piece = pieces.shift()
      if (piece) stream.write(piece, pour)
    }
    pour()
    const [headers] = await once(stream, 'response')
    return headers[':status']
  }
  const socket = dial(gateway, protocol)
  socket.write(`POST / HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\n${part.length.toString(16)}\r\n`)
  socket.write(part)
  return Number((await readUntil(socket, '\r\n\r\n')).split(' ')[1])
}

/** Asks and reads nothing. */
function askAndLook(gateway: RunningGateway, protocol: Protocol): { destroy(): unknown } {
  if (protocol === 'h2') {
    const session = h2Session(gateway)
    session
      .request({ ':path': '/', ':authority': host })
      .on('error', () => {})
      .pause()
    return session
  }
  const socket = dial(gateway, protocol)
  socket.pause()
  socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  return socket
}
