import type { Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { refusingPort } from '../support/refusing-port.ts'
import { ask, askOn, h2Session, logged, openHttp1, protocols, rawSocket, readUntil, tlsSocket } from './clients.ts'
import { cleanUp, host, proxyTo, type RunningGateway, startGateway } from './support.ts'
import { rawUpstream, upstream } from './upstreams.ts'

afterEach(cleanUp)

type Protocol = (typeof protocols)[number]

describe.each(protocols)('a proxied request over %s', (protocol) => {
  it('is answered with 502 if the upstream refuses the connection', async () => {
    const gateway = await startGateway({ routes: [proxyTo(await refusingPort())] })
    expect(await ask(gateway, protocol)).toMatchObject({ status: 502, body: '502 Bad Gateway\n' })
    expect(await gateway.waitForRecord(() => true)).toMatchObject({
      ...logged[protocol],
      status: 502,
      error: expect.stringContaining('ECONNREFUSED'),
    })
  })

  it('is answered with 502, which its client reads, if it has a large body and the upstream refuses', async () => {
    const gateway = await startGateway({ routes: [proxyTo(await refusingPort())] })
    const answer = await ask(gateway, protocol, { method: 'POST', body: Buffer.alloc(10_000_000) })
    expect(answer).toMatchObject({ status: 502, body: '502 Bad Gateway\n' })
  })

  it('is answered with 502 if the upstream leaves in the middle of a large upload', async () => {
    const behind = await rawUpstream((socket) => {
      let read = 0
      socket.on('data', (chunk) => {
        read += chunk.length
        if (read > 1_000_000) socket.resetAndDestroy()
      })
    })
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const answer = await ask(gateway, protocol, { method: 'POST', body: Buffer.alloc(10_000_000) })
    expect(answer.status).toBe(502)
    expect(await gateway.waitForRecord(() => true)).toMatchObject({ status: 502, error: /^upstream: / })
  })

  it.each([
    ['says nothing and closes', (socket: Socket) => socket.end()],
    ['speaks no HTTP', (socket: Socket) => socket.end('hello\r\n\r\n')],
    [
      'sends a header with a delete character',
      (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\nX-A: a\x7fb\r\nX-B: b\r\nContent-Length: 0\r\n\r\n'),
    ],
    ['breaks off in the head', (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\nContent-')],
    [
      'switches protocols unasked',
      (socket: Socket) => socket.write('HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'),
    ],
    [
      'sends a header that no one may pass on',
      (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\nX-A: a\x00b\r\n\r\n'),
    ],
    [
      'sends both framings',
      (socket: Socket) =>
        socket.end('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'),
    ],
  ])('is answered with 502 if the upstream %s', async (_what, misbehave) => {
    const behind = await rawUpstream((socket) => socket.once('data', () => misbehave(socket)))
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    expect((await ask(gateway, protocol)).status).toBe(502)
    expect((await gateway.waitForRecord(() => true)).error).toMatch(/upstream/)
    await behind.abandoned()
  })

  it.each([
    ['a known length', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'],
    ['chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
  ])('is cut, and never ended as if it were whole, if the upstream breaks off a body of %s', async (_what, bytes) => {
    for (const leave of [(socket: Socket) => socket.resetAndDestroy(), (socket: Socket) => socket.end()]) {
      const behind = await rawUpstream((socket) => {
        socket.once('data', () => socket.write(bytes, () => setImmediate(leave, socket)))
      })
      const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
      await expect(ask(gateway, protocol)).rejects.toThrow(
        protocol === 'h2' ? /INTERNAL_ERROR|reset/ : /ECONNRESET|aborted|hang up/,
      )
      expect(await gateway.waitForRecord(() => true)).toMatchObject({ status: 200, error: /^upstream: / })
    }
  })

  it('is answered with 504 if the upstream does not begin its answer in time', async () => {
    const behind = await rawUpstream(() => {})
    const gateway = await startGateway({
      routes: [proxyTo(behind.port, { timeouts: { connect: 1_000, response: 300 } })],
    })
    expect(await ask(gateway, protocol)).toMatchObject({ status: 504, body: '504 Gateway Timeout\n' })
    expect(await gateway.waitForRecord(() => true)).toMatchObject({ status: 504, error: /^upstream: / })
    await behind.abandoned()
  })

  it('is abandoned as soon as its client leaves, and logged as 499', async () => {
    let arrived: () => void = () => {}
    const arrival = new Promise<void>((resolve) => {
      arrived = resolve
    })
    const behind = await rawUpstream((socket) => socket.once('data', arrived))
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const leave = begin(gateway, protocol)
    await arrival
    const left = performance.now()
    leave()
    await behind.abandoned()
    // Some milliseconds, unless the machine is busy; no other limit ends it this soon.
    expect(performance.now() - left).toBeLessThan(1_000)
    const record = await gateway.waitForRecord(() => true)
    expect(record).toMatchObject({ ...logged[protocol], status: 499, client: '127.0.0.1' })
    expect(record).not.toHaveProperty('error')
  })

  it('is abandoned and logged as 499 if its client leaves in the middle of the answer', async () => {
    const behind = await upstream((_request, response) => void response.writeHead(200).write('first part'))
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const leave = begin(gateway, protocol)
    await leave.seen('first part')
    leave()
    await behind.abandoned()
    expect(await gateway.waitForRecord(() => true)).toMatchObject({ status: 499, bytes: 10 })
  })

  it('does not reach the upstream as a whole if its client leaves in the middle of the upload', async () => {
    let seen = ''
    let half: () => void = () => {}
    const arrived = new Promise<void>((resolve) => {
      half = resolve
    })
    const behind = await rawUpstream((socket) => {
      socket.on('data', (chunk) => {
        seen += chunk.toString('latin1')
        if (seen.includes('half a body')) half()
      })
    })
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const leave = begin(gateway, protocol, 'half a body')
    await arrived
    leave()
    await behind.abandoned()
    expect(seen).toContain('transfer-encoding: chunked')
    expect(seen).not.toContain('0\r\n\r\n')
    expect(await gateway.waitForRecord(() => true)).toMatchObject({ status: 499 })
  })

  it('is answered with 503 and Retry-After while the process behind it is not ready', async () => {
    const behind = await upstream((_request, response) => response.end('ready'))
    const gateway = await startGateway({ routes: [proxyTo(behind.port, { process: 'backend' })] })
    const unknown = await ask(gateway, protocol)
    expect(unknown).toMatchObject({ status: 503, headers: { 'retry-after': '2' } })
    gateway.gateway.setTargets({ backend: { ready: false, phase: 'starting' } })
    expect((await ask(gateway, protocol, { method: 'POST', body: Buffer.alloc(3_000_000) })).status).toBe(503)
    gateway.gateway.setTargets({ backend: { ready: true, phase: 'running' } })
    expect(await ask(gateway, protocol)).toMatchObject({ status: 200, body: 'ready' })
    await gateway.waitForRecord(({ error }) => error === undefined)
    expect(gateway.records.map(({ error }) => error)).toEqual([
      'process backend is not started',
      'process backend is starting',
      undefined,
    ])
  })
})

describe('connections to upstreams', () => {
  it('are used again, and none is left when the gateway is gone', async () => {
    const ports = new Set<number | undefined>()
    const behind = await upstream((request, response) => {
      ports.add(request.socket.remotePort)
      response.end()
    })
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    for (let i = 0; i < 10; i++) await ask(gateway, 'h1', { headers: { host: `host-${i}.example` } })
    expect(ports.size).toBe(1)
    await gateway.stop()
    await behind.abandoned()
  })

  it('are tried for as long as the plan says, then it is 504', async () => {
    const silent = await rawUpstream(() => {})
    const gateway = await startGateway({
      routes: [
        proxyTo(0, { origin: `https://127.0.0.1:${silent.port}`, timeouts: { connect: 300, response: 60_000 } }),
      ],
    })
    expect((await ask(gateway, 'h1')).status).toBe(504)
    expect((await gateway.waitForRecord(() => true)).error).toMatch(/connect timeout/i)
    await silent.abandoned()
  })
})

describe('a cut answer of unknown length', () => {
  it('is a reset to an HTTP/1.0 client, to whom a closed connection would be a clean end', async () => {
    const behind = await rawUpstream((socket) => {
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'))
      socket.on('data', (chunk) => {
        if (chunk.includes('cut')) socket.resetAndDestroy()
      })
      cut = () => socket.resetAndDestroy()
    })
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const socket = rawSocket(gateway.http)
    const failed = new Promise<NodeJS.ErrnoException>((resolve) => socket.once('error', resolve))
    socket.write('GET / HTTP/1.0\r\nHost: a\r\n\r\n')
    await readUntil(socket, 'half')
    socket.resume()
    cut()
    expect((await failed).code).toBe('ECONNRESET')
  })
})

let cut: () => void = () => {}

interface Begun {
  /** The client leaves. */
  (): void
  seen(text: string): Promise<unknown>
}

/** A request whose client does not wait for the end; with `body`, an upload that has not ended. */
function begin(gateway: RunningGateway, protocol: Protocol, body?: string): Begun {
  if (protocol === 'h2' && body !== undefined) return beginH2Upload(gateway, body)
  if (protocol === 'h2') {
    const stream = h2Session(gateway).request({ ':path': '/', ':authority': host })
    stream.on('error', () => {})
    return Object.assign(() => stream.close(8), {
      seen: (text: string) =>
        new Promise((resolve) => stream.on('data', (chunk) => String(chunk).includes(text) && resolve(chunk))),
    })
  }
  const { socket, wire } = openHttp1(gateway, protocol)
  const framing = body === undefined ? '' : 'Transfer-Encoding: chunked\r\n'
  socket.write(`${body === undefined ? 'GET' : 'POST'} / HTTP/1.1\r\nHost: ${host}\r\n${framing}\r\n`)
  if (body !== undefined) socket.write(`${body.length.toString(16)}\r\n${body}\r\n`)
  return Object.assign(() => void wire.resetAndDestroy(), { seen: (text: string) => readUntil(socket, text) })
}

/** Frames by hand (RFC 9113 §6): Node's client ends an upload cleanly before it resets its stream. */
function beginH2Upload(gateway: RunningGateway, body: string): Begun {
  const frame = (type: number, flags: number, stream: number, payload: Buffer) =>
    Buffer.concat([Buffer.from([0, 0, payload.length, type, flags, 0, 0, 0, stream]), payload])
  // :method POST, :scheme https and :path / from HPACK's static table, :authority as a literal.
  const fields = Buffer.concat([Buffer.from([0x83, 0x87, 0x84, 0x41, host.length]), Buffer.from(host)])
  const socket = tlsSocket(gateway.https, 'h2')
  socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
  socket.write(frame(4, 0, 0, Buffer.alloc(0)))
  socket.write(frame(1, 4, 1, fields))
  socket.write(frame(0, 0, 1, Buffer.from(body)))
  socket.resume()
  const cancel = frame(3, 0, 1, Buffer.from([0, 0, 0, 8]))
  return Object.assign(() => void socket.write(cancel), { seen: (text: string) => readUntil(socket, text) })
}

describe('an h2 connection', () => {
  it('stays when one of its streams fails', async () => {
    const behind = await rawUpstream((socket) => {
      socket.on('data', (chunk) => {
        const fails = chunk.includes('GET /fails')
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n${fails ? 'ab' : 'good'}`, () => {
          if (fails) socket.destroy()
        })
      })
    })
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const session = h2Session(gateway)
    const answers = await Promise.allSettled([
      askOn(session, { path: '/fails' }),
      ...Array.from({ length: 5 }, () => askOn(session, { path: '/works' })),
    ])
    expect(answers.map(({ status }) => status)).toEqual(['rejected', ...Array(5).fill('fulfilled')])
    expect((await askOn(session, { path: '/works' })).body).toBe('good')
  })
})
