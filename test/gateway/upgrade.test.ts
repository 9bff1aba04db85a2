import { createHash, randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { Server as SocketServer } from 'socket.io'
import { io } from 'socket.io-client'
import { afterEach, describe, expect, it } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { refusingPort } from '../support/refusing-port.ts'
import { ask, logged, rawSocket, readUntil, text, tlsSocket } from './clients.ts'
import { ca, cleanUp, host, proxyTo, type RunningGateway, startGateway, temporaryFolder, whenOver } from './support.ts'
import { listening, pairs, rawUpstream, type Upstream, upstream, valuesOf } from './upstreams.ts'

afterEach(cleanUp)

const listeners = ['h1', 'h1s'] as const

function dial(gateway: RunningGateway, protocol: (typeof listeners)[number]): Socket {
  return protocol === 'h1' ? rawSocket(gateway.http) : tlsSocket(gateway.https)
}

const handshake = (more = '') =>
  `GET /socket?a=b HTTP/1.1\r\nHost: ${host}\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n` +
  `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${more}\r\n`

/** Agrees to every upgrade and sends back what it gets; `greeting` follows the head in the same packet. */
async function echo(
  greeting = '',
  seen: (request: IncomingMessage, socket: Socket) => void = () => {},
): Promise<Upstream> {
  const server = createServer()
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    seen(request, socket)
    socket.on('error', () => {})
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
        'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n' +
        `Sec-WebSocket-Extensions: permessage-deflate\r\nX-Own: 1\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n${greeting}`,
    )
    if (head.length > 0) socket.write(head)
    socket.pipe(socket)
  })
  return listening(server)
}

