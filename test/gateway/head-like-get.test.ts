/**
 * HEAD, 304 and 206 say of an answer what GET says of it (RFC 9110 §9.3.2, §15.3.7, §15.4.5), also where GET encodes
 * it.
 */
import { utimes, writeFile } from 'node:fs/promises'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { type Answer, ask, exchangeRaw, type Protocol, protocols } from './clients.ts'
import { cleanUp, proxyTo, type RunningGateway, startGateway, temporaryFolder } from './support.ts'
import { rawUpstream, upstream } from './upstreams.ts'

afterEach(cleanUp)

const body = 'x'.repeat(2_000)
const accepts = [undefined, 'identity', 'gzip', 'br', 'zstd', 'gzip, br;q=0.9'] as const
const compression = ['zstd', 'br', 'gzip'] as const

type Get = (headers?: Record<string, string>, method?: string) => Promise<Answer>

function getter(gateway: RunningGateway, protocol: Protocol, accept: string | undefined, path = '/'): Get {
  return (headers = {}, method = 'GET') =>
    ask(gateway, protocol, {
      path,
      method,
      headers: { ...(accept !== undefined && { 'accept-encoding': accept }), ...headers },
    })
}

/** What describes the answer, without what is of one exchange only. */
function described({ headers }: Answer): Record<string, unknown> {
  const own = ['date', 'x-request-id', 'connection', 'keep-alive', 'transfer-encoding', ':status']
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !own.includes(name)))
}

const validators = ({ headers }: Answer) => ({ etag: headers.etag, vary: headers.vary })

/** An upstream as they are written by hand: it compares tags as texts, and knows one range. */
function handWritten(etag: string, type = 'text/html', more: Record<string, string> = {}): RequestListener {
  return (request: IncomingMessage, response: ServerResponse) => {
    const { 'if-none-match': known, range } = request.headers
    if (known === etag) return void response.writeHead(304, { etag, 'content-length': 0, ...more }).end()
    const head = { 'content-type': type, etag, ...more }
    if (range) {
      const part = { ...head, 'content-range': `bytes 0-9/${body.length}`, 'content-length': 10 }
      return void response.writeHead(206, part).end(body.slice(0, 10))
    }
    response.writeHead(200, { ...head, 'content-length': body.length })
    response.end(request.method === 'HEAD' ? undefined : body)
  }
}

async function gatewayTo(answer: RequestListener): Promise<RunningGateway> {
  const behind = await upstream(answer)
  return startGateway({ routes: [proxyTo(behind.port)], compression })
}

