import { chmod, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { brotliDecompressSync, gunzipSync, gzipSync, zstdDecompressSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { unprivileged } from '../unprivileged.ts'
import { type Answer, ask, type Protocol, protocols } from './clients.ts'
import { cleanUp, type PlanOptions, type RunningGateway, startGateway, temporaryFolder } from './support.ts'

afterEach(cleanUp)

const soon = { timeout: 2_000, interval: 10 }
const everyEncoding = ['zstd', 'br', 'gzip'] as const
const decoded = { gzip: gunzipSync, br: brotliDecompressSync, zstd: zstdDecompressSync }
const script = 'export const answer = "forty-two, and not less"\n'.repeat(200)
// Long ago, so that nothing is read twice for being too young.
const before = new Date('2024-01-01T00:00:00Z')

async function site(files: Readonly<Record<string, string | Buffer>> = { 'app.js': script }): Promise<string> {
  const root = await temporaryFolder()
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(root, name), content)
    await utimes(join(root, name), before, before)
  }
  return root
}

function start(root: string, options: Partial<PlanOptions> = {}): Promise<RunningGateway> {
  const routes = [{ kind: 'files' as const, root, existingOnly: false, except: [] }]
  return startGateway({ routes, compression: everyEncoding, ...options })
}

function getter(gateway: RunningGateway, protocol: Protocol) {
  return (path: string, encoding: string | undefined, headers = {}, method = 'GET'): Promise<Answer> =>
    ask(gateway, protocol, {
      path,
      method,
      headers: { ...(encoding !== undefined && { 'accept-encoding': encoding }), ...headers },
    })
}

const bytes = ({ body }: Answer) => Buffer.from(body, 'latin1')

/** The answer once the encoding is made. */
async function encodedAnswer(get: ReturnType<typeof getter>, path: string, encoding: string): Promise<Answer> {
  let answer = await get(path, encoding)
  await expect
    .poll(async () => {
      answer = await get(path, encoding)
      return answer.headers['content-encoding']
    }, soon)
    .toBe(encoding)
  return answer
}

