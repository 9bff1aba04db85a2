/** What requests and answers carry to HTTP/2 upstreams and back, over TLS and without, for every client. */
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import {
  createSecureServer,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2'
import { createServer as createHttpsServer } from 'node:https'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { makeCertificate } from '../../../certificates/make-certificate.ts'
import { type Asking, ask, h2Session, protocols, rawSocket, text } from '../../clients.ts'
import { cleanUp, host, type PlanOptions, proxyTo, startGateway, temporaryFolder } from '../../support.ts'
import { toUpstream, upstreamPlan } from '../../upstream-plans.ts'
import { listening, pairs } from '../../upstreams.ts'
import { cancel } from './frames.ts'

afterEach(cleanUp)

type Answer = (stream: ServerHttp2Stream, head: IncomingHttpHeaders, raw: readonly string[]) => void

async function serve(server: Http2Server, answer: Answer): Promise<number> {
  server.on('session', (session) => session.on('error', () => {}))
  server.on('stream', (stream: ServerHttp2Stream, head: IncomingHttpHeaders, _flags: number, raw: string[]) => {
    stream.on('error', () => {})
    answer(stream, head, raw)
  })
  return (await listening(server as unknown as Parameters<typeof listening>[0])).port
}

async function gatewayTo(answer: Answer, wish: Partial<PlanOptions> = {}) {
  const port = await serve(createServer(), answer)
  return startGateway({ routes: [proxyTo(0, { origin: `h2c://127.0.0.1:${port}` })], ...wish })
}

interface Mirrored {
  readonly fields: readonly (readonly [string, string])[]
  readonly body: string
  readonly trailers: readonly (readonly [string, string])[]
}

/** Answers with the request as it arrived. */
const mirror: Answer = (stream, _head, raw) => {
  let trailers: string[] = []
  const chunks: Buffer[] = []
  stream.on('trailers', (_fields, _flags, received: string[]) => {
    trailers = received
  })
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  stream.on('end', () => {
    const body = Buffer.concat(chunks).toString('latin1')
    stream.respond({ ':status': 200, 'content-type': 'application/json' })
    stream.end(JSON.stringify({ fields: pairs(raw), body, trailers: pairs(trailers) } satisfies Mirrored), 'latin1')
  })
}

async function mirrored(
  gateway: Awaited<ReturnType<typeof startGateway>>,
  protocol: (typeof protocols)[number],
  asking: Asking,
) {
  const { status, body } = await ask(gateway, protocol, asking)
  expect(status).toBe(200)
  return JSON.parse(body) as Mirrored
}

const valuesOf = ({ fields }: Mirrored, name: string) =>
  fields.filter(([one]) => one === name).map(([, value]) => value)

describe.each(protocols)('over %s', (protocol) => {
  it('a request arrives with its pseudo-header fields, its headers and ours, and none of its connection', async () => {
    const gateway = await gatewayTo(mirror)
    const seen = await mirrored(gateway, protocol, {
      method: 'PUT',
      path: '/a%20b?c=d',
      headers: {
        'X-Mixed-Case': 'kept',
        accept: ['text/html', 'text/plain'],
        te: 'trailers',
        ...(protocol === 'h2' ? {} : { connection: 'x-hop, close', 'x-hop': 'dropped', 'keep-alive': 'timeout=5' }),
      },
      body: 'the body',
    })
    expect(seen.fields.slice(0, 4)).toEqual([
      [':method', 'PUT'],
      [':scheme', 'http'],
      [':authority', host],
      [':path', '/a%20b?c=d'],
    ])
    expect(seen.body).toBe('the body')
    expect(valuesOf(seen, 'x-mixed-case')).toEqual(['kept'])
    expect(valuesOf(seen, 'te')).toEqual(['trailers'])
    expect(valuesOf(seen, 'x-forwarded-for')).toEqual(['127.0.0.1'])
    expect(valuesOf(seen, 'x-request-id')).toHaveLength(1)
    for (const name of ['connection', 'x-hop', 'keep-alive', 'host', 'transfer-encoding'])
      expect(valuesOf(seen, name)).toEqual([])
  })

  it('TE names trailers only if the client does', async () => {
    const gateway = await gatewayTo(mirror)
    expect(valuesOf(await mirrored(gateway, protocol, {}), 'te')).toEqual([])
  })

  it.each([
    [200, 'hello'],
    [201, ''],
    [404, 'no'],
  ])('an answer with status %i arrives with its fields and its body', async (status, body) => {
    const gateway = await gatewayTo((stream) => {
      stream.respond({ ':status': status, 'set-cookie': ['a=1', 'b=2'], 'x-latin': 'caf\xe9', 'x-own': 'yes' })
      stream.end(body)
    })
    const answer = await ask(gateway, protocol)
    expect(answer).toMatchObject({ status, body })
    expect(answer.raw.filter(([name]) => name.toLowerCase() === 'set-cookie').map(([, value]) => value)).toEqual([
      'a=1',
      'b=2',
    ])
    expect(answer.headers['x-own']).toBe('yes')
    expect(answer.headers['x-latin']).toBe('caf\xe9')
  })

  it.each([
    ['GET', 204],
    ['GET', 304],
    ['HEAD', 200],
    ['GET', 200],
  ])('an answer to %s with status %i may end with its head', async (method, status) => {
    const gateway = await gatewayTo(
      (stream) => stream.respond({ ':status': status, 'content-type': 'text/html' }, { endStream: true }),
      { compression: ['gzip'] },
    )
    const answer = await ask(gateway, protocol, { method, headers: { 'accept-encoding': 'gzip' } })
    expect(answer).toMatchObject({ status, body: '' })
    // Of HEAD it describes the answer to GET.
    expect(answer.headers['content-encoding']).toBe(method === 'HEAD' ? 'gzip' : undefined)
  })

  it('an answer is encoded as other answers are', async () => {
    const gateway = await gatewayTo(
      (stream) => {
        stream.respond({ ':status': 200, 'content-type': 'text/plain' })
        stream.end('x'.repeat(10_000))
      },
      { compression: ['gzip'] },
    )
    const answer = await ask(gateway, protocol, { headers: { 'accept-encoding': 'gzip' } })
    expect(answer.headers['content-encoding']).toBe('gzip')
    expect(answer.body.length).toBeLessThan(1_000)
  })

  it('header rules apply to requests and answers', async () => {
    const gateway = await gatewayTo(
      (stream, head) => {
        stream.respond({ ':status': 200, server: 'hidden', 'x-got': String(head['x-set']) })
        stream.end(String(head[':authority']))
      },
      { headers: { server: null }, requestHeaders: { 'x-set': '{host}', host: 'inner.example' } },
    )
    const answer = await ask(gateway, protocol)
    expect(answer.headers.server).toBeUndefined()
    expect(answer.headers['x-got']).toBe(host)
    expect(answer.body).toBe('inner.example')
  })
})

describe('trailers', () => {
  const trailing: Answer = (stream) => {
    stream.respond({ ':status': 200 }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': 'abc', 'set-cookie': 'a=b' }))
    stream.end('body')
  }

  it('of answers reach h2 clients, without those that must come first', async () => {
    const gateway = await gatewayTo(trailing)
    const stream = h2Session(gateway).request({ ':path': '/', ':authority': host })
    const trailers = new Promise((resolve) => stream.once('trailers', (_fields, _flags, raw) => resolve(raw)))
    expect(await text(stream)).toBe('body')
    expect(await trailers).toEqual(['x-sum', 'abc'])
  })

  it('of answers reach h1 clients in a chunked answer', async () => {
    const gateway = await gatewayTo(trailing)
    const trailers = await new Promise((resolve, reject) => {
      httpRequest({ port: gateway.http, host: '127.0.0.1', headers: { host, te: 'trailers' } }, (response) => {
        response.resume()
        response.on('end', () => resolve(response.trailers))
      })
        .on('error', reject)
        .end()
    })
    expect(trailers).toEqual({ 'x-sum': 'abc' })
  })

  /** Sends a body in two parts, and trailers. */
  async function upload(trailers: Readonly<Record<string, string>>, announced: boolean): Promise<Mirrored> {
    const gateway = await gatewayTo(mirror)
    const stream = h2Session(gateway).request(
      {
        ':method': 'POST',
        ':path': '/',
        ':authority': host,
        ...(announced && { trailer: Object.keys(trailers).join() }),
      },
      { waitForTrailers: true },
    )
    stream.on('wantTrailers', () => stream.sendTrailers(trailers))
    stream.write('a')
    // It is on its way before the rest comes.
    await new Promise((resolve) => stream.session?.ping(resolve))
    stream.end('b')
    return JSON.parse(await text(stream)) as Mirrored
  }

  it('of requests reach the upstream if they are announced, without those that must come first, or that it would believe', async () => {
    const { body, trailers } = await upload(
      { 'x-sum': 'abc', authorization: 'Basic eA==', 'x-forwarded-for': '1.2.3.4' },
      true,
    )
    expect(body).toBe('ab')
    expect(trailers).toEqual([['x-sum', 'abc']])
  })

  it('of requests are dropped otherwise', async () => {
    expect(await upload({ 'x-sum': 'abc' }, false)).toMatchObject({ body: 'ab', trailers: [] })
  })

  it('that were announced do not outlive an early answer', async () => {
    let closed = 0
    const gateway = await gatewayTo((stream) => {
      stream.on('close', () => {
        closed += 1
      })
      stream.respond({ ':status': 413 }, { endStream: true })
    })
    const session = h2Session(gateway)
    for (let round = 0; round < 50; round++) {
      const stream = session.request({ ':method': 'POST', ':path': '/', ':authority': host, trailer: 'x-sum' })
      stream.on('error', () => {})
      stream.write('begun')
      const [status] = await once(stream, 'response')
      expect(status).toMatchObject({ ':status': 413 })
      stream.close(cancel)
    }
    while (closed < 50) await new Promise(setImmediate)
  })

  it('of requests over h1 reach it as well', async () => {
    const gateway = await gatewayTo(mirror)
    const socket = rawSocket(gateway.http)
    socket.write(
      `POST / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nTrailer: x-sum\r\nTransfer-Encoding: chunked\r\n\r\n` +
        '1\r\na\r\n0\r\nx-sum: abc\r\n\r\n',
    )
    expect(await text(socket)).toContain('"trailers":[["x-sum","abc"]]')
  })
})

it('interim answers reach h2 clients', async () => {
  const gateway = await gatewayTo((stream) => {
    stream.additionalHeaders({ ':status': 103, link: '</a.css>; rel=preload' })
    stream.respond({ ':status': 200 })
    stream.end('done')
  })
  const stream = h2Session(gateway).request({ ':path': '/', ':authority': host })
  const interim = new Promise((resolve) =>
    stream.once('headers', ({ ':status': status, link }) => resolve([status, link])),
  )
  expect(await text(stream)).toBe('done')
  expect(await interim).toEqual([103, '</a.css>; rel=preload'])
})

it('an event stream arrives event by event, and lasts', async () => {
  let events: ServerHttp2Stream | undefined
  const gateway = await gatewayTo((stream) => {
    stream.respond({ ':status': 200, 'content-type': 'text/event-stream' })
    stream.write('data: 1\n\n')
    events = stream
  })
  const stream = h2Session(gateway).request({ ':path': '/', ':authority': host })
  const next = () => new Promise((resolve) => stream.once('data', (chunk: Buffer) => resolve(chunk.toString())))
  expect(await next()).toBe('data: 1\n\n')
  events?.write('data: 2\n\n')
  expect(await next()).toBe('data: 2\n\n')
  stream.close()
})

it('a process that speaks h2c is followed to the port of each of its starts', async () => {
  const ports = await Promise.all(
    ['before', 'after'].map((word) =>
      serve(createServer(), (stream) => {
        stream.respond({ ':status': 200 })
        stream.end(word)
      }),
    ),
  )
  const gateway = await startGateway({ routes: [proxyTo(0, { origin: 'h2c://127.0.0.1:{port}', process: 'app' })] })
  for (const [index, word] of ['before', 'after'].entries()) {
    gateway.gateway.setTargets({ app: { ready: true, phase: 'running', port: ports[index] as number } })
    expect((await ask(gateway, 'h2')).body).toBe(word)
  }
  expect(await gateway.gateway.drainTarget(`127.0.0.1:${ports[0]}`, 10_000)).toBe(0)
})

describe('an h2 target', () => {
  const made = makeCertificate({ names: ['grpc.internal'] })
  const key = { cert: made.certificate, key: made.key }

  async function asked(tls: { readonly trusted: boolean; readonly serverName?: string }, port: number) {
    const ca = join(await temporaryFolder(), 'ca.pem')
    writeFileSync(ca, made.certificate)
    const { trusted, ...name } = tls
    const plan = upstreamPlan([`h2://127.0.0.1:${port}`], { tls: { verify: true, ...(trusted && { ca }), ...name } })
    const gateway = await startGateway({ routes: [toUpstream], upstreams: [plan] })
    const { status, body } = await ask(gateway, 'h2')
    return { status, body, error: (await gateway.waitForRecord(() => true)).error }
  }

  const safe = () =>
    serve(createSecureServer(key) as unknown as Http2Server, (stream, head) => {
      stream.respond({ ':status': 200 })
      stream.end(String(head[':scheme']))
    })

  it('is asked over TLS if its certificate is verified', async () => {
    expect(await asked({ trusted: true, serverName: 'grpc.internal' }, await safe())).toMatchObject({
      status: 200,
      body: 'https',
    })
  })

  it('is sent nothing if its certificate is not trusted, or has another name', async () => {
    expect(await asked({ trusted: false, serverName: 'grpc.internal' }, await safe())).toMatchObject({
      status: 502,
      error: expect.stringMatching(/self.signed|unable to verify/),
    })
    expect(await asked({ trusted: true }, await safe())).toMatchObject({
      status: 502,
      error: expect.stringMatching(/altnames|IP: 127/i),
    })
  })

  it('that does not choose h2 by ALPN is 502', async () => {
    const server = createHttpsServer(key, (_request, response) => response.end('http/1.1'))
    server.on('tlsClientError', () => {})
    const { port } = await listening(server)
    expect(await asked({ trusted: true, serverName: 'grpc.internal' }, port)).toMatchObject({
      status: 502,
      error: expect.stringMatching(/does not speak HTTP\/2|alert|ALPN/i),
    })
  })
})