describe.each(protocols)('an answer of an upstream over %s', (protocol) => {
  it.each(accepts)(
    'has one head for GET and HEAD, one ETag and Vary for 304 and 206, with Accept-Encoding %s',
    async (accept) => {
      const gateway = await gatewayTo(handWritten('"v1"'))
      const get = getter(gateway, protocol, accept)
      const whole = await get()
      const encoded = whole.headers['content-encoding'] !== undefined
      expect(encoded).toBe(accept !== undefined && accept !== 'identity')
      expect(whole.headers.etag).toBe(encoded ? 'W/"v1"' : '"v1"')
      const head = await get({}, 'HEAD')
      expect(head).toMatchObject({ status: 200, body: '' })
      expect(described(head)).toEqual(described(whole))
      const known = await get({ 'if-none-match': String(whole.headers.etag) })
      expect(known).toMatchObject({ status: 304, body: '' })
      expect(validators(known)).toEqual(validators(whole))
      expect(known.headers).not.toHaveProperty('content-length')
      const part = await get({ range: 'bytes=0-9' })
      expect(part).toMatchObject({ status: 206, body: body.slice(0, 10), headers: { 'content-length': '10' } })
      expect(part.headers).not.toHaveProperty('content-encoding')
      expect(validators(part)).toEqual(validators(whole))
    },
  )

  it.each([
    ['is not worth encoding', 'image/png', {}],
    ['forbids it', 'text/html', { 'cache-control': 'no-transform' }],
  ])('keeps its strong ETag, and the length of HEAD, if it %s', async (_why, type, more) => {
    const get = getter(await gatewayTo(handWritten('"v1"', type, more)), protocol, 'gzip')
    const whole = await get()
    expect(described(await get({}, 'HEAD'))).toEqual(described(whole))
    expect((await get({ 'if-none-match': '"v1"' })).headers.etag).toBe('"v1"')
    expect((await get({ range: 'bytes=0-9' })).headers.etag).toBe('"v1"')
  })

  it('that is short, encoded already or of no type has a HEAD like its GET', async () => {
    for (const head of [
      { 'content-type': 'text/plain', 'content-length': '5' },
      { 'content-type': 'text/plain', 'content-length': '5000', 'content-encoding': 'x-own' },
      { 'content-length': '5000' },
    ]) {
      const gateway = await gatewayTo((_request, response) => void response.writeHead(200, head).end())
      const answer = await getter(gateway, protocol, 'gzip')({}, 'HEAD')
      expect(described(answer)).toEqual(head)
    }
  })

  it('keeps the weak ETag that it has itself', async () => {
    const get = getter(await gatewayTo(handWritten('W/"v1"')), protocol, 'gzip')
    expect((await get()).headers.etag).toBe('W/"v1"')
    expect(await get({ 'if-none-match': 'W/"v1"' })).toMatchObject({ status: 304, headers: { etag: 'W/"v1"' } })
  })

  it('revalidates, and may be changed, though the target makes weak tags of its own elsewhere, even the same ones', async () => {
    const gateway = await gatewayTo((request, response) => {
      const etag = request.url === '/weak' ? 'W/"v1"' : '"v1"'
      if (request.method !== 'PUT') return handWritten(etag)(request, response)
      response.writeHead(request.headers['if-match'] === etag ? 200 : 412).end()
    })
    const [strong, weak] = ['/strong', '/weak'].map((path) => getter(gateway, protocol, 'gzip', path)) as [Get, Get]
    for (let round = 0; round < 2; round++) {
      for (const get of [strong, weak]) {
        expect((await get()).headers.etag).toBe('W/"v1"')
      }
      for (const get of [strong, weak]) {
        expect(await get({ 'if-none-match': 'W/"v1"' })).toMatchObject({ status: 304, headers: { etag: 'W/"v1"' } })
      }
      expect((await strong({ 'if-match': 'W/"v1"' }, 'PUT')).status).toBe(200)
    }
  })

  it('may be changed by who has read it encoded: If-Match goes back with the tag that the upstream made', async () => {
    const gateway = await gatewayTo((request, response) => {
      if (request.method !== 'PUT') return handWritten('"v1"')(request, response)
      response.writeHead(request.headers['if-match'] === '"v1"' ? 200 : 412).end()
    })
    const get = getter(gateway, protocol, 'gzip')
    const { etag } = (await get()).headers
    expect((await get({ 'if-match': String(etag) }, 'PUT')).status).toBe(200)
    expect((await get({ 'if-match': 'W/"v0"' }, 'PUT')).status).toBe(412)
  })
})

