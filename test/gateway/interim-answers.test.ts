/** 100 Continue, 103 Early Hints, trailers: what stands before and behind an answer. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { connect as connectH2 } from 'node:http2'
import { request as httpsRequest } from 'node:https'
import type { Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { refusingPort } from '../support/refusing-port.ts'
import { exchangeRaw, h2Session, protocols, rawSocket, readUntil, text, tlsSocket } from './clients.ts'
import { ca, cleanUp, host, proxyTo, type RunningGateway, startGateway, whenOver } from './support.ts'
import { bodyOf, rawUpstream, upstream } from './upstreams.ts'

afterEach(cleanUp)

/** Without the symbols that node:http2 puts beside the fields. */
function plain(fields: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields))
}

interface Received {
  readonly interim: readonly (readonly [number, Readonly<Record<string, unknown>>])[]
  readonly status: number
  readonly body: string
  readonly trailers: Readonly<Record<string, unknown>>
}

/** Records all answers; with `expect`, a body is sent after 100 Continue. */
async function receive(
  gateway: RunningGateway,
  protocol: (typeof protocols)[number],
  upload?: string,
): Promise<Received> {
  const interim: [number, Record<string, unknown>][] = []
  const expecting = upload === undefined ? {} : { expect: '100-continue' }
  if (protocol === 'h2') {
    const head = { ':path': '/', ':authority': host, ':method': upload === undefined ? 'GET' : 'POST', ...expecting }
    const stream = h2Session(gateway).request(head, { endStream: upload === undefined })
    let trailers = {}
    stream.on('headers', ({ ':status': status, ...fields }) => interim.push([Number(status), plain(fields)]))
    stream.on('continue', () => {
      interim.push([100, {}])
      stream.end(upload)
    })
    stream.on('trailers', (fields) => {
      trailers = plain(fields)
    })
    const [fields] = await once(stream, 'response')
    const body = await text(stream)
    return {
      interim: interim.filter(([status], i) => status !== 100 || i === 0),
      status: fields[':status'],
      body,
      trailers,
    }
  }
  const request = (protocol === 'h1' ? httpRequest : httpsRequest)({
    host: '127.0.0.1',
    port: protocol === 'h1' ? gateway.http : gateway.https,
    method: upload === undefined ? 'GET' : 'POST',
    headers: { host, ...expecting },
    agent: false,
    ...(protocol === 'h1s' && { ca, servername: host }),
  })
  request.on('error', () => {})
  request.on('information', ({ statusCode, headers }) => interim.push([statusCode, headers]))
  request.on('continue', () => request.end(upload))
  if (upload === undefined) request.end()
  else request.flushHeaders()
  const [answer] = (await once(request, 'response')) as [IncomingMessage]
  const body = await text(answer)
  request.destroy()
  return { interim, status: answer.statusCode ?? 0, body, trailers: answer.trailers }
}

describe.each(protocols)('over %s', (protocol) => {
  it('Early Hints reach the client before the answer, each of them, with what our rules leave of them', async () => {
    const seen: string[] = []
    const behind = await rawUpstream((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nLink: </b.css>; rel=preload\r\n')
        socket.write('Server: secret\r\nConnection: X-Hop\r\nX-Hop: 1\r\n\r\n')
        socket.write('HTTP/1.1 103 Early Hints\r\nLink: </c.css>; rel=preload\r\n\r\n')
        setTimeout(() => {
          seen.push('answered')
          socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfinal')
        }, 100)
      })
    })
    const gateway = await startGateway({ routes: [proxyTo(behind.port)], headers: { server: null } })
    const { interim, status, body } = await receive(gateway, protocol)
    expect({ status, body }).toEqual({ status: 200, body: 'final' })
    expect(interim).toEqual([
      [103, { link: '</a.css>; rel=preload, </b.css>; rel=preload' }],
      [103, { link: '</c.css>; rel=preload' }],
    ])
  })

  it('trailers follow the body, less those that must stand before it', async () => {
    const behind = await upstream((_request, response) => {
      response.writeHead(200, { Trailer: 'X-Checksum' })
      response.write('body')
      response.addTrailers([
        ['X-Checksum', 'abc'],
        ['Server', 'secret'],
        ['Set-Cookie', 'a=1'],
        ['Location', '/elsewhere'],
      ] as never)
      response.end()
    })
    const gateway = await startGateway({ routes: [proxyTo(behind.port)], headers: { server: null } })
    const { body, trailers } = await receive(gateway, protocol)
    expect(body).toBe('body')
    expect(trailers).toEqual({ 'x-checksum': 'abc' })
  })

  it('a hint and trailers called as what every object has are what they are', async () => {
    const fields = 'constructor: a\r\n__proto__: b\r\nvalueOf: c\r\ntoString: d\r\n'
    const behind = await rawUpstream((socket) => {
      socket.once('data', () => {
        socket.write(`HTTP/1.1 103 Early Hints\r\n${fields}\r\nHTTP/1.1 200 OK\r\n`)
        socket.write(`Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n${fields}\r\n`)
      })
    })
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    if (protocol === 'h2') {
      const { interim, trailers } = await receive(gateway, protocol)
      for (const received of [interim[0]?.[1] ?? {}, trailers]) {
        const named = Object.entries(received).map((field) => field.join('='))
        expect(named).toEqual(['constructor=a', '__proto__=b', 'valueof=c', 'tostring=d'])
      }
      return
    }
    const socket = protocol === 'h1' ? rawSocket(gateway.http) : tlsSocket(gateway.https)
    socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
    const received = await text(socket)
    expect(received).toMatch(new RegExp(`^HTTP/1.1 103 Early Hints\r\n${fields}\r\n`, 'i'))
    expect(received.endsWith(`0\r\n${fields}\r\n`)).toBe(true)
  })

  it('a client that waits for 100 Continue gets it once, when there is a target to read', async () => {
    const seen: (string | undefined)[] = []
    const behind = await upstream(async (request, response) => {
      seen.push(request.headers.expect, await bodyOf(request))
      response.end('thanks')
    })
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    expect(await receive(gateway, protocol, 'the body')).toMatchObject({
      interim: [[100, {}]],
      status: 200,
      body: 'thanks',
    })
    expect(seen).toEqual([undefined, 'the body'])
  })

  it('a client that waits for 100 Continue is spared its upload if there is no target', async () => {
    const gateway = await startGateway({ routes: [proxyTo(await refusingPort())] })
    expect(await receive(gateway, protocol, 'the body')).toMatchObject({ interim: [], status: 502 })
  })
})