describe.each(listeners)('a tunnel over %s', (protocol) => {
  it('carries bytes both ways, those right behind both heads included', async () => {
    const behind = await echo('first from upstream|')
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const socket = dial(gateway, protocol)
    socket.write(`${handshake()}first from client|`)
    const start = await readUntil(socket, 'first from client|')
    expect(start).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/)
    expect(start).toMatch(/\r\n\r\nfirst from upstream\|first from client\|$/)
    socket.write('more|')
    expect(await readUntil(socket, 'more|')).toBe('more|')
    socket.end()
    await behind.abandoned()
    expect(await gateway.waitForRecord(() => true)).toMatchObject({
      ...logged[protocol],
      protocol: 'websocket',
      status: 101,
      path: '/socket',
      client: '127.0.0.1',
      bytes: 'first from upstream|first from client|more|'.length,
    })
  })

  it.each(['upstream', 'client'] as const)('that is reset by the %s does not end for the other', async (who) => {
    let behindSocket: Socket | undefined
    const codes: string[] = []
    const watch = (socket: Socket) => {
      socket.on('end', () => codes.push('an end'))
      socket.on('error', (error: NodeJS.ErrnoException) => codes.push(String(error.code)))
    }
    const behind = await echo('', (_request, socket) => {
      behindSocket = socket
    })
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const wire = rawSocket(protocol === 'h1' ? gateway.http : gateway.https)
    const socket = protocol === 'h1' ? wire : connectTls({ socket: wire, servername: host, ca })
    socket.write(`${handshake()}hello|`)
    await readUntil(socket, 'hello|')
    const [leaving, left] = who === 'client' ? [wire, behindSocket as Socket] : [behindSocket as Socket, socket]
    watch(left)
    const closed = new Promise((resolve) => left.once('close', resolve))
    left.resume()
    leaving.resetAndDestroy()
    await closed
    expect(codes).toEqual(['ECONNRESET'])
  })

  it('keeps what a client sends before the upstream has agreed', async () => {
    let agree: () => void = () => {}
    const behind = await rawUpstream((socket) => {
      socket.once('data', () => {
        agree = () => socket.write('HTTP/1.1 101 OK\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
        asked()
        socket.pipe(socket)
      })
    })
    let asked: () => void = () => {}
    const arrived = new Promise<void>((resolve) => {
      asked = resolve
    })
    const gateway = await startGateway({ routes: [{ ...proxyTo(behind.port), match: { paths: ['/socket'] } }] })
    const socket = dial(gateway, protocol)
    socket.write(handshake())
    await arrived
    const early = randomBytes(100_000).toString('hex')
    socket.write(`${early}|end`)
    // A whole other exchange, so that the early bytes had their time to arrive.
    expect((await ask(gateway, 'h1')).status).toBe(404)
    agree()
    expect(await readUntil(socket, '|end')).toContain(`\r\n\r\n${early}|end`)
    socket.destroy()
    await behind.abandoned()
  })

  it('passes subprotocols, extensions, cookies and the key as they are, and says who asks', async () => {
    let request: IncomingMessage | undefined
    const behind = await echo('', (seen) => {
      request = seen
    })
    const gateway = await startGateway({ headers: { 'x-own': null, 'x-added': 'yes' }, routes: [proxyTo(behind.port)] })
    const socket = dial(gateway, protocol)
    const own =
      'Sec-WebSocket-Protocol: chat, superchat\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n'
    socket.write(handshake(`${own}Origin: https://${host}\r\nCookie: s=1\r\nX-Forwarded-For: 6.6.6.6\r\n`))
    const answer = await readUntil(socket, '\r\n\r\n')
    expect(request?.url).toBe('/socket?a=b')
    expect(request?.headers).toMatchObject({
      host,
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      'sec-websocket-version': '13',
      'sec-websocket-protocol': 'chat, superchat',
      'sec-websocket-extensions': 'permessage-deflate; client_max_window_bits',
      origin: `https://${host}`,
      cookie: 's=1',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': logged[protocol].tls ? 'https' : 'http',
    })
    const headers = pairs(
      answer
        .split('\r\n')
        .slice(1, -2)
        .flatMap((line) => line.split(/: (.*)/s).slice(0, 2)),
    )
    expect(valuesOf({ headers }, 'sec-websocket-accept')).toEqual(['s3pPLMBiTxaQ9kYGzzhZRbK+xOo='])
    expect(valuesOf({ headers }, 'sec-websocket-protocol')).toEqual(['chat'])
    expect(valuesOf({ headers }, 'sec-websocket-extensions')).toEqual(['permessage-deflate'])
    expect(valuesOf({ headers }, 'set-cookie')).toEqual(['a=1', 'b=2'])
    expect(valuesOf({ headers }, 'connection')).toEqual(['Upgrade'])
    expect(valuesOf({ headers }, 'x-own')).toEqual([])
    expect(valuesOf({ headers }, 'x-added')).toEqual(['yes'])
    expect(valuesOf({ headers }, 'x-request-id')).toEqual([request?.headers['x-request-id']])
  })

  it('carries megabytes through a slow reader unchanged', async () => {
    const behind = await echo()
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const socket = dial(gateway, protocol)
    socket.write(handshake())
    await readUntil(socket, '\r\n\r\n')
    const sent = randomBytes(32 * 1024 * 1024)
    socket.write(sent)
    const hash = createHash('sha256')
    let read = 0
    await new Promise<void>((resolve) => {
      socket.on('data', (chunk: Buffer) => {
        hash.update(chunk)
        read += chunk.length
        if (read === sent.length) return resolve()
        socket.pause()
        setImmediate(() => socket.resume())
      })
      socket.resume()
    })
    expect(hash.digest('hex')).toBe(createHash('sha256').update(sent).digest('hex'))
  })

  it('closes the client when the upstream dies, and the upstream when the client dies', async () => {
    let upstreamSocket: Socket | undefined
    const behind = await echo('', (_request, socket) => {
      upstreamSocket = socket
    })
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    for (const leave of [(socket: Socket) => socket.destroy(), (socket: Socket) => socket.resetAndDestroy()]) {
      const first = dial(gateway, protocol)
      first.write(handshake())
      await readUntil(first, '\r\n\r\n')
      const closed = new Promise((resolve) => first.once('close', resolve))
      first.resume()
      leave(upstreamSocket as Socket)
      await closed
      const second = dial(gateway, protocol)
      second.write(handshake())
      await readUntil(second, '\r\n\r\n')
      second.destroy()
      await behind.abandoned()
    }
    expect(await behind.connections()).toBe(0)
  })

  it('is never begun if the upstream answers otherwise: its answer is relayed, both sides are closed', async () => {
    const behind = await upstream((_request, response) => response.writeHead(403, { 'x-why': 'no' }).end('not you'))
    const gateway = await startGateway({ headers: { server: null }, routes: [proxyTo(behind.port)] })
    const socket = dial(gateway, protocol)
    socket.write(handshake())
    const answer = await text(socket)
    expect(answer).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/)
    expect(answer).toMatch(/x-why: no\r\n/i)
    expect(answer).toMatch(/connection: close\r\n/i)
    expect(answer).toContain('not you')
    await behind.abandoned()
    expect(await gateway.waitForRecord(() => true)).toMatchObject({ status: 403, ...logged[protocol], bytes: 7 })
  })

  it('is cut if the upstream breaks off another answer', async () => {
    const behind = await rawUpstream((socket) => {
      socket.once('data', () =>
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf', () => socket.destroy()),
      )
    })
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const socket = dial(gateway, protocol)
    socket.write(handshake())
    await text(socket).catch(() => {})
    expect(await gateway.waitForRecord(() => true)).toMatchObject({ error: /^upstream: / })
  })

  it('that is answered 205 reads no body, whatever its upstream sends', async () => {
    const behind = await rawUpstream((socket) => {
      socket.once('data', () => socket.write('HTTP/1.1 205 Reset Content\r\nContent-Length: 5\r\n\r\nhello'))
    })
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const socket = dial(gateway, protocol)
    socket.write(handshake())
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 205 [\s\S]*\r\ncontent-length: 0\r\n[\s\S]*\r\n\r\n$/)
    await behind.abandoned()
  })

  it('is refused with 404, 502, 503 and 504 as a request is', async () => {
    const silent = await rawUpstream(() => {})
    const gateway = await startGateway({
      routes: [
        { ...proxyTo(await refusingPort()), match: { hosts: ['refused'] } },
        { ...proxyTo(1, { process: 'backend' }), match: { hosts: ['starting'] } },
        { ...proxyTo(silent.port, { timeouts: { connect: 500, response: 200 } }), match: { hosts: ['silent'] } },
        {
          ...proxyTo(0, { origin: `https://127.0.0.1:${silent.port}`, timeouts: { connect: 200, response: 60_000 } }),
          match: { hosts: ['slow-dial'] },
        },
      ],
    })
    for (const [name, status] of [
      ['refused', 502],
      ['starting', 503],
      ['silent', 504],
      ['slow-dial', 504],
      ['nowhere', 404],
    ]) {
      const socket = dial(gateway, protocol)
      socket.write(handshake().replace(host, String(name)))
      const answer = await text(socket)
      expect(answer, String(name)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
      expect(answer).toMatch(/connection: close/i)
      expect(await gateway.waitForRecord((record) => record.host === name)).toMatchObject({ status })
    }
    await silent.abandoned()
  })

  it('is given up within 100 ms if its client leaves while the upstream thinks', async () => {
    let asked: () => void = () => {}
    const arrived = new Promise<void>((resolve) => {
      asked = resolve
    })
    const behind = await rawUpstream((socket) => socket.once('data', asked))
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const socket = dial(gateway, protocol)
    socket.write(handshake())
    await arrived
    const left = performance.now()
    socket.destroy()
    await behind.abandoned()
    // Some milliseconds, unless the machine is busy; no other limit ends it this soon.
    expect(performance.now() - left).toBeLessThan(1_000)
    expect(await gateway.waitForRecord(() => true)).toMatchObject({ status: 499 })
  })

  it.each(['h2c', 'TLS/1.0', 'websocket2'])(
    'is not offered for %s: the request is answered as a plain one',
    async (name) => {
      const behind = await upstream((request, response) => response.end(JSON.stringify(request.headers)))
      const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
      const socket = dial(gateway, protocol)
      socket.write(
        `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: ${name}\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n`,
      )
      const answer = await readUntil(socket, '}')
      expect(answer).toMatch(/^HTTP\/1\.1 200 OK/)
      expect(answer).not.toMatch(/upgrade|http2-settings/i)
    },
  )

  it('is not what a route for files gives: the file is, and the connection is closed', async () => {
    const root = await temporaryFolder()
    await writeFile(join(root, 'socket'), 'a file')
    const gateway = await startGateway({ routes: [{ kind: 'files', root, existingOnly: false, except: [] }] })
    const socket = dial(gateway, protocol)
    socket.write(handshake())
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*a file$/)
  })
})

