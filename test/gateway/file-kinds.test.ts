import { execFileSync } from 'node:child_process'
import { chmod, mkdir, rm, symlink, unlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { FilesPlan } from '../../src/plan/model/plan.ts'
import { unprivileged } from '../unprivileged.ts'
import { ask, protocols } from './clients.ts'
import { cleanUp, type RouteOptions, startGateway, temporaryFolder, whenOver } from './support.ts'

afterEach(cleanUp)

const soon = { timeout: 1_000, interval: 20 }

function filesIn(root: string, options: Partial<FilesPlan> = {}): RouteOptions {
  return { kind: 'files', root, existingOnly: false, except: [], ...options }
}

describe('what is no regular file', () => {
  it('is not opened: a fifo would hold a thread, a socket or device answer with anything', async () => {
    const root = await temporaryFolder()
    execFileSync('mkfifo', [join(root, 'pipe.txt')]) // Node has no call for it
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(join(root, 'socket.txt'), resolve))
    whenOver(() => new Promise((resolve) => server.close(resolve)))
    await symlink('/dev/zero', join(root, 'zero.txt'))
    await symlink('round.txt', join(root, 'round.txt'))
    await writeFile(join(root, 'file.txt'), 'file')
    const gateway = await startGateway({ routes: [filesIn(root)] })
    for (const protocol of protocols) {
      for (const path of ['/pipe.txt', '/socket.txt', '/zero.txt', '/round.txt']) {
        expect(await ask(gateway, protocol, { path }), path).toMatchObject({ status: 404, body: '404 Not Found\n' })
      }
      // More often than the pool has threads: none of them hangs.
      expect(await ask(gateway, protocol, { path: '/file.txt' })).toMatchObject({ status: 200, body: 'file' })
    }
    expect(await gateway.waitForRecord(({ path }) => path === '/pipe.txt')).toMatchObject({
      error: expect.stringContaining('is not a regular file'),
    })
  })
})

describe('a file that may not be read', () => {
  it('is 403, with the cause in our log and not in the answer', async () => {
    const root = await temporaryFolder()
    await chmod(root, 0o755)
    await writeFile(join(root, 'secret.txt'), 'SECRET', { mode: 0o600 })
    const gateway = await startGateway({ routes: [filesIn(root, { fallback: 'index.html' })] })
    await unprivileged(async () => {
      for (const protocol of protocols) {
        const answer = await ask(gateway, protocol, { path: '/secret.txt' })
        expect(answer).toMatchObject({ status: 403, body: '403 Forbidden\n' })
        const record = await gateway.waitForRecord(({ status }) => status === 403)
        expect(record.error).toMatch(/EACCES: permission denied, open .*secret\.txt/)
      }
    })
    await chmod(join(root, 'secret.txt'), 0o644)
    await expect.poll(() => ask(gateway, 'h1', { path: '/secret.txt' }), soon).toMatchObject({ body: 'SECRET' })
  })
})

describe('a folder that may not be entered', () => {
  it('is 403; a route for existing files passes it on, so that the others still serve', async () => {
    const root = await temporaryFolder()
    await chmod(root, 0o755)
    await mkdir(join(root, 'locked'), { mode: 0o700 })
    await writeFile(join(root, 'locked/a.txt'), 'SECRET')
    await writeFile(join(root, 'open.txt'), 'open')
    const first = await startGateway({
      routes: [filesIn(root, { existingOnly: true }), { kind: 'file', path: join(root, 'open.txt') }],
    })
    const only = await startGateway({ routes: [filesIn(root)] })
    await unprivileged(async () => {
      expect((await ask(first, 'h1', { path: '/locked/a.txt' })).body).toBe('open')
      expect(await ask(only, 'h1', { path: '/locked/a.txt' })).toMatchObject({ status: 403, body: '403 Forbidden\n' })
      expect((await only.waitForRecord(() => true)).error).toMatch(/EACCES: permission denied, stat/)
    })
  })
})

