/** Answers of upstreams, encoded on their way. */
import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { brotliDecompressSync, createGunzip, gunzipSync, zstdDecompressSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { type Asking, ask, h2Session, protocols } from './clients.ts'
import { cleanUp, host, proxyTo, type RunningGateway, startGateway } from './support.ts'
import { upstream } from './upstreams.ts'

afterEach(cleanUp)

const words = 'all work and no play '.repeat(5_000)

async function gatewayTo(answer: RequestListener): Promise<RunningGateway> {
  const behind = await upstream(answer)
  return startGateway({ routes: [proxyTo(behind.port)], compression: ['zstd', 'br', 'gzip'] })
}

const plain =
  (headers: Record<string, string | number>, status = 200): RequestListener =>
  (_request, response) =>
    response.writeHead(status, headers).end(words)

const asking = (accept: string, more: Asking = {}): Asking => ({ ...more, headers: { 'accept-encoding': accept } })

const decoders = { zstd: zstdDecompressSync, br: brotliDecompressSync, gzip: gunzipSync } as const

describe.each(protocols)('over %s', (protocol) => {
  it.each(['zstd', 'br', 'gzip'] as const)('a text is encoded with %s, and says so', async (encoding) => {
    const gateway = await gatewayTo(
      plain({
        'content-type': 'text/html; charset=utf-8',
        'content-length': words.length,
        etag: '"abc"',
        'accept-ranges': 'bytes',
      }),
    )
    const answer = await ask(gateway, protocol, asking(encoding))
    expect(answer.headers).toMatchObject({ 'content-encoding': encoding, etag: 'W/"abc"', vary: 'Accept-Encoding' })
    expect(answer.headers).not.toHaveProperty('content-length')
    expect(answer.headers).not.toHaveProperty('accept-ranges')
    const body = Buffer.from(answer.body, 'latin1')
    expect(decoders[encoding](body).toString()).toBe(words)
    expect(body.length).toBeLessThan(words.length / 20)
    const record = await gateway.waitForRecord(() => true)
    expect(record).toMatchObject({ status: 200, bytes: body.length })
  })

  it('megabytes are encoded whole, with backpressure', async () => {
    const large = Buffer.from(Array.from({ length: 20_000 }, () => Math.random().toString(36).repeat(20)).join('\n'))
    const gateway = await gatewayTo((_request, response) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end(large),
    )
    const answer = await ask(gateway, protocol, asking('gzip'))
    expect(gunzipSync(Buffer.from(answer.body, 'latin1')).equals(large)).toBe(true)
  })

  it('what is written in pieces arrives in pieces: nothing waits in the encoder', async () => {
    let say: (text: string) => void = () => {}
    const gateway = await gatewayTo((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/x-ndjson' })
      say = (text) => void (text === '' ? response.end() : response.write(text))
      say('{"n":1}\n')
    })
    if (protocol !== 'h2') return
    const stream = h2Session(gateway).request({ ':path': '/', ':authority': host, 'accept-encoding': 'gzip' })
    const decoded = stream.pipe(createGunzip())
    for (const n of [1, 2, 3]) {
      if (n > 1) say(`{"n":${n}}\n`)
      const [piece] = await once(decoded, 'data')
      expect(piece.toString()).toBe(`{"n":${n}}\n`)
    }
    say('')
    await once(decoded, 'end')
  })

  it.each<readonly [string, RequestListener, Asking]>([
    ['without Accept-Encoding', plain({ 'content-type': 'text/plain' }), {}],
    ['that the client wants as it is', plain({ 'content-type': 'text/plain' }), asking('identity')],
    ['of pictures', plain({ 'content-type': 'image/png' }), asking('gzip')],
    ['without a type', plain({}), asking('gzip')],
    ['already encoded', plain({ 'content-type': 'text/plain', 'content-encoding': 'x-own' }), asking('gzip')],
    [
      'that forbid it',
      plain({ 'content-type': 'text/plain', 'cache-control': 'public, no-transform' }),
      asking('gzip'),
    ],
    ['of event streams', plain({ 'content-type': 'text/event-stream' }), asking('gzip')],
    ['in part', plain({ 'content-type': 'text/plain', 'content-range': 'bytes 0-9/99' }, 206), asking('gzip')],
    [
      'too short to gain',
      (_request, response) =>
        void response.writeHead(200, { 'content-type': 'text/plain', 'content-length': 5 }).end('short'),
      asking('gzip'),
    ],
  ])('answers %s go as they are', async (_what, answer, options) => {
    const gateway = await gatewayTo(answer)
    const { headers, body } = await ask(gateway, protocol, options)
    expect(headers['content-encoding'] ?? 'x-own').toBe('x-own')
    expect(['short', words]).toContain(body)
  })

  it('an answer that could have been encoded says that it depends on the client, and once', async () => {
    const gateway = await gatewayTo(plain({ 'content-type': 'text/plain', vary: 'Origin, accept-encoding' }))
    expect((await ask(gateway, protocol)).headers.vary).toBe('Origin, accept-encoding')
    const other = await gatewayTo(plain({ 'content-type': 'text/plain', vary: 'Origin' }))
    expect((await ask(other, protocol)).headers.vary).toBe('Origin, Accept-Encoding')
  })

  it('an answer that breaks off is cut, never ended as if it were whole', async () => {
    const gateway = await gatewayTo((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/plain' })
      response.write(words, () => setTimeout(() => response.destroy(), 50))
    })
    await expect(ask(gateway, protocol, asking('gzip'))).rejects.toThrow()
    expect(await gateway.waitForRecord(() => true)).toMatchObject({ status: 200, error: /^upstream: / })
  })
})