describe.each(protocols)('encodings of files over %s', (protocol) => {
  it('are there for the first client, each with a tag of its own, which is weak', async () => {
    const get = getter(await start(await site()), protocol)
    const tags = new Set<unknown>()
    for (const encoding of everyEncoding) {
      const answer = await get('/app.js', encoding)
      expect(decoded[encoding](bytes(answer)).toString()).toBe(script)
      expect(answer).toMatchObject({
        status: 200,
        headers: {
          'content-encoding': encoding,
          vary: 'accept-encoding',
          'content-length': String(bytes(answer).length),
          'content-type': 'text/javascript; charset=utf-8',
        },
      })
      expect(answer.headers.etag).toMatch(/^W\/"[\w-]+"$/)
      tags.add(answer.headers.etag)
    }
    const plain = await get('/app.js', undefined)
    expect(plain.headers).not.toHaveProperty('content-encoding')
    expect(plain).toMatchObject({ body: script, headers: { vary: 'accept-encoding', 'accept-ranges': 'bytes' } })
    expect(plain.headers.etag).toMatch(/^"[\w-]+"$/)
    tags.add(plain.headers.etag)
    expect(tags.size).toBe(4)
  })

  it('are there for all who come first at once, and a better one for those who come later, under the same tag', async () => {
    const long = Array.from({ length: 20_000 }, (_, n) => `const n${n} = ${n * n}\n`).join('')
    const get = getter(await start(await site({ 'long.js': long })), protocol)
    const first = await Promise.all(Array.from({ length: 5 }, () => get('/long.js', 'gzip')))
    const lengths = first.map(({ headers }) => Number(headers['content-length']))
    for (const answer of first) expect(gunzipSync(bytes(answer)).toString() === long).toBe(true)
    await expect
      .poll(async () => Number((await get('/long.js', 'gzip')).headers['content-length']), soon)
      .toBeLessThan(Math.max(...lengths))
    const later = await get('/long.js', 'gzip')
    expect(gunzipSync(bytes(later)).toString() === long).toBe(true)
    expect(later.headers.etag).toBe(first[0]?.headers.etag)
  })

  it('are chosen by the client, at equal weight by the order of the config', async () => {
    const gateway = await start(await site(), { compression: ['br', 'gzip'] })
    const get = getter(gateway, protocol)
    await encodedAnswer(get, '/app.js', 'br')
    await encodedAnswer(get, '/app.js', 'gzip')
    const chosen = async (accept: string) => (await get('/app.js', accept)).headers['content-encoding']
    expect(await chosen('gzip, deflate, br, zstd')).toBe('br')
    expect(await chosen('gzip, br;q=0.5')).toBe('gzip')
    expect(await chosen('zstd')).toBeUndefined()
    expect(await chosen('identity')).toBeUndefined()
  })

  it('keep a client that has the file, in whichever form, from reading it again', async () => {
    const get = getter(await start(await site()), protocol)
    const plain = await get('/app.js', undefined)
    const zstd = await encodedAnswer(get, '/app.js', 'zstd')
    const tag = (answer: Answer) => String(answer.headers.etag)
    // The first answer of all went as it is: that copy is as good as the encoded one would be.
    for (const one of [plain, zstd]) {
      const answer = await get('/app.js', 'zstd', { 'if-none-match': tag(one) })
      expect(answer).toMatchObject({ status: 304, body: '', headers: { etag: tag(one), vary: 'accept-encoding' } })
      expect(answer.headers).not.toHaveProperty('content-encoding')
    }
    // But a client that cannot read zstd must not get a 304, if that is what it has.
    expect((await get('/app.js', 'gzip', { 'if-none-match': tag(zstd) })).status).toBe(200)
  })

  it('are never cut into parts: bytes that are asked for are those of the file', async () => {
    const get = getter(await start(await site()), protocol)
    const zstd = await encodedAnswer(get, '/app.js', 'zstd')
    const part = await get('/app.js', 'zstd', { range: 'bytes=7-11' })
    expect(part).toMatchObject({
      status: 206,
      body: 'const',
      headers: { 'content-range': `bytes 7-11/${script.length}` },
    })
    expect(part.headers).not.toHaveProperty('content-encoding')
    expect(part.headers.etag).not.toBe(zstd.headers.etag)
    // A client with half of the encoded form gets all of it.
    const resumed = await get('/app.js', 'zstd', { range: 'bytes=7-11', 'if-range': String(zstd.headers.etag) })
    expect(resumed).toMatchObject({ status: 200, headers: { 'content-encoding': 'zstd' } })
  })

  it('are left out where they would not help: small bodies, types that are packed already, compression turned off', async () => {
    const root = await site({ 'small.js': 'x'.repeat(511), 'photo.png': Buffer.alloc(5_000), 'app.js': script })
    const get = getter(await start(root), protocol)
    for (const path of ['/small.js', '/photo.png']) {
      for (let i = 0; i < 2; i += 1) {
        const { headers } = await get(path, 'gzip')
        expect(headers).not.toHaveProperty('content-encoding')
        expect(headers).not.toHaveProperty('vary')
      }
    }
    const off = getter(await start(root, { compression: [] }), protocol)
    for (let i = 0; i < 2; i += 1) {
      const { headers } = await off('/app.js', 'gzip')
      expect(headers).not.toHaveProperty('content-encoding')
      expect(headers).not.toHaveProperty('vary')
    }
  })

  it('follow the file when it changes', async () => {
    const root = await site()
    const get = getter(await start(root), protocol)
    await encodedAnswer(get, '/app.js', 'br')
    const changed = script.toUpperCase()
    await writeFile(join(root, 'app.js'), changed)
    await expect
      .poll(async () => {
        const answer = await get('/app.js', 'br')
        if (answer.headers['content-encoding'] !== 'br') return undefined
        return brotliDecompressSync(bytes(answer)).toString() === changed
      }, soon)
      .toBe(true)
  })
})

