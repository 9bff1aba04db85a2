/** WebSockets of plugins, by `@fastify/websocket`. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { afterEach, describe, expect, it } from 'vitest'
import { type ClientOptions, WebSocket } from 'ws'
import { ask, rawSocket, readUntil, text } from '../clients.ts'
import { ca, cleanUp, host, type RunningGateway, startGateway } from '../support.ts'
import { plugin } from './support.ts'

afterEach(cleanUp)

const imports = `import websocket from '${createRequire(import.meta.url).resolve('@fastify/websocket')}'`

const echoing = () =>
  plugin(
    `
    await app.register(websocket)
    app.addHook('onRequest', async (request, reply) => {
      if (request.headers['x-deny']) return reply.code(403).header('x-why', 'denied').send('not you')
    })
    app.get('/echo', { websocket: true }, (socket, request) => {
      socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
      socket.send(JSON.stringify({ client: request.exchange.client, id: request.exchange.requestId, ip: request.ip }))
    })
    app.get('/plain', async () => 'plain')
    app.get('/throws', { websocket: true }, () => { throw new Error('no luck') })
    `,
    {},
    imports,
  )

type Scheme = 'ws' | 'wss'

function open(gateway: RunningGateway, scheme: Scheme, path: string, headers = {}): WebSocket {
  const port = scheme === 'ws' ? gateway.http : gateway.https
  const options: ClientOptions = { headers: { host, ...headers }, ca }
  // `ws` sends the name to the server, but its types lack it.
  return new WebSocket(`${scheme}://127.0.0.1:${port}${path}`, Object.assign(options, { servername: host }))
}

const schemes: readonly Scheme[] = ['ws', 'wss']

describe.each(schemes)('a WebSocket of a plugin over %s', (scheme) => {
  it('carries messages both ways, whole and in order, and is logged with its bytes', async () => {
    const gateway = await startGateway({ routes: [await echoing()], headers: { 'x-own': 'yes' } })
    const socket = open(gateway, scheme, '/echo')
    const [[upgrade], [hello]] = await Promise.all([once(socket, 'upgrade'), once(socket, 'message')])
    expect(upgrade.headers).toMatchObject({ 'x-own': 'yes', 'x-request-id': expect.any(String) })
    expect(JSON.parse(String(hello))).toEqual({
      client: '127.0.0.1',
      ip: '127.0.0.1',
      id: upgrade.headers['x-request-id'],
    })
    for (const size of [0, 1, 200, 70_000, 2_000_000]) {
      const sent = randomBytes(size)
      socket.send(sent)
      const [received] = await once(socket, 'message')
      expect(sent.equals(received as Buffer)).toBe(true)
    }
    const sent = Array.from({ length: 200 }, (_, index) => String(index))
    const received: string[] = []
    const all = new Promise<void>((resolve) => {
      socket.on('message', (data) => {
        received.push(String(data))
        if (received.length === sent.length) resolve()
      })
    })
    for (const message of sent) socket.send(message)
    await all
    expect(received).toEqual(sent)
    socket.close(1000, 'done')
    const [code] = await once(socket, 'close')
    expect(code).toBe(1000)
    const record = await gateway.waitForRecord(({ path }) => path === '/echo')
    expect(record).toMatchObject({ status: 101, protocol: 'websocket', route: 'route 0' })
    expect(record.bytes).toBeGreaterThan(2_000_000)
  })

  it('that the plugin refuses gets its answer, with our headers', async () => {
    const gateway = await startGateway({ routes: [await echoing()], headers: { 'x-own': 'yes' } })
    const socket = open(gateway, scheme, '/echo', { 'x-deny': '1' })
    const [, answer] = await once(socket, 'unexpected-response')
    expect(answer.statusCode).toBe(403)
    expect(answer.headers).toMatchObject({ 'x-why': 'denied', 'x-own': 'yes', 'x-request-id': expect.any(String) })
    expect(await text(answer)).toBe('not you')
    expect(await gateway.waitForRecord(({ path }) => path === '/echo')).toMatchObject({ status: 403, bytes: 7 })
  })

  it('ends when a reload replaces the plugin, and when the gateway stops', async () => {
    const gateway = await startGateway({ routes: [await echoing()] })
    const ends = [
      () => echoing().then((route) => gateway.apply({ routes: [route] })),
      () => gateway.gateway.drain(1_000),
    ]
    for (const end of ends) {
      const socket = open(gateway, scheme, '/echo')
      await once(socket, 'message')
      const closed = once(socket, 'close')
      await end()
      expect([1001, 1005]).toContain((await closed)[0])
    }
  })
})

describe('a plugin that is asked to upgrade', () => {
  const handshake = (path: string, more = '') =>
    `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n${more}\r\n`

  it('without WebSockets answers like any other request', async () => {
    const gateway = await startGateway({ routes: [await plugin(`app.get('/', async () => 'plain')`)] })
    const socket = rawSocket(gateway.http)
    socket.write(handshake('/'))
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nplain$/)
  })

  it('survives clients that leave, and handlers that throw', async () => {
    const gateway = await startGateway({ routes: [await echoing()] })
    for (const path of ['/echo', '/throws', '/plain', '/nowhere']) {
      const socket = rawSocket(gateway.http)
      socket.write(handshake(path))
      await readUntil(socket, '\r\n\r\n')
      socket.resetAndDestroy()
      await gateway.waitForRecord((record) => record.path === path)
    }
    expect((await ask(gateway, 'h1', { path: '/plain' })).body).toBe('plain')
  })

  it('gets the bytes that follow the head', async () => {
    const gateway = await startGateway({ routes: [await echoing()] })
    const socket = rawSocket(gateway.http)
    // A masked text frame of `hi`.
    const frame = Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69])
    socket.write(Buffer.concat([Buffer.from(handshake('/echo')), frame]))
    await readUntil(socket, '\u0081\u0002hi')
    socket.destroy()
  })

  it('is bounded by the time limit of the route', async () => {
    const route = await plugin(`app.server.on('upgrade', () => {})`, { timeout: 50 })
    const gateway = await startGateway({ routes: [route] })
    const socket = rawSocket(gateway.http)
    socket.write(handshake('/'))
    expect(await readUntil(socket, '\r\n\r\n')).toMatch(/^HTTP\/1\.1 504 /)
    expect(await gateway.waitForRecord(({ status }) => status === 504)).toMatchObject({
      error: 'plugin: no response within 50 ms',
    })
  })
})
