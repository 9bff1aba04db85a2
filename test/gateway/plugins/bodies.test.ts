/** Request bodies and event streams of plugins: limits, pace, clients that leave. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { constants } from 'node:http2'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PluginPlan } from '../../../src/plan/model/routes.ts'
import { ask, exchangeRaw, h2Session, protocols, rawSocket, readUntil } from '../clients.ts'
import { cleanUp, host, type RunningGateway, startGateway } from '../support.ts'
import { plugin } from './support.ts'

let gateway: RunningGateway
let route: PluginPlan
afterAll(cleanUp)

beforeAll(async () => {
  route = await plugin(
    `
    app.addContentTypeParser('application/octet-stream', (request, body, done) => done(null, body))
    app.post('/hash', async (request) => {
      const hash = createHash('sha256')
      for await (const chunk of request.body) hash.update(chunk)
      return hash.digest('hex')
    })
    app.post('/echo', (request, reply) => { reply.type('application/octet-stream').send(request.body) })
    app.post('/json', async (request) => request.body)
    app.post('/unread', async () => 'unread')
    app.post('/raw', (request, reply) => {
      reply.hijack()
      request.raw.on('error', () => {})
      request.raw.resume().on('end', () => reply.raw.end('read'))
    })
    const left = Promise.withResolvers()
    app.post('/aborted', (request, reply) => {
      reply.hijack()
      request.raw.on('aborted', left.resolve).on('error', () => {}).resume()
    })
    app.get('/left', async () => { await left.promise; return 'left' })
    // An endless stream: /paused answers when the client is too slow for it, /closed when it is destroyed.
    const paused = {}
    const closed = {}
    app.get('/endless/:name', (request, reply) => {
      let produced = 0
      const stream = new Readable({ read() { produced += 100_000; this.push(Buffer.alloc(100_000)) } })
      const wait = (event) => new Promise((resolve) => stream.once(event, () => resolve(String(produced))))
      paused[request.params.name] = wait('pause')
      closed[request.params.name] = wait('close')
      reply.type('application/octet-stream').send(stream)
    })
    app.get('/paused/:name', async (request) => paused[request.params.name])
    app.get('/closed/:name', async (request) => closed[request.params.name])
    app.get('/events', (request, reply) => {
      reply.hijack()
      reply.raw.writeHead(200, { 'content-type': 'text/event-stream' })
      reply.raw.write('data: first\\n\\n')
    })
    `,
    {},
    "import { createHash } from 'node:crypto'\nimport { Readable } from 'node:stream'",
  )
  gateway = await startGateway(options())
})

const options = () => ({ routes: [{ ...route, guards: { requestBody: 3_000_000 } }] })

const binary = { 'content-type': 'application/octet-stream' }
const bytes = Buffer.from(Array.from({ length: 2_500_000 }, (_, index) => (index * 31) % 251))

describe.each(protocols)('a body over %s', (protocol) => {
  it('reaches the plugin whole, and is sent back at its pace', async () => {
    const hash = await ask(gateway, protocol, { method: 'POST', path: '/hash', headers: binary, body: bytes })
    expect(hash.body).toBe(createHash('sha256').update(bytes).digest('hex'))
    const echo = await ask(gateway, protocol, { method: 'POST', path: '/echo', headers: binary, body: bytes })
    expect(Buffer.from(echo.body, 'latin1').equals(bytes)).toBe(true)
    const record = await gateway.waitForRecord(({ requestId }) => requestId === echo.headers['x-request-id'])
    expect(record.bytes).toBe(bytes.length)
  })

  it('without a length that exceeds the limit of the route gets our 413, or cuts an answer that has begun', async () => {
    const large = (path: string) =>
      ask(gateway, protocol, {
        method: 'POST',
        path,
        headers: { ...binary, ...(protocol !== 'h2' && { 'transfer-encoding': 'chunked' }) },
        body: Buffer.alloc(3_100_000),
      })
    for (const path of ['/hash', '/raw']) {
      const { status, headers } = await large(path)
      expect([path, status]).toEqual([path, 413])
      const record = await gateway.waitForRecord(({ requestId }) => requestId === headers['x-request-id'])
      expect(record.error).toBe('request body exceeds the limit of 3000000 bytes')
    }
    await expect(large('/echo')).rejects.toThrow()
  })

  it('with a longer length than the limit is refused before the plugin is called', async () => {
    const answer = await ask(gateway, protocol, {
      method: 'POST',
      path: '/unread',
      headers: { 'content-length': '3000001' },
      body: Buffer.alloc(3_000_001),
    })
    expect(answer.status).toBe(413)
  })

  it('that the plugin does not read is no obstacle to its answer', async () => {
    const body = Buffer.alloc(200_000)
    const answer = await ask(gateway, protocol, { method: 'POST', path: '/unread', headers: binary, body })
    expect(answer).toMatchObject({ status: 200, body: 'unread' })
  })
})

describe('a client', () => {
  it('that waits for 100 Continue gets it when the plugin reads', async () => {
    const socket = rawSocket(gateway.http)
    socket.write(
      `POST /raw HTTP/1.1\r\nHost: ${host}\r\nExpect: 100-continue\r\nContent-Length: 3\r\nContent-Type: application/octet-stream\r\n\r\n`,
    )
    await readUntil(socket, 'HTTP/1.1 100 Continue\r\n\r\n')
    socket.write('abc')
    await readUntil(socket, 'read')
    socket.destroy()
  })

  it('that leaves in the midst of its body is noticed', async () => {
    const socket = rawSocket(gateway.http)
    socket.write(
      `POST /aborted HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 30\r\nContent-Type: application/octet-stream\r\n\r\nabc`,
    )
    const left = ask(gateway, 'h1', { path: '/left' })
    socket.once('connect', () => socket.destroy())
    expect((await left).body).toBe('left')
    expect(await gateway.waitForRecord(({ path }) => path === '/aborted')).toMatchObject({ status: 499 })
  })

  it('that pipelines gets all answers in order', async () => {
    const one = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`
    const said = await exchangeRaw(gateway.http, one('/nope1') + one('/nope2') + one('/nope3', 'Connection: close\r\n'))
    expect(said.match(/GET:\/nope\d/g)).toEqual(['GET:/nope1', 'GET:/nope2', 'GET:/nope3'])
  })
})

describe('an endless stream of a plugin', () => {
  it.each(['h1', 'h2'] as const)('waits for a slow client over %s, and ends with it', async (name) => {
    let leave: () => void
    if (name === 'h1') {
      const socket = rawSocket(gateway.http)
      socket.write(`GET /endless/h1 HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
      await readUntil(socket, '\r\n\r\n')
      socket.pause()
      leave = () => socket.resetAndDestroy()
    } else {
      const stream = h2Session(gateway).request({ ':path': '/endless/h2', ':authority': host })
      stream.on('error', () => {})
      await once(stream, 'response')
      leave = () => stream.close(constants.NGHTTP2_CANCEL)
    }
    const { body: produced } = await ask(gateway, 'h1', { path: `/paused/${name}` })
    expect(Number(produced)).toBeLessThan(30_000_000)
    leave()
    expect((await ask(gateway, 'h1', { path: `/closed/${name}` })).status).toBe(200)
    expect(await gateway.waitForRecord(({ path }) => path === `/endless/${name}`)).toMatchObject({ status: 499 })
  })
})

describe('an event stream of a plugin', () => {
  it.each(['h1', 'h2'] as const)('is open over %s until a reload ends it in good order', async (protocol) => {
    const { promise: begun, resolve: onHead } = Promise.withResolvers<void>()
    const stream = ask(gateway, protocol, { path: '/events', onHead })
    await begun
    await gateway.apply({ routes: [await plugin(`app.get('/', async () => 'next')`)] })
    expect((await stream).body).toBe('data: first\n\n')
    expect(await gateway.waitForRecord(({ path }) => path === '/events')).toMatchObject({ status: 200 })
    expect((await ask(gateway, protocol)).body).toBe('next')
    await gateway.apply(options())
  })
})