describe.each(protocols)('folders over %s', (protocol) => {
  it('without their trailing slash lead to it if they have an index, by a path of their own and nothing else', async () => {
    const root = await temporaryFolder()
    await mkdir(join(root, 'a b/deep'), { recursive: true })
    await mkdir(join(root, 'empty'))
    await writeFile(join(root, 'a b/deep/index.html'), 'deep')
    const gateway = await startGateway({ routes: [filesIn(root)] })
    const get = (path: string) => ask(gateway, protocol, { path })
    expect(await get('/a%20b/deep?x=/&y')).toMatchObject({ status: 308, headers: { location: './deep/?x=/&y' } })
    expect((await get('/a%20b/deep/')).body).toBe('deep')
    // Slashes in a row are one.
    expect(await get('//a%20b//deep')).toMatchObject({ status: 308, headers: { location: './deep/' } })
    expect((await get('/a%20b/deep//')).body).toBe('deep')
    for (const path of ['/empty', '/empty/', '/a%20b', '/']) {
      expect((await get(path)).status, path).toBe(404)
    }
    const excepted = await startGateway({ routes: [filesIn(root, { except: ['a b/deep/index.html'] })] })
    expect((await ask(excepted, protocol, { path: '/a%20b/deep' })).status).toBe(404)
  })

  it('are no files: a route for existing files leaves them to the next route', async () => {
    const root = await temporaryFolder()
    await mkdir(join(root, 'app'))
    await writeFile(join(root, 'app/index.html'), 'index')
    await writeFile(join(root, 'other.txt'), 'other')
    const gateway = await startGateway({
      routes: [filesIn(root, { existingOnly: true }), { kind: 'file', path: join(root, 'other.txt') }],
    })
    expect((await ask(gateway, protocol, { path: '/app' })).body).toBe('other')
    expect((await ask(gateway, protocol, { path: '/app/' })).body).toBe('index')
  })
})

describe.each(protocols)('a route for existing files over %s', (protocol) => {
  it('sees within a second that a file came or went', async () => {
    const root = await temporaryFolder()
    const page = join(root, 'page.html')
    await writeFile(page, 'page')
    const gateway = await startGateway({
      routes: [filesIn(root, { existingOnly: true }), { kind: 'file', path: page }],
    })
    const get = async () => (await ask(gateway, protocol, { path: '/new.txt' })).body
    expect(await get()).toBe('page')
    await writeFile(join(root, 'new.txt'), 'new')
    await expect.poll(get, soon).toBe('new')
    await unlink(join(root, 'new.txt'))
    await expect.poll(get, soon).toBe('page')
    const below = async () => (await ask(gateway, protocol, { path: '/api/v1/deep.txt' })).body
    expect(await below()).toBe('page')
    await mkdir(join(root, 'api/v1'), { recursive: true })
    await writeFile(join(root, 'api/v1/deep.txt'), 'deep')
    await expect.poll(below, soon).toBe('deep')
  })
})

describe('names', () => {
  const odd = [
    ['a b.txt', '/a%20b.txt'],
    ['100%.txt', '/100%25.txt'],
    ['%2e%2e.txt', '/%252e%252e.txt'],
    ['a?b#c.txt', '/a%3Fb%23c.txt'],
    ['Käse 🧀.txt', '/K%C3%A4se%20%F0%9F%A7%80.txt'],
    ['quote\'".txt', "/quote'%22.txt"],
    ['<b>&.txt', '/%3Cb%3E&.txt'],
    ['a:b;c=d,e.txt', '/a:b;c=d,e.txt'],
    ['line\nbreak.txt', '/line%0Abreak.txt'],
    ['tab\t.txt', '/tab%09.txt'],
    ['trailing. ', '/trailing.%20'],
    ['~$[x]{y}^`|.txt', '/~$%5Bx%5D%7By%7D%5E%60%7C.txt'],
    ['-rf', '/-rf'],
    ['con', '/con'],
    ['..a', undefined],
    ['back\\slash.txt', undefined],
  ] as const

  it.each(odd)('%j is found by %s, over every protocol', async (name, path) => {
    const root = await temporaryFolder()
    await writeFile(join(root, name), name)
    const gateway = await startGateway({ routes: [filesIn(root)] })
    for (const protocol of protocols) {
      const answer = await ask(gateway, protocol, { path: path ?? `/${encodeURIComponent(name)}` })
      if (path === undefined) expect(answer.status).toBe(404)
      else expect(Buffer.from(answer.body, 'latin1').toString()).toBe(name)
    }
  })

  it('longer than any file name are missing, not a fault', async () => {
    const root = await temporaryFolder()
    const gateway = await startGateway({ routes: [filesIn(root)] })
    for (const path of [`/${'a'.repeat(300)}`, `/${'a/'.repeat(3_000)}b`]) {
      expect((await ask(gateway, 'h1', { path })).status).toBe(404)
    }
  })
})

