import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { ask, askOn, h2Session, protocols, rawSocket, readUntil, text } from './clients.ts'
import { cleanUp, freePort, host, listener, planOf, proxyTo, startGateway, whenOver } from './support.ts'
import { listening, upstream } from './upstreams.ts'

afterEach(cleanUp)

const get = (path = '/') => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`
const webSocket = `GET /ws HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`

/** Answers requests as given, and every upgrade with what it gets. */
async function echoing(answer: RequestListener) {
  const server = createServer({ keepAliveTimeout: 60_000 }, answer)
  server.on('upgrade', (_request: IncomingMessage, socket: Socket) => {
    socket.on('error', () => {})
    socket.write('HTTP/1.1 101 OK\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
    socket.pipe(socket)
  })
  return listening(server)
}

describe('a new plan', () => {
  it('comes 50 times under load of h1 and h2 and no request fails; a WebSocket stays', async () => {
    const behind = await echoing((request, response) => {
      request.resume()
      setTimeout(() => response.end('x'.repeat(2_000)), 5)
    })
    const routes = [proxyTo(behind.port)]
    const gateway = await startGateway({ routes })
    const tunnel = rawSocket(gateway.http)
    tunnel.write(webSocket)
    await readUntil(tunnel, '\r\n\r\n')
    let loaded = true
    let answered = 0
    const session = h2Session(gateway)
    const kept = rawSocket(gateway.http)
    const load = [
      ...protocols.map((protocol) => () => ask(gateway, protocol, { method: 'POST', body: 'abc' })),
      () => askOn(session),
      () => askOn(session, { method: 'POST', body: 'abc' }),
      async () => {
        kept.write(get())
        const answer = await readUntil(kept, 'x'.repeat(2_000))
        return { status: Number(answer.slice(9, 12)) }
      },
    ].map(async (once) => {
      while (loaded) {
        expect((await once()).status).toBe(200)
        answered += 1
      }
    })
    for (let swap = 0; swap < 50; swap++) {
      await gateway.apply({
        routes: [{ kind: 'redirect', to: '/', status: 302, close: false, match: { paths: [`/${swap}`] } }, ...routes],
      })
      const soon = answered + 4
      while (answered < soon) await new Promise((resolve) => setImmediate(resolve))
    }
    loaded = false
    await Promise.all(load)
    expect(answered).toBeGreaterThan(200)
    tunnel.write('still here')
    expect(await readUntil(tunnel, 'still here')).toBe('still here')
    expect(gateway.records.filter(({ status }) => status !== 200)).toEqual([])
    expect((await ask(gateway, 'h1', { path: '/49' })).status).toBe(302)
  })

  it('does not change the answers of requests that are under way', async () => {
    let release: () => void = () => {}
    let arrived: () => void = () => {}
    const arrival = new Promise<void>((resolve) => {
      arrived = resolve
    })
    const old = await upstream((_request, response) => {
      release = () => response.end('old')
      arrived()
    })
    const gateway = await startGateway({ headers: { 'x-plan': 'old' }, routes: [proxyTo(old.port)] })
    const slow = ask(gateway, 'h1')
    await arrival
    await gateway.apply({ headers: { 'x-plan': 'new' }, routes: [] })
    expect(await ask(gateway, 'h1')).toMatchObject({ status: 404, headers: { 'x-plan': 'new' } })
    release()
    expect(await slow).toMatchObject({ body: 'old', headers: { 'x-plan': 'old' } })
    // The last answer it owed: the connection to the old upstream is closed.
    await old.abandoned()
  })

  it('keeps the connections to upstreams that it still names, and closes the others', async () => {
    const [kept, gone] = await Promise.all([1, 2].map(() => upstream((_request, response) => response.end())))
    if (!kept || !gone) throw new Error('two upstreams')
    const toKept = { ...proxyTo(kept.port), match: { paths: ['/kept'] } }
    const gateway = await startGateway({ routes: [toKept, proxyTo(gone.port)] })
    await Promise.all([ask(gateway, 'h1', { path: '/kept' }), ask(gateway, 'h1', { path: '/gone' })])
    expect([await kept.connections(), await gone.connections()]).toEqual([1, 1])
    await gateway.apply({ routes: [toKept] })
    await gone.abandoned()
    expect(await kept.connections()).toBe(1)
  })

  it('closes the connections of an old one although a WebSocket of it stays open', async () => {
    const sockets = await echoing((_request, response) => response.end())
    const plain = await upstream((_request, response) => response.end())
    const gateway = await startGateway({
      routes: [{ ...proxyTo(sockets.port), match: { paths: ['/ws'] } }, proxyTo(plain.port)],
    })
    await ask(gateway, 'h1')
    const tunnel = rawSocket(gateway.http)
    tunnel.write(webSocket)
    await readUntil(tunnel, '\r\n\r\n')
    await gateway.apply({ routes: [] })
    await plain.abandoned()
    tunnel.write('still here')
    await readUntil(tunnel, 'still here')
    tunnel.destroy()
    expect(await gateway.waitForRecord(({ path }) => path === '/ws')).toMatchObject({ route: 'route 0', status: 101 })
  })

  it('that comes while another is being put in place waits for it: the last one serves', async () => {
    const gateway = await startGateway({ routes: [] })
    const to = (name: string) => ({ routes: [{ kind: 'redirect', to: name, status: 302, close: false } as const] })
    await Promise.all(['/1', '/2', '/3', '/4'].map((name) => gateway.apply(to(name))))
    expect((await ask(gateway, 'h1')).headers.location).toBe('/4')
  })

  it.each([
    ['a header value of two lines', { 'x-a': 'a\r\nb' }],
    ['a header value that HTTP cannot carry', { 'x-a': '…' }],
    ['a header name with a space', { 'x a': 'a' }],
  ])('with %s is refused, and the old one goes on', async (_what, headers) => {
    const gateway = await startGateway({ routes: [] })
    await expect(gateway.apply({ headers, routes: [] })).rejects.toThrow(/header/i)
    expect((await ask(gateway, 'h1')).status).toBe(404)
  })
})

describe('listeners of a new plan', () => {
  it('are opened and closed; the connections of a closed one are ended after their answers', async () => {
    let release: () => void = () => {}
    let arrived: () => void = () => {}
    const arrival = new Promise<void>((resolve) => {
      arrived = resolve
    })
    const behind = await upstream((request, response) => {
      if (request.url !== '/slow') return void response.end('fast')
      release = () => response.end('slow')
      arrived()
    })
    const routes = [proxyTo(behind.port)]
    const gateway = await startGateway({ routes })
    const [moved, idle, begun] = [await freePort(), rawSocket(gateway.http), rawSocket(gateway.http)]
    idle.write(get())
    await readUntil(idle, 'fast')
    const ended = new Promise((resolve) => idle.once('close', resolve))
    idle.resume()
    begun.write(get('/slow'))
    await arrival
    const streaming = rawSocket(gateway.http)
    streaming.write(get('/fast'))
    await readUntil(streaming, 'fast')
    await gateway.apply({ routes, listeners: [listener('http', moved)] })
    await ended
    await expect(ask(gateway, 'h1')).rejects.toThrow('ECONNREFUSED')
    expect((await ask({ ...gateway, http: moved }, 'h1')).body).toBe('fast')
    release()
    const answer = await text(begun)
    expect(answer).toMatch(/connection: close\r\n/i)
    expect(answer).toMatch(/slow$/)
  })

  it('that are closed while an answer is half sent do not keep its connection for another request', async () => {
    let release: () => void = () => {}
    const behind = await upstream((_request, response) => {
      response.writeHead(200, { 'content-length': 8 }).write('half')
      release = () => response.end('half')
    })
    const routes = [proxyTo(behind.port)]
    const gateway = await startGateway({ routes })
    const begun = rawSocket(gateway.http)
    begun.write(get())
    await readUntil(begun, 'half')
    await gateway.apply({ routes, listeners: [listener('http', await freePort())] })
    release()
    expect(await text(begun)).toBe('half')
  })

  it('send GOAWAY to h2 clients and finish their streams', async () => {
    let release: () => void = () => {}
    let arrived: () => void = () => {}
    const arrival = new Promise<void>((resolve) => {
      arrived = resolve
    })
    const behind = await upstream((_request, response) => {
      release = () => response.end('slow')
      arrived()
    })
    const routes = [proxyTo(behind.port)]
    const gateway = await startGateway({ routes })
    const session = h2Session(gateway)
    const slow = askOn(session)
    await arrival
    const goaway = new Promise((resolve) => session.once('goaway', resolve))
    await gateway.apply({ routes, listeners: [listener('http', gateway.http)] })
    expect(await goaway).toBe(0)
    const closed = new Promise<void>((resolve) => session.once('close', resolve))
    release()
    expect((await slow).body).toBe('slow')
    await closed
  })

  it('whose port is taken make the plan fail: the old one keeps all its listeners', async () => {
    const behind = await upstream((_request, response) => response.end('old'))
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const other = createTcpServer()
    await new Promise<void>((resolve) => other.listen({ port: 0, host: '127.0.0.1' }, resolve))
    whenOver(() => new Promise((resolve) => other.close(resolve)))
    const { port } = other.address() as AddressInfo
    const free = await freePort()
    const options = { routes: [], listeners: [listener('taken', port), listener('free', free)] }
    await expect(gateway.apply(options)).rejects.toMatchObject({
      code: 'address-in-use',
      message: expect.stringContaining(`127.0.0.1:${port}`),
    })
    expect((await ask(gateway, 'h1')).body).toBe('old')
    expect((await ask(gateway, 'h2')).body).toBe('old')
    await expect(ask({ ...gateway, http: free }, 'h1')).rejects.toThrow('ECONNREFUSED')
  })

  it('share a port with another thread of the same program, and with no one else', async () => {
    const first = await startGateway({ routes: [] })
    const second = await startGateway({ routes: [] })
    const shared = planOf({ routes: [], listeners: [listener('http', first.http)] }, [])
    await second.gateway.apply(shared, [])
    expect((await ask(first, 'h1')).status).toBe(404)
    const stranger = createTcpServer()
    const refused = new Promise((resolve) => stranger.once('error', resolve))
    stranger.listen({ port: first.http, host: '127.0.0.1' })
    expect(await refused).toMatchObject({ code: 'EADDRINUSE' })
  })
})
