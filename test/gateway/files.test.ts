import { mkdir, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { FilesPlan } from '../../src/plan/model/plan.ts'
import { ask, exchangeRaw, logged, protocols, rawSocket } from './clients.ts'
import { cleanUp, type RouteOptions, startGateway, temporaryFolder } from './support.ts'

afterEach(cleanUp)

const withinASecond = { timeout: 1_000, interval: 20 }
const big = 'x'.repeat(4_000_000)

async function site(): Promise<string> {
  const parent = await temporaryFolder()
  const root = join(parent, 'root')
  await mkdir(join(root, 'docs'), { recursive: true })
  await mkdir(join(root, '.git'))
  await writeFile(join(parent, 'outside.txt'), 'OUTSIDE')
  const files = {
    'index.html': '<h1>app</h1>',
    'app.js': 'js',
    'empty.txt': '',
    'big.bin': big,
    'docs/index.html': 'docs',
    'a b#c?d%41é.txt': 'odd',
    '.env': 'SECRET',
    '.git/config': 'SECRET',
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(root, name), text)
  return root
}

function filesIn(root: string, options: Partial<FilesPlan> = {}): RouteOptions {
  return { kind: 'files', root, existingOnly: false, except: [], ...options }
}

describe.each(protocols)('files over %s', (protocol) => {
  it('are served with their type, folders by their index.html', async () => {
    const gateway = await startGateway({ routes: [filesIn(await site())] })
    const get = (path: string) => ask(gateway, protocol, { path })
    expect(await get('/')).toMatchObject({ status: 200, body: '<h1>app</h1>' })
    expect((await get('/')).headers['content-type']).toBe('text/html; charset=utf-8')
    expect((await get('/app.js')).headers['content-type']).toMatch(/javascript; charset=utf-8$/)
    expect((await get('/docs/')).body).toBe('docs')
    expect(await get('/empty.txt')).toMatchObject({ status: 200, body: '', headers: { 'content-length': '0' } })
    expect((await get('/a%20b%23c%3Fd%2541%C3%A9.txt')).body).toBe('odd')
    expect((await get('/big.bin')).body).toBe(big)
    expect(await gateway.waitForRecord(({ path }) => path === '/big.bin')).toMatchObject({
      ...logged[protocol],
      status: 200,
      bytes: big.length,
      client: '127.0.0.1',
    })
  })

  it('that are missing are 404 without the headers of found ones', async () => {
    const gateway = await startGateway({ routes: [filesIn(await site(), { cacheControl: 'max-age=60' })] })
    expect((await ask(gateway, protocol, { path: '/app.js' })).headers['cache-control']).toBe('max-age=60')
    const missing = await ask(gateway, protocol, { path: '/missing.js' })
    expect(missing).toMatchObject({ status: 404, body: '404 Not Found\n' })
    expect(missing.headers).not.toHaveProperty('cache-control')
    expect(await gateway.waitForRecord(({ status }) => status === 404)).toMatchObject({ error: 'no such file' })
  })

  it('that are missing give way to the fallback of a single-page application', async () => {
    const gateway = await startGateway({ routes: [filesIn(await site(), { fallback: 'index.html' })] })
    for (const path of ['/deep/link', '/docs', '/.env', '/deep/link.html?a=b']) {
      expect(await ask(gateway, protocol, { path }), path).toMatchObject({ status: 200, body: '<h1>app</h1>' })
    }
  })

  it.each([
    ['public, max-age=31536000, immutable', 'no-cache'],
    ['max-age=60, must-revalidate', 'no-cache, must-revalidate'],
    ['private="set-cookie", s-maxage=60', 'no-cache, private'],
    ['No-Store', 'no-cache, no-store'],
  ])('that are found have the policy %j, the fallback in their place %j', async (cacheControl, ofFallback) => {
    const gateway = await startGateway({ routes: [filesIn(await site(), { fallback: 'index.html', cacheControl })] })
    const get = (path: string, headers = {}) => ask(gateway, protocol, { path, headers })
    expect((await get('/app.js')).headers['cache-control']).toBe(cacheControl)
    const fallback = await get('/app.2.js')
    expect(fallback).toMatchObject({ status: 200, headers: { 'cache-control': ofFallback } })
    const again = await get('/app.2.js', { 'if-none-match': String(fallback.headers.etag) })
    expect(again).toMatchObject({ status: 304, headers: { 'cache-control': ofFallback } })
    expect(await get('/app.2.js', { range: 'bytes=0-1' })).toMatchObject({
      status: 206,
      headers: { 'cache-control': ofFallback },
    })
    const notThere = await get('/app.2.js', { range: 'bytes=999-' })
    expect(notThere.status).toBe(416)
    expect(notThere.headers).not.toHaveProperty('cache-control')
  })

  it('have the Cache-Control that response headers of the route say, in whatever they answer', async () => {
    const files = filesIn(await site(), { fallback: 'index.html', cacheControl: 'max-age=60' })
    const gateway = await startGateway({ routes: [{ ...files, response: { 'cache-control': 'no-store' } }] })
    for (const path of ['/app.js', '/missing.js']) {
      expect((await ask(gateway, protocol, { path })).headers['cache-control'], path).toBe('no-store')
    }
  })

  it('that a route excepts are not served by it', async () => {
    const gateway = await startGateway({
      routes: [filesIn(await site(), { except: ['index.html', 'docs/index.html'] })],
    })
    for (const path of ['/', '/index.html', '/docs/', '/docs/index.html', '/%69ndex.html']) {
      expect((await ask(gateway, protocol, { path })).status, path).toBe(404)
    }
    expect((await ask(gateway, protocol, { path: '/app.js' })).status).toBe(200)
  })

  it('that a route excepts do not come out encoded beforehand, nor in another case or form of their name', async () => {
    const root = await site()
    const secrets = ['secret.txt', 'secret.txt.gz', 'secret.txt.br', 'secret.txt.zst', 'secret.txt.gz.br', 'SECRET.txt']
    for (const name of [...secrets, 'docs/é.txt.gz', 'secret.txt.bak', 'secret.gz']) {
      await writeFile(join(root, name), 'SECRET')
    }
    const gateway = await startGateway({
      routes: [filesIn(root, { except: ['secret.txt', 'docs/e\u0301.txt'] })],
      compression: ['gzip'],
    })
    const get = (path: string) => ask(gateway, protocol, { path, headers: { 'accept-encoding': 'gzip, br, zstd' } })
    const paths = secrets.map((name) => `/${name}`)
    for (const path of [
      ...paths,
      '/secret.txt%2Egz',
      '/%73ecret.txt.GZ',
      '/docs/%C3%A9.txt.gz',
      '/docs/e%CC%81.txt.gz',
    ]) {
      const { status, body } = await get(path)
      expect({ path, status, leaked: body.includes('SECRET') }).toEqual({ path, status: 404, leaked: false })
    }
    for (const path of ['/secret.txt.bak', '/secret.gz']) expect((await get(path)).status, path).toBe(200)
  })

  it('that a route excepts in their encoded form go as they are', async () => {
    const root = await site()
    await writeFile(join(root, 'app.js.gz'), 'SECRET')
    const routes = [filesIn(root, { except: ['app.js.gz'] })]
    const gateway = await startGateway({ routes, compression: ['gzip'] })
    const answer = await ask(gateway, protocol, { path: '/app.js', headers: { 'accept-encoding': 'gzip' } })
    expect(answer).toMatchObject({ status: 200, body: 'js' })
    expect((await ask(gateway, protocol, { path: '/app.js.gz' })).status).toBe(404)
  })

  it('with a dot in front are hidden, in folders too', async () => {
    const gateway = await startGateway({ routes: [filesIn(await site())] })
    for (const path of ['/.env', '/%2eenv', '/.git/config', '/docs/../.env', '/.git/']) {
      const { status, body } = await ask(gateway, protocol, { path })
      expect({ path, status, leaked: body.includes('SECRET') }).toEqual({ path, status: 404, leaked: false })
    }
  })

  it('are only read', async () => {
    const gateway = await startGateway({ routes: [filesIn(await site(), { fallback: 'index.html' })] })
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const answer = await ask(gateway, protocol, { method, path: '/app.js' })
      expect(answer).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } })
    }
  })

  it('answer HEAD, ranges and conditions', async () => {
    const root = await site()
    await utimes(join(root, 'app.js'), 1_700_000_000, 1_700_000_000)
    const gateway = await startGateway({ routes: [filesIn(root)] })
    const get = (headers: Record<string, string>, method = 'GET') =>
      ask(gateway, protocol, { path: '/app.js', method, headers })
    const head = await get({}, 'HEAD')
    expect(head).toMatchObject({ status: 200, body: '', headers: { 'content-length': '2', 'accept-ranges': 'bytes' } })
    const { etag, 'last-modified': modified } = head.headers as Record<string, string>
    expect(modified).toBe('Tue, 14 Nov 2023 22:13:20 GMT')
    const unchanged = { status: 304, body: '' }
    expect(await get({ 'if-none-match': etag ?? '' })).toMatchObject(unchanged)
    expect(await get({ 'if-none-match': `"x", ${etag}` })).toMatchObject(unchanged)
    expect(await get({ 'if-modified-since': modified ?? '' })).toMatchObject(unchanged)
    expect(await get({ 'if-none-match': '"other"', 'if-modified-since': modified ?? '' })).toMatchObject({
      status: 200,
    })
    expect(await get({ range: 'bytes=1-1' })).toMatchObject({
      status: 206,
      body: 's',
      headers: { 'content-range': 'bytes 1-1/2', 'content-length': '1' },
    })
    expect(await get({ range: 'bytes=-1' })).toMatchObject({ status: 206, body: 's' })
    expect(await get({ range: 'bytes=0-0,1-1' })).toMatchObject({ status: 200, body: 'js' })
    expect(await get({ range: 'bytes=0-0', 'if-range': '"other"' })).toMatchObject({ status: 200, body: 'js' })
    expect(await get({ range: 'bytes=0-0', 'if-range': etag ?? '' })).toMatchObject({ status: 206, body: 'j' })
    expect(await get({ range: 'bytes=0-0', 'if-range': modified ?? '' })).toMatchObject({ status: 200, body: 'js' })
    expect(await get({ range: 'bytes=0-0' }, 'HEAD')).toMatchObject({ status: 200, headers: { 'content-length': '2' } })
    expect(await get({ range: 'bytes=9-' })).toMatchObject({ status: 416, headers: { 'content-range': 'bytes */2' } })
    expect(await get({ 'if-match': '"other"' })).toMatchObject({ status: 412 })
    expect(await gateway.waitForRecord(({ status }) => status === 304)).toMatchObject({ bytes: 0 })
  })

  it('are read anew within a second of a change on disk', async () => {
    const root = await site()
    const gateway = await startGateway({ routes: [filesIn(root)] })
    const get = () => ask(gateway, protocol, { path: '/app.js' })
    expect((await get()).body).toBe('js')
    await writeFile(join(root, 'app.js'), 'JS')
    await expect.poll(async () => (await get()).body, withinASecond).toBe('JS')
    await rm(join(root, 'app.js'))
    await expect.poll(async () => (await get()).status, withinASecond).toBe(404)
    await writeFile(join(root, 'app.js'), 'again')
    await expect.poll(async () => (await get()).body, withinASecond).toBe('again')
  })

  it('one file answers every path, also with a dot in front', async () => {
    const root = await site()
    const gateway = await startGateway({ routes: [{ kind: 'file', path: join(root, '.env') }] })
    expect(await ask(gateway, protocol, { path: '/any/path' })).toMatchObject({ status: 200, body: 'SECRET' })
    expect(await ask(gateway, protocol, { path: '/any', method: 'POST' })).toMatchObject({ status: 405 })
    await rm(join(root, '.env'))
    await expect.poll(() => ask(gateway, protocol, { path: '/any' }), withinASecond).toMatchObject({ status: 404 })
  })
})