describe('.well-known', () => {
  it('is shown, as RFC 8615 wants, and nothing else with a dot in front', async () => {
    const root = await temporaryFolder()
    await mkdir(join(root, '.well-known/.hidden'), { recursive: true })
    await mkdir(join(root, 'sub/.well-known'), { recursive: true })
    for (const name of ['.well-known/security.txt', '.well-known/.env', '.well-known/.hidden/x', 'sub/.well-known/x'])
      await writeFile(join(root, name), 'content')
    const gateway = await startGateway({ routes: [filesIn(root)] })
    const statusOf = async (path: string) => (await ask(gateway, 'h1', { path })).status
    expect(await statusOf('/.well-known/security.txt')).toBe(200)
    for (const path of [
      '/.well-known',
      '/.well-known/',
      '/.well-known/.env',
      '/.well-known/.hidden/x',
      '/sub/.well-known/x',
    ])
      expect(await statusOf(path), path).toBe(404)
  })
})

describe('links', () => {
  it('are followed, and a link that is turned is seen within a second, as in a mounted ConfigMap', async () => {
    const root = await temporaryFolder()
    for (const version of ['one', 'two']) {
      await mkdir(join(root, `..${version}`))
      await writeFile(join(root, `..${version}/page.html`), version)
    }
    await symlink('..one', join(root, '..data'))
    await symlink('..data/page.html', join(root, 'page.html'))
    const gateway = await startGateway({ routes: [filesIn(root)] })
    const get = async () => (await ask(gateway, 'h1', { path: '/page.html' })).body
    expect(await get()).toBe('one')
    await rm(join(root, '..data'))
    await symlink('..two', join(root, '..data'))
    await expect.poll(get, soon).toBe('two')
    expect((await ask(gateway, 'h1', { path: '/..data/page.html' })).status).toBe(404)
  })
})

describe('types', () => {
  it.each([
    ['a.js', 'text/javascript; charset=utf-8'],
    ['a.mjs', 'text/javascript; charset=utf-8'],
    ['a.css', 'text/css; charset=utf-8'],
    ['a.HTML', 'text/html; charset=utf-8'],
    ['a.json', 'application/json'],
    ['a.js.map', 'application/json'],
    ['a.svg', 'image/svg+xml'],
    ['a.wasm', 'application/wasm'],
    ['a.woff2', 'font/woff2'],
    ['a.webmanifest', 'application/manifest+json'],
    ['a.txt', 'text/plain; charset=utf-8'],
    ['a.unknown', 'application/octet-stream'],
    ['constructor', 'application/octet-stream'],
    ['a.__proto__', 'application/octet-stream'],
    ['LICENSE', 'application/octet-stream'],
  ])('%s is %s', async (name, type) => {
    const root = await temporaryFolder()
    await writeFile(join(root, name), 'x')
    const gateway = await startGateway({ routes: [filesIn(root)] })
    expect((await ask(gateway, 'h1', { path: `/${name}` })).headers['content-type']).toBe(type)
  })
})