describe('an h1 connection', () => {
  it('is closed behind a final answer to a client that got no 100 Continue: what follows could be either', async () => {
    const gateway = await startGateway({ routes: [proxyTo(await refusingPort())] })
    const answer = await exchangeRaw(
      gateway.http,
      `POST / HTTP/1.1\r\nHost: ${host}\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n`,
    )
    expect(answer).toMatch(/^HTTP\/1\.1 502 /)
    expect(answer.toLowerCase()).toContain('connection: close')
  })

  it('carries no interim answer and no trailers to HTTP/1.0', async () => {
    const behind = await rawUpstream((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\n')
        socket.write('Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nX-Checksum: abc\r\n\r\n')
      })
    })
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const answer = await exchangeRaw(gateway.http, 'GET / HTTP/1.0\r\nHost: a\r\n\r\n')
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(answer.endsWith('\r\n\r\nbody')).toBe(true)
    expect(answer).not.toContain('103')
  })

  it('drops the trailers of a request', async () => {
    let seen = ''
    const behind = await rawUpstream((socket) => {
      socket.on('data', (chunk) => {
        seen += chunk.toString('latin1')
        if (seen.endsWith('0\r\n\r\n')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
      })
    })
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const socket: Socket = rawSocket(gateway.http)
    socket.write(
      `POST / HTTP/1.1\r\nHost: ${host}\r\nTE: trailers\r\nTrailer: X-A\r\nTransfer-Encoding: chunked\r\n\r\n`,
    )
    socket.write('4\r\nbody\r\n0\r\nX-A: 1\r\n\r\n')
    expect(await readUntil(socket, '\r\n\r\n')).toContain('200 OK')
    expect(seen.toLowerCase()).not.toMatch(/x-a|\nte:|trailer:/)
  })
})

it('TLS clients that speak HTTP/1.1 get Early Hints as they are written', async () => {
  const behind = await rawUpstream((socket) => {
    socket.once('data', () => socket.write('HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n'))
  })
  const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
  const socket = tlsSocket(gateway.https)
  socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  expect(await readUntil(socket, '\r\n\r\n')).toBe('HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n')
})

it('hints for an h2 client that does not read are left out, and its answers come when it does', async () => {
  const streams = 100
  // More than the buffers of the system hold.
  const hints = 80
  let finished = 0
  const behind = await rawUpstream((socket) => {
    let left = 0
    const hint = () => {
      left -= 1
      // Each of its own bytes, which HPACK cannot know from the one before.
      const link = randomBytes(3_000).toString('base64')
      socket.write(`HTTP/1.1 103 Early Hints\r\nLink: <${link}>\r\n\r\n`, () => {
        if (left > 0) return void setImmediate(hint)
        finished += 1
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      })
    }
    socket.on('data', () => {
      left = hints
      hint()
    })
  })
  const gateway = await startGateway({ routes: [proxyTo(behind.port)], limits: { answerHeaders: 1_000_000 } })
  // A proxy in between can be paused; below TLS Node reads by itself.
  const wire = rawSocket(gateway.https)
  let relayed: Socket | undefined
  const relay = await rawUpstream((socket) => {
    relayed = socket
    socket.pipe(wire).pipe(socket)
  })
  const session = connectH2(`https://${host}`, { createConnection: () => tlsSocket(relay.port, 'h2') })
  session.on('error', () => {})
  whenOver(() => session.destroy())
  await once(session, 'remoteSettings')
  let received = 0
  const answers = Array.from({ length: streams }, async () => {
    const stream = session.request({ ':path': '/', ':authority': host })
    stream.on('headers', () => {
      received += 1
    })
    return text(stream)
  })
  // The requests leave first.
  setImmediate(() => wire.unpipe().pause())
  await expect.poll(() => finished, { timeout: 10_000 }).toBe(streams)
  wire.pipe(relayed as Socket)
  expect(new Set(await Promise.all(answers))).toEqual(new Set(['ok']))
  expect(received).toBeLessThan((streams * hints) / 2)
})