describe('a tunnel', () => {
  it('does not stay half open: an upstream that never answers an end is closed', async () => {
    const server = createServer()
    server.on('upgrade', (_request, socket: Socket) => {
      socket.allowHalfOpen = true
      socket.resume()
      socket.on('error', () => {})
      socket.write('HTTP/1.1 101 OK\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
    })
    const behind = await listening(server)
    const gateway = await startGateway({ routes: [proxyTo(behind.port)], limits: { stallTimeout: 300 } })
    const socket = rawSocket(gateway.http)
    socket.write(handshake())
    await readUntil(socket, '\r\n\r\n')
    socket.end()
    expect(await gateway.waitForRecord(() => true)).toMatchObject({ status: 101 })
  })
})

describe('real WebSocket programs', () => {
  it('speak through the tunnel with compression and messages of megabytes', async () => {
    const server = createServer()
    const sockets = new WebSocketServer({ server, perMessageDeflate: true })
    sockets.on('connection', (socket: WebSocket) =>
      socket.on('message', (message, binary) => socket.send(message, { binary })),
    )
    const behind = await listening(server)
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const client = new globalThis.WebSocket(`ws://127.0.0.1:${gateway.http}/chat`)
    await new Promise((resolve) => client.addEventListener('open', resolve, { once: true }))
    const sent = 'text and ünïcode '.repeat(200_000)
    client.send(sent)
    const back = await new Promise<MessageEvent>((resolve) =>
      client.addEventListener('message', resolve, { once: true }),
    )
    expect(back.data === sent).toBe(true)
    const closed = new Promise<CloseEvent>((resolve) => client.addEventListener('close', resolve, { once: true }))
    client.close(4001, 'enough')
    expect(await closed).toMatchObject({ code: 4001, wasClean: true })
    await behind.abandoned()
  })

  it('Socket.IO begins with polling and moves to a WebSocket', async () => {
    const server = createServer()
    const sockets = new SocketServer(server)
    sockets.on('connection', (socket) =>
      socket.on('question', (word: string, reply: (text: string) => void) => reply(`${word}!`)),
    )
    const behind = await listening(server)
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const client = io(`http://127.0.0.1:${gateway.http}`, { forceNew: true })
    whenOver(() => void client.close())
    const upgraded = new Promise((resolve) =>
      client.on('connect', () =>
        client.io.engine.once('upgrade', (transport: { name: string }) => resolve(transport.name)),
      ),
    )
    expect(await upgraded).toBe('websocket')
    expect(await client.emitWithAck('question', 'there')).toBe('there!')
    client.close()
    expect(await gateway.waitForRecord(({ protocol }) => protocol === 'websocket')).toMatchObject({
      path: '/socket.io/',
    })
    expect(gateway.records.some(({ protocol, status }) => protocol === 'h1' && status === 200)).toBe(true)
    await sockets.close()
  })
})

describe.each(listeners)('a handshake over %s', (protocol) => {
  it.each([
    ['another protocol', 'HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n'],
    ['no protocol', 'HTTP/1.1 101 S\r\nConnection: upgrade\r\n\r\n'],
    ['RTSP', 'RTSP/1.0 101 S\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n'],
    ['a head without end', `HTTP/1.1 101 S\r\nA: ${'a'.repeat(70_000)}`],
  ])('that is answered with %s is 502, and both sides are closed', async (_what, bytes) => {
    const behind = await rawUpstream((socket) => void socket.once('data', () => socket.write(bytes)))
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const socket = dial(gateway, protocol)
    socket.write(handshake())
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 502 /)
    await behind.abandoned()
    expect(await gateway.waitForRecord(() => true)).toMatchObject({ status: 502, error: /malformed answer/ })
  })

  it('may be answered behind interim ones', async () => {
    const behind = await rawUpstream((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 101 S\r\nConnection: upgrade\r\n')
        socket.write('Upgrade: WebSocket\r\n\r\nframes')
      })
    })
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const socket = dial(gateway, protocol)
    socket.write(handshake())
    expect(await readUntil(socket, 'frames')).toMatch(/^HTTP\/1\.1 101 /)
    socket.destroy()
  })
})