describe.each(protocols)('a file over %s', (protocol) => {
  const words = 'said again and again, '
  const contents = {
    'small.js': words.repeat(200),
    'packed.js': words.repeat(300),
    'packed.js.gz': gzipSync(words.repeat(300)),
    'on-its-way.js': words.repeat(200_000),
    'photo.png': Buffer.alloc(5_000),
    'film.mp4': Buffer.alloc(400_000),
    'page.html': `<p>{{env "NAME"}}</p>${words.repeat(100)}`,
  }

  async function site(): Promise<RunningGateway> {
    const root = await temporaryFolder()
    for (const [name, content] of Object.entries(contents)) {
      await writeFile(join(root, name), content)
      await utimes(join(root, name), 1_700_000_000, 1_700_000_000)
    }
    const render = { files: ['page.html'], variables: { NAME: 'Ada' } }
    const files = { root, existingOnly: false, except: [], fallback: 'page.html', cacheControl: 'max-age=60', render }
    return startGateway({ routes: [{ kind: 'files', ...files }], compression })
  }

  it.each([undefined, 'gzip', 'br', 'zstd'])(
    'has one head for HEAD and GET, also for the first request, and for its 304, with Accept-Encoding %s',
    async (accept) => {
      const gateway = await site()
      for (const path of ['on-its-way.js', 'film.mp4']) {
        const head = getter(gateway, protocol, undefined, `/${path}`)
        await expect
          .poll(async () => (await head({}, 'HEAD')).headers.etag, { timeout: 5_000, interval: 20 })
          .toMatch(/^"/)
      }
      for (const path of [...Object.keys(contents), 'missing']) {
        const get = getter(gateway, protocol, accept, `/${path}`)
        const head = await get({}, 'HEAD')
        expect(head, path).toMatchObject({ status: 200, body: '' })
        const whole = await get()
        expect(described(head), path).toEqual(described(whole))
        const known = await get({ 'if-none-match': String(whole.headers.etag) })
        expect(known, path).toMatchObject({ status: 304, body: '' })
        expect(validators(known), path).toEqual(validators(whole))
        expect(known.headers['cache-control'], path).toBe(whole.headers['cache-control'])
        // A part is one of the file as it is, under the tag that this has.
        const part = await get({ range: 'bytes=0-9' })
        const plain = await getter(gateway, protocol, undefined, `/${path}`)()
        expect(part, path).toMatchObject({ status: 206, body: plain.body.slice(0, 10) })
        expect(validators(part), path).toEqual(validators(plain))
      }
    },
  )
})

describe('an answer without a body', () => {
  const raw = (port: number, method = 'GET') =>
    exchangeRaw(port, `${method} / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)

  it.each(['GET', 'HEAD', 'DELETE'])('says no length with 204 to %s, whatever the upstream says', async (method) => {
    const behind = await rawUpstream((socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 204 No Content\r\nContent-Length: 0\r\nX-A: b\r\n\r\n'))
    })
    for (const encodings of [[], compression]) {
      const gateway = await startGateway({ routes: [proxyTo(behind.port)], compression: encodings })
      const answer = await raw(gateway.http, method)
      expect(answer).toMatch(/^HTTP\/1\.1 204 [\s\S]*\r\nX-A: b\r\n/)
      expect(answer).not.toMatch(/content-length|transfer-encoding/i)
    }
  })

  it('says no length with an interim answer', async () => {
    const behind = await rawUpstream((socket) => {
      const early = 'HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nContent-Length: 0\r\n\r\n'
      socket.once('data', () => socket.end(`${early}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`))
    })
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const [interim = '', final = ''] = (await raw(gateway.http)).split('\r\n\r\n')
    expect(interim).toMatch(/^HTTP\/1\.1 103 [\s\S]*link: /i)
    expect(interim).not.toMatch(/content-length/i)
    expect(final).toMatch(/content-length: 2/i)
  })

  it('says no length with 101', async () => {
    const behind = await rawUpstream((socket) => {
      socket.once('data', () =>
        socket.end('HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n'),
      )
    })
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const answer = await exchangeRaw(
      gateway.http,
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    )
    expect(answer).toMatch(/^HTTP\/1\.1 101 /)
    expect(answer).not.toMatch(/content-length/i)
  })

  it.each([204, 304])('says no length with %i of the config file, also if a header rule has one', async (status) => {
    const response = { 'content-length': '7' }
    const gateway = await startGateway({ routes: [{ kind: 'respond', status, body: '', response }] })
    expect(await raw(gateway.http)).not.toMatch(/content-length/i)
    for (const protocol of protocols) {
      const answer = await ask(gateway, protocol)
      expect(answer.status).toBe(status)
      expect(answer.headers).not.toHaveProperty('content-length')
    }
  })
})
