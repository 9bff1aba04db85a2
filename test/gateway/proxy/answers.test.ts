/** Answers of upstreams that break rules, or come at odd times, and what clients read of them. */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { ask, h2Session, protocols, rawSocket, readUntil, tlsSocket } from '../clients.ts'
import { cleanUp, host, proxyTo, type RunningGateway, startGateway } from '../support.ts'
import { mirror, rawUpstream, type Seen, type Upstream, upstream } from '../upstreams.ts'

afterEach(cleanUp)

/** Answers each request, which has no body, with these bytes. */
function answering(bytes: string, then: (socket: Socket) => void = () => {}) {
  return rawUpstream((socket) => {
    socket.on('data', () => socket.write(bytes, 'latin1', () => then(socket)))
  })
}

async function gatewayTo(behind: Pick<Upstream<unknown>, 'port'>, limits = {}): Promise<RunningGateway> {
  return startGateway({ routes: [proxyTo(behind.port)], limits })
}

describe.each(protocols)('over %s', (protocol) => {
  it('a body up to the end of the connection is cut if that end is a reset, and whole if it is none', async () => {
    const head = 'HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n\r\n'
    const reset = await gatewayTo(await answering(`${head}some`, (socket) => socket.resetAndDestroy()))
    await expect(ask(reset, protocol)).rejects.toThrow()
    expect(await reset.waitForRecord(() => true)).toMatchObject({ error: expect.stringContaining('upstream') })
    const ended = await gatewayTo(await answering(`${head}some`, (socket) => socket.end()))
    expect(await ask(ended, protocol)).toMatchObject({ status: 200, body: 'some' })
  })

  it.each([
    ['RTSP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n'],
    ['HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n'],
    ['ICY 200 OK\r\n\r\n'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n1\r\na\r\n0\r\n\r\n'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\na'],
    ['HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n'],
    ['HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnone\r\n'],
  ])('%j is answered 502, and its connection is closed', async (bytes) => {
    const behind = await answering(bytes)
    const gateway = await gatewayTo(behind)
    expect(await ask(gateway, protocol)).toMatchObject({ status: 502 })
    expect(await gateway.waitForRecord(() => true)).toMatchObject({ error: /^upstream: malformed answer: / })
    await behind.abandoned()
  })

  it.each(['GET', 'POST'])('an unrequested 100 is dropped, and %s is answered', async (method) => {
    const gateway = await gatewayTo(
      await answering('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'),
    )
    const asking = method === 'POST' ? { method, body: 'ab', headers: { 'content-length': '2' } } : { method }
    expect(await ask(gateway, protocol, asking)).toMatchObject({ status: 200, body: 'hello' })
  })

  it('chunk sizes with blanks behind them are read', async () => {
    const gateway = await gatewayTo(
      await answering('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5  \r\nhello\r\n0  \r\n\r\n'),
    )
    expect(await ask(gateway, protocol)).toMatchObject({ status: 200, body: 'hello' })
  })

  it('a head of 60 KB is passed on, one above the limit is 502', async () => {
    const cookies = Array.from({ length: 15 }, (_, i) => `Set-Cookie: c${i}=${'v'.repeat(4_000)}\r\n`).join('')
    const behind = await answering(`HTTP/1.1 200 OK\r\n${cookies}Content-Length: 5\r\n\r\nhello`)
    const gateway = await gatewayTo(behind)
    const { status, headers } = await ask(gateway, protocol)
    expect({ status, cookies: headers['set-cookie']?.length }).toEqual({ status: 200, cookies: 15 })
    const narrow = await gatewayTo(behind, { answerHeaders: 50_000 })
    expect(await ask(narrow, protocol)).toMatchObject({ status: 502 })
    expect((await narrow.waitForRecord(() => true)).error).toContain('limit of 50000 bytes')
  })

  it('a 205 has no body, whatever its upstream says', async () => {
    const gateway = await gatewayTo(await answering('HTTP/1.1 205 Reset Content\r\nContent-Length: 5\r\n\r\nhello'))
    expect(await ask(gateway, protocol)).toMatchObject({ status: 205, body: '', headers: { 'content-length': '0' } })
  })

  it('interim answers without end are given up, and a client that does not read fills nothing', async () => {
    let sent = 0
    const behind = await rawUpstream((socket) => {
      socket.once('data', () => {
        const hints = `HTTP/1.1 103 Early Hints\r\nLink: </${'a'.repeat(3_000)}>\r\n\r\n`.repeat(20)
        const write = () => {
          sent += hints.length
          if (socket.writable) socket.write(hints, () => setImmediate(write))
        }
        write()
      })
    })
    const gateway = await gatewayTo(behind)
    leaveUnread(gateway, protocol)
    expect(await gateway.waitForRecord(() => true)).toMatchObject({ error: expect.stringContaining('interim answers') })
    await behind.abandoned()
    expect(sent).toBeLessThan(8_000_000)
  })

  it('an early 413 arrives, though its upstream resets the upload behind it', async () => {
    const answer = 'HTTP/1.1 413 Content Too Large\r\nContent-Length: 5\r\nConnection: close\r\n\r\nlarge'
    const behind = await rawUpstream((socket) => {
      socket.once('data', () => {
        socket.pause()
        // What lies unread at a close makes it a reset.
        socket.write(answer, () => setTimeout(() => socket.destroy(), 20))
      })
    })
    const gateway = await gatewayTo(behind)
    const asked = Array.from({ length: 10 }, () => uploadEndlessly(gateway, protocol))
    for (const head of await Promise.all(asked)) expect(head).toContain('413')
    expect(await gateway.waitForRecord(() => true)).toMatchObject({ status: 413 })
  })

  it('requests wait for one of the connections that a target may have', async () => {
    let most = 0
    let open = 0
    const behind = await upstream((_request, response) => {
      open += 1
      most = Math.max(most, open)
      setTimeout(() => {
        open -= 1
        response.end('ok')
      }, 20)
    })
    const gateway = await gatewayTo(behind, { connectionsPerTarget: 2 })
    const answers = await Promise.all(Array.from({ length: 8 }, () => ask(gateway, protocol)))
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200))
    expect(most).toBe(2)
  })
})

