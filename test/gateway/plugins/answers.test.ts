/** What a plugin answers, over every protocol, is an answer like any other: rules, ids, log, limits. */
import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { connect as connectH2 } from 'node:http2'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, askOn, h2Session, logged, protocols } from '../clients.ts'
import { ca, cleanUp, host, type RunningGateway, startGateway, whenOver } from '../support.ts'
import { plugin } from './support.ts'

let gateway: RunningGateway
afterAll(cleanUp)

const body = `
  app.get('/json', async (request) => ({ id: request.id }))
  app.get('/large', async () => 'x'.repeat(50_000))
  app.get('/stream', (request, reply) => {
    reply.type('text/plain').send(Readable.from(['one ', 'two']))
  })
  app.get('/raw', (request, reply) => {
    reply.hijack()
    reply.raw.setHeader('set-cookie', ['a=1', 'b=2'])
    reply.raw.writeHead(203, { server: 'mine', 'keep-alive': 'timeout=1', 'x-raw': 'yes' })
    reply.raw.write('one ')
    reply.raw.end('two')
  })
  app.get('/implicit', (request, reply) => {
    reply.hijack()
    reply.raw.end('whole')
  })
  app.get('/empty', async (request, reply) => reply.code(204).send())
  app.get('/not-modified', async (request, reply) => reply.code(304).header('etag', '"1"').send())
  app.post('/body', async (request) => request.body)
  app.get('/rejects', async () => { throw new Error('secret cause') })
  app.get('/throws', () => { throw new Error('secret cause') })
  app.get('/not-an-error', async () => { throw 'secret cause' })
  app.get('/says-502', async () => { throw Object.assign(new Error('secret cause'), { statusCode: 502 }) })
  app.get('/says-409', async () => { throw Object.assign(new Error('taken'), { statusCode: 409 }) })
  app.get('/no-status', async (request, reply) => reply.code(200).header('x', 'a\\nb').send('never'))
  app.get('/status-101', async (request, reply) => reply.code(101).send('never'))
  app.get('/hook', { onRequest: async (request, reply) => reply.code(401).send('who are you?') }, async () => 'never')
  app.get('/on-send', { onSend: async (request, reply, payload) => payload.toUpperCase() }, async () => 'loud')
  app.get('/breaks', (request, reply) => {
    reply.type('text/plain').send(Readable.from((async function* () {
      yield 'begun'
      throw new Error('secret cause')
    })()))
  })
  app.get('/too-long', (request, reply) => {
    reply.hijack()
    reply.raw.writeHead(200, { 'content-length': 3 })
    reply.raw.end('four')
  })
  app.get('/too-short', (request, reply) => {
    reply.hijack()
    reply.raw.writeHead(200, { 'content-length': 30 })
    reply.raw.end('four')
  })
  app.get('/destroys', (request, reply) => {
    reply.hijack()
    reply.raw.write('begun')
    reply.raw.destroy()
  })
  app.get('/schema', { schema: { querystring: { type: 'object', required: ['n'], properties: { n: { type: 'integer' } } } } },
    async (request) => ({ n: request.query.n }))
  const large = 'x'.repeat(9_000)
  app.get('/large-head', async (request, reply) => reply.header('x-large', large).send('never'))
  app.get('/large-head-of-stream', (request, reply) => {
    const stream = new PassThrough()
    reply.header('x-large', large).send(stream)
    setImmediate(() => stream.end('never'))
  })
  app.get('/large-head-later', (request, reply) => {
    reply.hijack()
    setImmediate(() => reply.raw.setHeader('x-large', large).end('never'))
  })
  app.get('/large-trailers', async (request, reply) => reply.trailer('x-large', async () => large).send('body'))
  const waiting = Promise.withResolvers()
  const left = Promise.withResolvers()
  app.get('/waits', { onRequestAbort: async () => left.resolve() }, () => { waiting.resolve(); return new Promise(() => {}) })
  app.get('/waiting', async () => { await waiting.promise; return 'waiting' })
  app.get('/left', async () => { await left.promise; return 'left' })
  app.get('/seen', async (request) => ({
    url: request.raw.url, version: request.raw.httpVersion, ip: request.ip, protocol: request.protocol,
    host: request.host, exchange: request.exchange, headers: request.headers, options, frozen: Object.isFrozen(request.exchange),
  }))
`