describe.each(protocols)('files encoded beforehand, over %s', (protocol) => {
  // What is in them tells where an answer came from.
  const mark = (text: string) => gzipSync(`${text}${script}`)

  it('are sent in place of the file from the first request on, with 200 and its type', async () => {
    const root = await site({
      'app.js': script,
      'app.js.gz': mark('gz'),
      'photo.png': 'png',
      'photo.png.gz': mark('p'),
    })
    const get = getter(await start(root), protocol)
    const answer = await get('/app.js', 'gzip, br, zstd')
    expect(answer).toMatchObject({
      status: 200,
      headers: {
        'content-encoding': 'gzip',
        'content-type': 'text/javascript; charset=utf-8',
        vary: 'accept-encoding',
        'content-length': String(mark('gz').length),
      },
    })
    expect(gunzipSync(bytes(answer)).toString()).toBe(`gz${script}`)
    expect(await get('/photo.png', 'gzip')).toMatchObject({
      headers: { 'content-encoding': 'gzip', 'content-type': 'image/png' },
    })
    const plain = await get('/app.js', undefined)
    expect(plain).toMatchObject({ status: 200, body: script, headers: { vary: 'accept-encoding' } })
    expect(await get('/app.js', 'gzip', { 'if-none-match': String(answer.headers.etag) })).toMatchObject({
      status: 304,
    })
    expect(await get('/app.js', 'gzip', { range: 'bytes=0-5' })).toMatchObject({ status: 206, body: 'export' })
  })

  it('are files like any other to who asks for them by their own name', async () => {
    const get = getter(await start(await site({ 'app.js': script, 'app.js.gz': mark('gz') })), protocol)
    const answer = await get('/app.js.gz', 'gzip')
    expect(answer).toMatchObject({ status: 200, headers: { 'content-type': 'application/gzip' } })
    expect(answer.headers).not.toHaveProperty('content-encoding')
    expect(bytes(answer).equals(mark('gz'))).toBe(true)
  })

  it('are passed over when they are older than the file, folders, or alone', async () => {
    const root = await site({ 'app.js': script, 'app.js.gz': mark('old'), 'lost.js.gz': mark('lost') })
    await utimes(join(root, 'app.js.gz'), before, new Date(before.getTime() - 1))
    const get = getter(await start(root), protocol)
    const answer = await encodedAnswer(get, '/app.js', 'gzip')
    expect(gunzipSync(bytes(answer)).toString()).toBe(script)
    expect((await get('/lost.js', 'gzip')).status).toBe(404)
  })

  it('that may not be read do not keep the file from being sent', async () => {
    const root = await site({
      'app.js': script,
      'app.js.gz': mark('gz'),
      'photo.png': 'png',
      'photo.png.gz': Buffer.alloc(300_000),
    })
    await chmod(root, 0o755)
    for (const name of ['app.js.gz', 'photo.png.gz']) await chmod(join(root, name), 0o600)
    const gateway = await start(root)
    await unprivileged(async () => {
      const get = getter(gateway, protocol)
      expect(await get('/app.js', 'gzip')).toMatchObject({ status: 200, body: script })
      expect(gunzipSync(bytes(await encodedAnswer(get, '/app.js', 'gzip'))).toString()).toBe(script)
      expect(await get('/photo.png', 'gzip')).toMatchObject({ status: 200, body: 'png' })
    })
  })

  it('are noticed when they come and when they change', async () => {
    const root = await site()
    const get = getter(await start(root), protocol)
    await get('/app.js', 'gzip')
    const sent = async () =>
      gunzipSync(bytes(await encodedAnswer(get, '/app.js', 'gzip')))
        .toString()
        .slice(0, 3)
    await writeFile(join(root, 'app.js.gz'), mark('one'))
    await expect.poll(sent, soon).toBe('one')
    await writeFile(join(root, 'app.js.gz'), mark('two'))
    await expect.poll(sent, soon).toBe('two')
  })

  it('are not looked for beside rendered pages: what is in them was not rendered', async () => {
    const page = `<p>{{env "NAME"}}</p>${' '.repeat(600)}`
    const root = await site({ 'index.html': page, 'index.html.gz': gzipSync(page) })
    const render = { files: ['index.html'], variables: { NAME: 'Ada' } }
    const routes = [{ kind: 'files' as const, root, existingOnly: false, except: [], render }]
    const get = getter(await start(root, { routes }), protocol)
    expect((await get('/', undefined)).body).toContain('<p>Ada</p>')
    for (const encoding of everyEncoding) {
      const answer = await encodedAnswer(get, '/', encoding)
      expect(decoded[encoding](bytes(answer)).toString()).toContain('<p>Ada</p>')
      expect(answer.headers['content-type']).toBe('text/html; charset=utf-8')
      expect(answer.headers).not.toHaveProperty('last-modified')
    }
  })
})

describe('a file too big for one write', () => {
  it('arrives whole, from memory and from a bigger file encoded beforehand', async () => {
    const noise = Buffer.from(Array.from({ length: 400_000 }, (_, i) => (i * i * 7_919 + (i >> 3)) % 251))
    const packed = gzipSync(noise, { level: 0 })
    const root = await site({ 'long.js': script.repeat(100), 'noise.bin': noise, 'noise.bin.gz': packed })
    const gateway = await start(root)
    for (const protocol of protocols) {
      const get = getter(gateway, protocol)
      expect((await get('/long.js', undefined)).body === script.repeat(100)).toBe(true)
      const part = await get('/long.js', undefined, { range: 'bytes=1-900000' })
      expect(part.body === script.repeat(100).slice(1, 900_001)).toBe(true)
      const answer = await get('/noise.bin', 'gzip')
      expect(answer).toMatchObject({ headers: { 'content-encoding': 'gzip', 'content-length': String(packed.length) } })
      expect(gunzipSync(bytes(answer)).equals(noise)).toBe(true)
    }
  })
})

describe('a file too big for memory', () => {
  it('is encoded while it is sent, up to a size that is worth it', async () => {
    const text = 'a line that is said over and over again\n'.repeat(150_000)
    const gateway = await start(await site({ 'big.js': text }))
    for (const protocol of protocols) {
      const get = getter(gateway, protocol)
      for (const encoding of everyEncoding) {
        const answer = await get('/big.js', encoding)
        expect(answer.headers).toMatchObject({ 'content-encoding': encoding, vary: 'accept-encoding' })
        expect(answer.headers.etag).toMatch(/^W\//)
        expect(answer.headers).not.toHaveProperty('content-length')
        expect(decoded[encoding](bytes(answer)).toString() === text).toBe(true)
        const known = await get('/big.js', encoding, { 'if-none-match': String(answer.headers.etag) })
        expect(known).toMatchObject({ status: 304, body: '' })
      }
    }
  })
})
