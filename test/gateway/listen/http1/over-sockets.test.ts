/** What a connection does with real sockets, over TCP, TLS and behind a PROXY header. */
import { createServer, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { openHttp1, rawSocket, text } from '../../clients.ts'
import { cleanUp, host, proxyTo, startGateway } from '../../support.ts'
import { bodyOf, listening, upstream } from '../../upstreams.ts'
import { get, post } from './opened.ts'

afterEach(cleanUp)

const agreed = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
const handshake = `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`

/** Not at once, so that more has come by then than a connection holds. */
async function agree(socket: Socket): Promise<void> {
  for (let i = 0; i < 50; i++) await turn()
  socket.write(agreed)
}

/** Answers with target and body. */
const echo = () =>
  upstream(async (request, response) => {
    const body = await bodyOf(request).catch(() => undefined)
    response.end(`<${request.url} ${body}>`)
  })

describe.each(['h1', 'h1s'] as const)('over %s', (way) => {
  it('more bytes than a connection holds, sent ahead of an agreed upgrade, arrive whole', async () => {
    const { promise, resolve } = Promise.withResolvers<string>()
    const server = createServer()
    server.on('upgrade', (_request: IncomingMessage, socket: Socket, head: Buffer) => {
      let seen = String(head)
      socket.on('data', (chunk) => {
        seen += chunk
      })
      socket.on('end', () => resolve(seen))
      socket.on('error', () => {})
      void agree(socket)
    })
    const gateway = await startGateway({ routes: [proxyTo((await listening(server)).port)] })
    const sent = Array.from({ length: 50_000 }, (_, i) => `${i};`).join('')
    const { socket } = openHttp1(gateway, way)
    socket.write(handshake + sent)
    socket.once('data', () => socket.end())
    expect((await promise) === sent).toBe(true)
  })

  it('what follows an upgrade that is refused is discarded, however much it is', async () => {
    const gateway = await startGateway({ routes: [proxyTo((await echo()).port)] })
    const { socket } = openHttp1(gateway, way)
    socket.write(handshake + get('/2').repeat(20_000))
    const answer = await text(socket)
    expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1)
    expect(answer).toMatch(/^HTTP\/1\.1 200 [\s\S]*<\/ >$/)
    expect(gateway.records).toHaveLength(1)
  })

  it('clients that reset at any moment of a request leave nothing behind', async () => {
    const behind = await echo()
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const bytes = post('/', 'x'.repeat(50)) + get('/')
    for (let at = 0; at <= bytes.length; at += 9) {
      const { socket, wire } = openHttp1(gateway, way)
      socket.write(bytes.slice(0, at), () => wire.resetAndDestroy())
      await new Promise((resolve) => wire.once('close', resolve))
    }
    const { socket } = openHttp1(gateway, way)
    socket.end(get('/last'))
    expect(await text(socket)).toMatch(/<\/last >$/)
    expect(gateway.errors).toEqual([])
  })
})

describe('behind a PROXY header', () => {
  const line = 'PROXY TCP4 192.0.2.1 198.51.100.1 1234 80\r\n'

  async function start() {
    const gateway = await startGateway({ routes: [proxyTo((await echo()).port)], trustedProxies: ['127.0.0.1/32'] })
    const routes = [proxyTo((await echo()).port)]
    const listeners = gateway.listeners.map((plan) => ({ ...plan, proxyProtocol: 'v1' as const }))
    await gateway.apply({ routes, listeners, trustedProxies: ['127.0.0.1/32'] })
    return gateway
  }

  it('requests that come with it are served, and the end of the client with them is no end of the answers', async () => {
    const gateway = await start()
    const socket = rawSocket(gateway.http)
    socket.end(line + get('/1') + post('/2', 'body') + get('/3'))
    expect((await text(socket)).match(/<.*?>/g)).toEqual(['</1 >', '</2 body>', '</3 >'])
    expect(gateway.records.map(({ client }) => client)).toEqual(['192.0.2.1', '192.0.2.1', '192.0.2.1'])
  })

  it('half a head or body with the end of the client closes the connection', async () => {
    const gateway = await start()
    for (const bytes of ['', 'GET /', post('/', 'body').slice(0, -1)]) {
      const socket = rawSocket(gateway.http)
      socket.end(line + bytes)
      expect(await text(socket)).toBe('')
    }
  })
})