describe('the limit of connections to a target', () => {
  it('answers 503 with Retry-After when none becomes free, or too many wait, and blames no target', async () => {
    const behind = await rawUpstream(() => {})
    const gateway = await startGateway({
      routes: [proxyTo(behind.port, { timeouts: { connect: 200, response: 5_000 } })],
      limits: { connectionsPerTarget: 1 },
    })
    const held = rawSocket(gateway.http)
    held.write(`GET /held HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
    await once(behind.server, 'connection')
    const answers = await Promise.all(Array.from({ length: 6 }, () => ask(gateway, 'h1')))
    expect(answers.map(({ status, headers }) => [status, headers['retry-after']])).toEqual(Array(6).fill([503, '2']))
    const causes = gateway.records.map(({ error }) => error)
    expect(causes).toContainEqual(expect.stringContaining('too many requests are waiting'))
    expect(causes).toContainEqual(expect.stringContaining('were in use for 200 ms'))
    held.destroy()
  })

  it('does not count event streams', async () => {
    const behind = await upstream((request, response) => {
      if (request.url === '/events')
        response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n')
      else response.end('ok')
    })
    const gateway = await gatewayTo(behind, { connectionsPerTarget: 1 })
    for (let i = 0; i < 3; i++) {
      const socket = rawSocket(gateway.http)
      socket.write(`GET /events HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
      await readUntil(socket, 'data: 1')
    }
    expect(await ask(gateway, 'h1')).toMatchObject({ status: 200, body: 'ok' })
  })
})