beforeAll(async () => {
  const answering = await plugin(
    body,
    { options: { greeting: 'hi' } },
    "import { PassThrough, Readable } from 'node:stream'",
  )
  const rewritten = { match: { paths: ['/app/*'] }, rewrite: { stripPrefix: '/app' } }
  const late = await plugin(
    `app.get('/late', async (request) => {
      await new Promise((resolve) => request.signal.addEventListener('abort', resolve))
      return 'late'
    })`,
    { timeout: 50 },
  )
  gateway = await startGateway({
    routes: [{ ...answering, ...rewritten }, { ...late, match: { paths: ['/late'] } }, answering],
    headers: { server: null, 'x-own': 'yes' },
    trustedProxies: ['127.0.0.1/32'],
    compression: ['gzip'],
  })
})

/** Path → status and body; of errors of the gateway, nothing of the cause. */
const answers: readonly (readonly [path: string, status: number, body: string | RegExp])[] = [
  ['/json', 200, /^\{"id":"[-\w]{36}"\}$/],
  ['/stream', 200, 'one two'],
  ['/raw', 203, 'one two'],
  ['/implicit', 200, 'whole'],
  ['/empty', 204, ''],
  ['/not-modified', 304, ''],
  ['/on-send', 200, 'LOUD'],
  ['/hook', 401, 'who are you?'],
  ['/nothing-here', 404, /"Route GET:\/nothing-here not found"/],
  ['/schema?n=5', 200, '{"n":5}'],
  ['/schema', 400, /"querystring must have required property 'n'"/],
  ['/says-409', 409, /"message":"taken"/],
]

const failures: readonly (readonly [path: string, status: number, error: RegExp])[] = [
  ['/rejects', 500, /^plugin: secret cause$/],
  ['/throws', 500, /^plugin: secret cause$/],
  ['/not-an-error', 500, /^plugin: secret cause$/],
  ['/says-502', 502, /^plugin: secret cause$/],
  ['/no-status', 500, /^plugin: .*[Ii]nvalid character/],
  ['/status-101', 500, /^plugin: 101 is not the status of a final response$/],
]

