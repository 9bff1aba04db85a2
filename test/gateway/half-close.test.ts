/**
 * Clients that end their side behind the request, as `nc -N` does, read their answer; those that are gone are found
 * out.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer as createTcpServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { logged, openHttp1, text } from './clients.ts'
import { cleanUp, host, proxyTo, type RunningGateway, startGateway, temporaryFolder } from './support.ts'
import { listening, rawUpstream, upstream } from './upstreams.ts'

afterEach(cleanUp)

const ways = ['h1', 'h1s'] as const
const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`

const handshake =
  `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'

describe.each(ways)('over %s, a client that ends its side behind the request', (way) => {
  const size = 2_000_000

  async function site(): Promise<RunningGateway> {
    const root = join(await temporaryFolder(), 'www')
    await mkdir(root)
    await writeFile(join(root, 'large.bin'), Buffer.alloc(size, 'x'))
    await writeFile(join(root, 'small.txt'), 'hello')
    const slow = await upstream((request, response) => {
      setTimeout(() => response.end(`hello from ${request.url}`), 30)
    })
    return startGateway({
      routes: [
        { kind: 'respond', status: 200, body: 'hello', match: { paths: ['/say'] } },
        { ...proxyTo(slow.port), match: { paths: ['/up/*'] } },
        { kind: 'files', root, existingOnly: false, except: [] },
      ],
    })
  }

  it.each([
    ['/say', 200, 5],
    ['/small.txt', 200, 5],
    ['/large.bin', 200, size],
    ['/none', 404, 14],
    ['/up/here', 200, 19],
  ])('reads all of %s', async (path, status, length) => {
    const gateway = await site()
    const { socket } = openHttp1(gateway, way)
    socket.end(get(path))
    const answer = await text(socket)
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(answer.length - answer.indexOf('\r\n\r\n') - 4).toBe(length)
    expect(await gateway.waitForRecord(() => true)).toMatchObject({ ...logged[way], status, bytes: length })
  })

  it('reads the answers to all that it has sent ahead', async () => {
    const gateway = await site()
    const { socket } = openHttp1(gateway, way)
    socket.end(get('/up/1') + get('/up/2') + get('/say'))
    const answers = (await text(socket)).match(/hello from \S+?\d|hello$/g)
    expect(answers).toEqual(['hello from /up/1', 'hello from /up/2', 'hello'])
  })

  it('reads an answer that takes its upstream longer than we wait before we ask for it', async () => {
    const release = Promise.withResolvers<void>()
    const behind = await upstream(async (_, response) => {
      await release.promise
      response.end('late')
    })
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const { socket } = openHttp1(gateway, way)
    const answer = text(socket)
    // RFC 9110 §15.2: an interim answer is passed over by every client.
    socket.once('data', release.resolve)
    socket.end(get('/'))
    expect(await answer).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 OK\r\n[\s\S]*late$/)
  })

  it('and is gone is found out while its upstream thinks', async () => {
    const arrived = Promise.withResolvers<void>()
    const behind = await rawUpstream((socket) => socket.once('data', () => arrived.resolve()))
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const { socket, wire } = openHttp1(gateway, way)
    socket.write(get('/'))
    await arrived.promise
    wire.destroy()
    await behind.abandoned()
    expect(await gateway.waitForRecord(() => true)).toMatchObject({ ...logged[way], status: 499 })
  })

  it('and is gone is noticed by what the upstream still sends', async () => {
    const behind = await upstream((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const timer = setInterval(() => response.write('data: tick\n\n'), 20)
      response.on('close', () => clearInterval(timer))
    })
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const { socket, wire } = openHttp1(gateway, way)
    socket.write(get('/'))
    await new Promise((resolve) => socket.once('data', resolve))
    wire.destroy()
    await behind.abandoned()
    expect(await gateway.waitForRecord(() => true)).toMatchObject({ ...logged[way] })
  })
})

describe.each(ways)('over %s, a tunnel', (way) => {
  it('whose client has ended its side lives as long as the upstream sends', async () => {
    const ended = Promise.withResolvers<Socket>()
    const server = createTcpServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {})
      socket.on('end', () => ended.resolve(socket))
      socket.on('data', () =>
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'),
      )
    })
    const behind = await listening(server)
    const quiet = 300
    const gateway = await startGateway({ routes: [proxyTo(behind.port)], limits: { stallTimeout: quiet } })
    const { socket } = openHttp1(gateway, way)
    socket.write(handshake)
    await new Promise((resolve) => socket.once('data', resolve))
    const rest = text(socket)
    socket.end()
    const sender = await ended.promise
    const began = performance.now()
    while (performance.now() - began < 3 * quiet) {
      sender.write('tick')
      await new Promise((resolve) => setTimeout(resolve, quiet / 10))
    }
    sender.end('the end')
    expect(await rest).toMatch(/^(tick)+the end$/)
    await gateway.waitForRecord(({ status }) => status === 101)
  })

  it('whose client has ended its side is over when the upstream is quiet for too long', async () => {
    const server = createTcpServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {})
      socket.on('data', () =>
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'),
      )
    })
    const behind = await listening(server)
    const gateway = await startGateway({ routes: [proxyTo(behind.port)], limits: { stallTimeout: 100 } })
    const { socket } = openHttp1(gateway, way)
    socket.write(handshake)
    await new Promise((resolve) => socket.once('data', resolve))
    socket.end()
    expect(await gateway.waitForRecord(() => true)).toMatchObject({
      ...logged[way],
      protocol: 'websocket',
      status: 101,
    })
  })
})
