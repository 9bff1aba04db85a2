import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it, test } from 'vitest'
import { readTargetPath } from '../../src/gateway/request/target-path.ts'
import { compileRewrite } from '../../src/gateway/route/rewrite.ts'
import { ask, logged, protocols, rawSocket, readUntil } from './clients.ts'
import { cleanUp, proxyTo, startGateway, temporaryFolder } from './support.ts'
import { mirror, rawUpstream, type Seen } from './upstreams.ts'

afterEach(cleanUp)

describe('the path inside', () => {
  test.each([
    ['the prefix goes', { stripPrefix: '/old' }, '/old/a/b', '/a/b'],
    ['a bare prefix leaves the root', { stripPrefix: '/old' }, '/old', '/'],
    ['with its slash too', { stripPrefix: '/old' }, '/old/', '/'],
    ['half a segment is no prefix', { stripPrefix: '/old' }, '/older/a', '/older/a'],
    ['another path stays', { stripPrefix: '/old' }, '/new/old/a', '/new/old/a'],
    ['it goes once only', { stripPrefix: '/old' }, '/old/old/a', '/old/a'],
    ['the query stays', { stripPrefix: '/old' }, '/old/a?b=/old/c', '/a?b=/old/c'],
    ['no host is left of doubled slashes', { stripPrefix: '/old' }, '/old//evil.example/a', '/evil.example/a'],
    ['what was escaped stays escaped', { stripPrefix: '/old' }, '/old/%2e%2e%2Fa', '/..%2Fa'],
    ['what climbs was resolved before', { stripPrefix: '/old' }, '/old/a/../b', '/b'],
    ['an escaped prefix is the same prefix', { stripPrefix: '/old' }, '/%6fld/a', '/a'],
    ['another path takes its place', { path: '/fixed' }, '/a?b', '/fixed?b'],
    ['with what is left in it', { stripPrefix: '/v1', path: '/v2{path}' }, '/v1/a$&/b', '/v2/a$&/b'],
    ['it may stand behind a slash', { path: '/v2/{path}' }, '/a', '/v2//a'],
  ])('%s', (_, rewrite, asked, inside) => {
    const target = readTargetPath(asked)
    if (!target) throw new Error('the test asks for an unsound path')
    const result = compileRewrite(rewrite)(target)
    expect(result && result.path + result.query).toBe(inside)
  })

  test('that would climb is none', () => {
    expect(compileRewrite({ path: '/..{path}' })({ path: '/', query: '' })).toBeUndefined()
    expect(compileRewrite({ path: '/../x' })({ path: '/', query: '' })).toBeUndefined()
  })
})

describe.each(protocols)('a rewritten path over %s', (protocol) => {
  it('is what the upstream sees; the log keeps what was asked', async () => {
    const behind = await mirror()
    const gateway = await startGateway({
      routes: [{ ...proxyTo(behind.port), match: { paths: ['/old/*'] }, rewrite: { stripPrefix: '/old' } }],
    })
    const { body } = await ask(gateway, protocol, { path: '/old/a%2fb/../c?d=e' })
    expect((JSON.parse(body) as Seen).url).toBe('/c?d=e')
    expect(await gateway.waitForRecord(() => true)).toMatchObject({ ...logged[protocol], path: '/old/c', status: 200 })
  })

  it('is the file that is opened, also to choose the route by', async () => {
    const root = await temporaryFolder()
    await mkdir(join(root, 'docs'))
    await writeFile(join(root, 'docs/a.txt'), 'found')
    await writeFile(join(root, 'secret.txt'), 'secret')
    const files = { kind: 'files', root: join(root, 'docs'), except: [] } as const
    const rewrite = { stripPrefix: '/manual' }
    const gateway = await startGateway({
      routes: [
        { ...files, existingOnly: true, match: { paths: ['/manual/*'] }, rewrite },
        { kind: 'redirect', to: '/missing', status: 302, close: false },
      ],
    })
    expect(await ask(gateway, protocol, { path: '/manual/a.txt' })).toMatchObject({ status: 200, body: 'found' })
    for (const path of ['/manual/b.txt', '/a.txt', '/manual/..%2fsecret.txt', '/manual/%2e%2e%2fsecret.txt']) {
      expect(await ask(gateway, protocol, { path }), path).toMatchObject({ status: 302 })
    }
    expect(await ask(gateway, protocol, { path: '/manual/../../secret.txt' })).toMatchObject({ status: 400 })
  })

  it('that would climb is refused', async () => {
    const behind = await mirror()
    const gateway = await startGateway({ routes: [{ ...proxyTo(behind.port), rewrite: { path: '/../x' } }] })
    expect(await ask(gateway, protocol)).toMatchObject({ status: 400 })
    expect(await gateway.waitForRecord(() => true)).toMatchObject({ error: 'the rewrite results in no valid path' })
  })
})

test('an upgrade is forwarded to the rewritten path', async () => {
  const seen: string[] = []
  const behind = await rawUpstream((socket) => {
    socket.once('data', (bytes) => {
      seen.push(bytes.toString('latin1'))
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n')
    })
  })
  const gateway = await startGateway({ routes: [{ ...proxyTo(behind.port), rewrite: { stripPrefix: '/ws' } }] })
  const socket = rawSocket(gateway.http)
  socket.write(
    'GET /ws/room?id=1 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
  )
  await readUntil(socket, '\r\n\r\n')
  expect(seen[0]).toMatch(/^GET \/room\?id=1 HTTP\/1\.1\r\n/)
})