describe.each(protocols)('a plugin over %s', (protocol) => {
  it('answers with the headers of the route, the request id, and a line in the log', async () => {
    for (const [path, status, expected] of answers) {
      const answer = await ask(gateway, protocol, { path })
      const context = `${path}: ${answer.body}`
      expect(answer.status, context).toBe(status)
      expect(answer.body).toEqual(typeof expected === 'string' ? expected : expect.stringMatching(expected))
      expect(answer.headers, context).toMatchObject({ 'x-own': 'yes', 'x-request-id': expect.any(String) })
      expect(answer.headers).not.toHaveProperty('server')
      expect(answer.headers).not.toHaveProperty('keep-alive', 'timeout=1')
      const record = await gateway.waitForRecord(({ requestId }) => requestId === answer.headers['x-request-id'])
      expect(record, context).toMatchObject({
        ...logged[protocol],
        status,
        route: 'route 2',
        bytes: answer.body.length,
        path: path.split('?')[0],
      })
      expect(record).not.toHaveProperty('error')
    }
  })

  it('fails with an error of the gateway, whose cause is in the log only, and goes on serving', async () => {
    const before = gateway.errors.length
    for (const [path, status, error] of failures) {
      const answer = await ask(gateway, protocol, { path })
      expect([path, answer.status]).toEqual([path, status])
      expect(answer.body).toMatch(new RegExp(`^${status} `))
      expect(answer.body + JSON.stringify(answer.headers)).not.toContain('secret cause')
      const record = await gateway.waitForRecord(({ requestId }) => requestId === answer.headers['x-request-id'])
      expect(record).toMatchObject({ status, error: expect.stringMatching(error) })
    }
    expect(gateway.errors).toHaveLength(before + failures.length)
    expect((await ask(gateway, protocol, { path: '/json' })).status).toBe(200)
  })

  it.each([
    ['/breaks', /^plugin: it destroyed its response$/],
    ['/too-long', /^plugin: a body longer than its Content-Length$/],
    ['/too-short', /^plugin: a body shorter than its Content-Length$/],
    ['/destroys', /^plugin: it destroyed its response$/],
  ])('cuts the answer of %s instead of passing half of it for a whole one', async (path, error) => {
    await expect(ask(gateway, protocol, { path })).rejects.toThrow()
    const record = await gateway.waitForRecord(({ path: logged }) => logged === path)
    expect(record).toMatchObject({ error: expect.stringMatching(error) })
  })

  it('sees the rewritten path, the client and its options', async () => {
    const headers = {
      'x-forwarded-for': '203.0.113.9',
      'x-forwarded-proto': 'https',
      constructor: 'c',
      'x-twice': ['1', '2'],
      cookie: ['a=1', 'b=2'],
    }
    const { body: seen } = await ask(gateway, protocol, { path: '/app/seen?x=1', headers })
    expect(JSON.parse(seen)).toMatchObject({
      url: '/seen?x=1',
      version: '1.1',
      ip: '203.0.113.9',
      protocol: 'https',
      host,
      options: { greeting: 'hi' },
      headers: { constructor: 'c', 'x-twice': '1, 2', cookie: 'a=1; b=2', 'x-request-id': expect.any(String) },
      exchange: { client: '203.0.113.9', scheme: 'https', route: 'route 0', listener: logged[protocol].listener },
      frozen: true,
    })
  })

  it('answers HEAD without a body, like GET', async () => {
    for (const path of ['/json', '/large', '/implicit']) {
      const [get, head] = [
        await ask(gateway, protocol, { path }),
        await ask(gateway, protocol, { path, method: 'HEAD' }),
      ]
      if (path === '/implicit') expect(head.status).toBe(200)
      else expect(head.headers['content-length']).toBe(get.headers['content-length'])
      expect(head.body).toBe('')
    }
  })

  it('is compressed by the gateway, unless it has done so itself', async () => {
    const { headers, body: sent } = await ask(gateway, protocol, {
      path: '/large',
      headers: { 'accept-encoding': 'gzip' },
    })
    expect(headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'Accept-Encoding' })
    expect(gunzipSync(Buffer.from(sent, 'latin1')).toString()).toBe('x'.repeat(50_000))
    const record = await gateway.waitForRecord(({ requestId }) => requestId === headers['x-request-id'])
    expect(record.bytes).toBe(sent.length)
  })

  it('gets a 504 for an answer that never comes, and what it answers later is discarded', async () => {
    const before = gateway.errors.length
    const answer = await ask(gateway, protocol, { path: '/late' })
    expect(answer.status).toBe(504)
    const record = await gateway.waitForRecord(({ status }) => status === 504)
    expect(record.error).toBe('plugin: no response within 50 ms')
    expect(gateway.errors).toHaveLength(before)
  })

  it('lets many requests of one connection through at once', async () => {
    if (protocol === 'h2') {
      const session = h2Session(gateway)
      const all = await Promise.all(Array.from({ length: 50 }, () => askOn(session, { path: '/json' })))
      expect(new Set(all.map(({ body: sent }) => sent)).size).toBe(50)
    } else {
      const all = await Promise.all(Array.from({ length: 10 }, () => ask(gateway, protocol, { path: '/json' })))
      expect(new Set(all.map(({ body: sent }) => sent)).size).toBe(10)
    }
  })
})

describe('an h2 client that takes only small heads', () => {
  it.each([
    ['/large-head', 500],
    ['/large-head-of-stream', 500],
    ['/large-head-later', 500],
    ['/large-trailers', 'cut'],
  ])('fails %s, and nothing else', async (path, outcome) => {
    const before = gateway.records.length
    const session = connectH2(`https://127.0.0.1:${gateway.https}`, {
      ca,
      servername: host,
      settings: { maxHeaderListSize: 5_000 },
    })
    whenOver(() => session.destroy())
    // The gateway has acknowledged them.
    await once(session, 'localSettings')
    const answer = await askOn(session, { path }).catch(() => ({ status: 'cut' }))
    expect(answer.status).toBe(outcome)
    await gateway.waitForRecord((record) => gateway.records.indexOf(record) >= before && record.path === path)
    expect((await askOn(session, { path: '/json' })).status).toBe(200)
  })
})

describe('a client that leaves', () => {
  it('is noticed by the plugin and logged as 499', async () => {
    const leaving = httpRequest({ host: '127.0.0.1', port: gateway.http, path: '/waits', headers: { host } })
    leaving.on('error', () => {}).end()
    expect((await ask(gateway, 'h1', { path: '/waiting' })).body).toBe('waiting')
    leaving.destroy()
    expect((await ask(gateway, 'h1', { path: '/left' })).body).toBe('left')
    expect(await gateway.waitForRecord(({ path }) => path === '/waits')).toMatchObject({ status: 499 })
  })
})