describe('an idle connection to an upstream', () => {
  it('is closed if bytes come on it, and belong to no answer', async () => {
    let connections = 0
    const behind = await rawUpstream((socket) => {
      connections += 1
      const mine = connections
      socket.on('data', () => {
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n${mine}`)
        if (mine === 1) setTimeout(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'), 20)
      })
    })
    const gateway = await gatewayTo(behind)
    expect((await ask(gateway, 'h1')).body).toBe('1')
    await behind.abandoned()
    expect((await ask(gateway, 'h1')).body).toBe('2')
  })

  it('is closed if bytes came behind the answer in one packet', async () => {
    const behind = await answering(
      'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngoodHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil',
    )
    const gateway = await gatewayTo(behind)
    for (let i = 0; i < 3; i++) expect((await ask(gateway, 'h1')).body).toBe('good')
    await behind.abandoned()
  })

  it('is not kept for as long as its upstream says that it is', async () => {
    const ports = new Set<number | undefined>()
    const behind = await upstream((request, response) => {
      ports.add(request.socket.remotePort)
      response.setHeader('keep-alive', 'timeout=2')
      response.end()
    })
    const gateway = await gatewayTo(behind)
    for (let i = 0; i < 3; i++) await ask(gateway, 'h1')
    expect(ports.size).toBe(3)
  })

  it('that was closed unnoticed is not given to a POST, which could not be sent again', async () => {
    let requests = 0
    const behind = await rawUpstream((socket) => {
      socket.on('data', () => {
        requests += 1
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
        setTimeout(() => socket.destroy(), 150)
      })
    })
    const gateway = await gatewayTo(behind)
    for (let i = 0; i < 8; i++) {
      const asking = { method: 'POST', body: 'ab', headers: { 'content-length': '2' } }
      expect(await ask(gateway, 'h1', asking)).toMatchObject({ status: 200 })
      // The thread is busy while the upstream closes.
      const until = performance.now() + 160
      while (performance.now() < until);
    }
    expect(requests).toBe(8)
  })
})

it('no header rule changes the framing of a request', async () => {
  const behind = await mirror()
  const gateway = await startGateway({
    routes: [proxyTo(behind.port)],
    requestHeaders: { 'content-length': '99', 'transfer-encoding': 'gzip', connection: 'x' },
  })
  const { status, body } = await ask(gateway, 'h1', { method: 'POST', body: 'ab', headers: { 'content-length': '2' } })
  expect(status).toBe(200)
  const seen = JSON.parse(body) as Seen
  expect(seen.body).toBe('ab')
  expect(seen.headers.filter(([name]) => /^(content-length|transfer-encoding|connection)$/i.test(name))).toEqual([
    ['content-length', '2'],
    ['connection', 'keep-alive'],
  ])
})

/** A request whose client reads nothing. */
function leaveUnread(gateway: RunningGateway, protocol: (typeof protocols)[number]): void {
  if (protocol === 'h2') {
    h2Session(gateway).request({ ':path': '/', ':authority': host })
    return
  }
  const socket = protocol === 'h1' ? rawSocket(gateway.http) : tlsSocket(gateway.https)
  socket.pause()
  socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
}

/** An upload that goes on until it is answered; resolves with the answer's first line. */
async function uploadEndlessly(gateway: RunningGateway, protocol: (typeof protocols)[number]): Promise<string> {
  const piece = Buffer.alloc(64_000)
  if (protocol === 'h2') {
    const stream = h2Session(gateway).request({ ':path': '/', ':method': 'POST', ':authority': host })
    const write = () => {
      if (!stream.destroyed && !stream.writableEnded) stream.write(piece, () => setImmediate(write))
    }
    stream.on('error', () => {})
    write()
    const [head] = await once(stream, 'response')
    stream.close()
    return String(head[':status'])
  }
  const socket = protocol === 'h1' ? rawSocket(gateway.http) : tlsSocket(gateway.https)
  socket.write(`POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 100000000\r\n\r\n`)
  const write = () => {
    if (socket.writable) socket.write(piece, () => setImmediate(write))
  }
  write()
  const head = await readUntil(socket, '\r\n\r\n')
  socket.destroy()
  return head
}
