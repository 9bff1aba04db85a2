import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { ask, askOn, h2Session, logged, protocols, rawSocket, readUntil, text, tlsSocket } from './clients.ts'
import { cleanUp, host, proxyTo, startGateway } from './support.ts'
import { listening, upstream } from './upstreams.ts'

afterEach(cleanUp)

const get = (path = '/') => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`

/** Answers on request, and reports when enough requests are waiting. */
async function slow(expected: number) {
  const waiting: ServerResponse[] = []
  let full: () => void = () => {}
  const allArrived = new Promise<void>((resolve) => {
    full = resolve
  })
  const behind = await upstream((_request, response) => {
    waiting.push(response)
    if (waiting.length === expected) full()
  })
  return {
    ...behind,
    allArrived,
    release: () => {
      for (const response of waiting) response.end('answered')
    },
  }
}

describe('a drain', () => {
  it.each(protocols)('answers 200 requests that are under way over %s, then nothing is open', async (protocol) => {
    const behind = await slow(200)
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const sessions = [h2Session(gateway), h2Session(gateway)]
    const answers = Array.from({ length: 200 }, (_, i) =>
      protocol === 'h2' ? askOn(sessions[i % 2] as ReturnType<typeof h2Session>) : ask(gateway, protocol),
    )
    await behind.allArrived
    const drained = gateway.gateway.drain(20_000)
    // What waits to be accepted is accepted first.
    for (let turns = 0; turns < 4; turns += 1) await new Promise((resolve) => setImmediate(resolve))
    await expect(ask(gateway, 'h1')).rejects.toThrow('ECONNREFUSED')
    behind.release()
    expect((await Promise.all(answers)).every(({ body }) => body === 'answered')).toBe(true)
    expect(await drained).toBe(0)
    await behind.abandoned()
    expect(gateway.records).toHaveLength(200)
    expect(gateway.records.every(({ status }) => status === 200)).toBe(true)
  })

  it('ends idle connections at once and others after their answer', async () => {
    const behind = await slow(1)
    const gateway = await startGateway({ routes: [{ ...proxyTo(behind.port), match: { paths: ['/slow'] } }] })
    const idle = rawSocket(gateway.http)
    idle.write(get('/fast'))
    await readUntil(idle, '404 Not Found\n')
    const silent = tlsSocket(gateway.https)
    await new Promise((resolve) => silent.once('secureConnect', resolve))
    const session = h2Session(gateway)
    await askOn(session, { path: '/fast' })
    const begun = rawSocket(gateway.http)
    begun.write(get('/slow'))
    await behind.allArrived
    const ended = Promise.all(
      [idle, session].map(
        (open) => new Promise<void>((resolve) => void (open as Socket).once('close', () => resolve())),
      ),
    )
    idle.resume()
    const drained = gateway.gateway.drain(20_000)
    await ended
    behind.release()
    expect(await text(begun)).toMatch(/connection: close[\s\S]*answered$/i)
    expect(await drained).toBe(0)
    await text(silent).catch(() => {})
    expect(silent.destroyed).toBe(true)
  })

  it('sends GOAWAY to h2 clients, finishes their streams and accepts no new ones', async () => {
    const behind = await slow(2)
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const session = h2Session(gateway)
    const answers = [askOn(session), askOn(session)]
    await behind.allArrived
    const goaway = new Promise((resolve) => session.once('goaway', resolve))
    const drained = gateway.gateway.drain(20_000)
    expect(await goaway).toBe(0)
    await expect(askOn(session)).rejects.toThrow(/GOAWAY/i)
    behind.release()
    expect((await Promise.all(answers)).map(({ body }) => body)).toEqual(['answered', 'answered'])
    expect(await drained).toBe(0)
  })

  it('closes tunnels and event streams after the answers: they have no end to wait for', async () => {
    const server = createServer((request, response) => {
      if (request.url === '/events')
        response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n')
      else held.push(response)
    })
    const held: ServerResponse[] = []
    server.on('upgrade', (_request: IncomingMessage, socket: Socket) => {
      socket.on('error', () => {})
      socket.write('HTTP/1.1 101 OK\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
      socket.pipe(socket)
    })
    const behind = await listening(server)
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const tunnel = rawSocket(gateway.http)
    tunnel.write(`GET /ws HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`)
    await readUntil(tunnel, '\r\n\r\n')
    const events = rawSocket(gateway.http)
    events.write(get('/events'))
    await readUntil(events, 'data: 1')
    const started = performance.now()
    const drained = gateway.gateway.drain(20_000)
    tunnel.resume()
    events.resume()
    expect(await drained).toBe(0)
    expect(performance.now() - started).toBeLessThan(5_000)
    await behind.abandoned()
    expect(gateway.records.map(({ path, status }) => [path, status]).sort()).toEqual([
      ['/events', 200],
      ['/ws', 101],
    ])
  })

  it('does not wait for the budget when a handshake under way becomes a tunnel', async () => {
    let agree: () => void = () => {}
    let asked: () => void = () => {}
    const arrival = new Promise<void>((resolve) => {
      asked = resolve
    })
    const server = createServer()
    server.on('upgrade', (_request: IncomingMessage, socket: Socket) => {
      socket.on('error', () => {})
      socket.pipe(socket)
      agree = () => socket.write('HTTP/1.1 101 OK\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
      asked()
    })
    const behind = await listening(server)
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const tunnel = rawSocket(gateway.http)
    tunnel.write(`GET /ws HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`)
    await arrival
    const drained = gateway.gateway.drain(25_000)
    agree()
    await readUntil(tunnel, '\r\n\r\n')
    tunnel.resume()
    expect(await drained).toBe(0)
  })

  it.each(protocols)('cuts what the budget leaves over %s, counts it and logs why', async (protocol) => {
    const behind = await slow(3)
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const answers = Promise.allSettled(Array.from({ length: 3 }, () => ask(gateway, protocol)))
    await behind.allArrived
    expect(await gateway.gateway.drain(50)).toBe(3)
    expect((await answers).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    expect(gateway.records).toHaveLength(3)
    for (const record of gateway.records) {
      expect(record).toMatchObject({ ...logged[protocol], error: 'the drain budget was exceeded' })
    }
    await behind.abandoned()
  })

  it('is over at once where nothing is under way', async () => {
    const gateway = await startGateway({ routes: [] })
    const started = performance.now()
    expect(await gateway.gateway.drain(20_000)).toBe(0)
    expect(performance.now() - started).toBeLessThan(500)
  })
})