describe('the root of files', () => {
  it.each([
    '/../outside.txt',
    '/..//outside.txt',
    '/%2e%2e/outside.txt',
    '/.%2e/outside.txt',
    '/%2E%2E%2foutside.txt',
    '/..%2foutside.txt',
    '/..%5coutside.txt',
    '/%5c..%5coutside.txt',
    '/..\\outside.txt',
    '/docs/../../outside.txt',
    '/docs/%2e%2e/%2e%2e/outside.txt',
    '/docs/..%2f..%2foutside.txt',
    '/%252e%252e/outside.txt',
    '/%c0%ae%c0%ae/outside.txt',
    '/docs/..%00/outside.txt',
    '//etc/passwd',
    '/app.js%00.txt',
    '/app.js/',
    '/app.js/../../outside.txt',
  ])('is not left by %s', async (target) => {
    const gateway = await startGateway({ routes: [filesIn(await site())] })
    const answer = await exchangeRaw(gateway.http, `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1\.1 (400|404) /)
    expect(answer).not.toMatch(/OUTSIDE|root:/)
  })

  it('may hold links: the owner of the folder wants them', async () => {
    const root = await site()
    await symlink('../outside.txt', join(root, 'linked.txt'))
    const gateway = await startGateway({ routes: [filesIn(root)] })
    expect((await ask(gateway, 'h1', { path: '/linked.txt' })).body).toBe('OUTSIDE')
  })
})

describe('a file whose client leaves', () => {
  it('is logged as 499', async () => {
    const gateway = await startGateway({ routes: [filesIn(await site())] })
    const socket = rawSocket(gateway.http)
    socket.write('GET /big.bin HTTP/1.1\r\nHost: a\r\n\r\n')
    socket.once('data', () => socket.destroy())
    expect(await gateway.waitForRecord(() => true)).toMatchObject({ status: 499, path: '/big.bin' })
  })
})
