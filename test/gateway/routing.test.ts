import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { ask, askOn, exchangeRaw, h2Session, logged, protocols, text } from './clients.ts'
import { cleanUp, host, proxyTo, startGateway, temporaryFolder } from './support.ts'
import { mirror, type Seen, upstream, valuesOf } from './upstreams.ts'

afterEach(cleanUp)

describe.each(protocols)('routing over %s', (protocol) => {
  it('goes by host, path and method in the order of the file, and logs the route', async () => {
    const named = (name: string) => upstream((_request, response) => response.end(name))
    const [byHost, byPath, byMethod, rest] = await Promise.all(['host', 'path', 'method', 'rest'].map(named))
    const gateway = await startGateway({
      routes: [
        { ...proxyTo(byHost?.port ?? 0), match: { hosts: [`*.${host}`] } },
        { ...proxyTo(byPath?.port ?? 0), match: { paths: ['/api/*', '*.map'] } },
        { ...proxyTo(byMethod?.port ?? 0), match: { methods: ['PUT'] } },
        { ...proxyTo(rest?.port ?? 0) },
      ],
    })
    const answers = await Promise.all([
      ask(gateway, protocol, { path: '/api/a', headers: { host: `SUB.App.Example:8443` } }),
      ask(gateway, protocol, { path: '/api/a' }),
      ask(gateway, protocol, { path: '/x.map', method: 'PUT' }),
      ask(gateway, protocol, { path: '/x', method: 'PUT' }),
      ask(gateway, protocol, { path: '/api' }),
    ])
    expect(answers.map(({ body }) => body)).toEqual(['host', 'path', 'path', 'method', 'rest'])
    expect(await gateway.waitForRecord(({ path }) => path === '/api')).toMatchObject({
      ...logged[protocol],
      route: 'route 3',
      status: 200,
      host,
      bytes: 4,
      client: '127.0.0.1',
    })
  })

  it('answers 404 where no route matches', async () => {
    const gateway = await startGateway({ routes: [] })
    expect(await ask(gateway, protocol, { path: '/x' })).toMatchObject({ status: 404, body: '404 Not Found\n' })
    expect(await gateway.waitForRecord(() => true)).toMatchObject({ status: 404, error: 'no route matches' })
    expect(gateway.records[0]).not.toHaveProperty('route')
  })

  it('passes over a route for existing files where there is none, and where the method reads no files', async () => {
    const root = await temporaryFolder()
    await writeFile(join(root, 'there.txt'), 'file')
    const behind = await upstream((_request, response) => response.end('upstream'))
    const gateway = await startGateway({
      routes: [{ kind: 'files', root, existingOnly: true, except: [] }, proxyTo(behind.port)],
    })
    expect((await ask(gateway, protocol, { path: '/there.txt' })).body).toBe('file')
    expect((await ask(gateway, protocol, { path: '/missing.txt' })).body).toBe('upstream')
    expect((await ask(gateway, protocol, { path: '/there.txt', method: 'POST', body: 'x' })).body).toBe('upstream')
  })

  it('shows the upstream the path that was matched', async () => {
    const behind = await mirror()
    const gateway = await startGateway({ routes: [{ ...proxyTo(behind.port), match: { paths: ['/api/*'] } }] })
    const { body } = await ask(gateway, protocol, { path: '/x/%2e%2E/%61pi/./b%2fc?d=../%2e' })
    expect((JSON.parse(body) as Seen).url).toBe('/api/b%2Fc?d=../%2e')
    expect((await ask(gateway, protocol, { path: '/api/../secret' })).status).toBe(404)
    expect((await ask(gateway, protocol, { path: '/api/%2e%2e/%2e%2e/x' })).status).toBe(400)
  })
})

describe('routing by listener', () => {
  it('tells two listeners apart', async () => {
    const gateway = await startGateway({
      routes: [
        { kind: 'redirect', to: 'https://{host}{uri}', status: 302, close: false, match: { listeners: ['http'] } },
        { kind: 'redirect', to: '/secure', status: 302, close: false },
      ],
    })
    expect((await ask(gateway, 'h1', { path: '/a?b' })).headers.location).toBe(`https://${host}/a?b`)
    expect((await ask(gateway, 'h1s', { path: '/a?b' })).headers.location).toBe('/secure')
  })
})

describe('what the request names', () => {
  it('takes host and path of an absolute-form target, whatever Host says (RFC 9112 §3.2.2)', async () => {
    const behind = await mirror()
    const gateway = await startGateway({ routes: [{ ...proxyTo(behind.port), match: { hosts: ['real.example'] } }] })
    const answer = await exchangeRaw(
      gateway.http,
      'GET http://Real.example:81/a?b HTTP/1.1\r\nHost: forged.example\r\nConnection: close\r\n\r\n',
    )
    const seen = JSON.parse(answer.slice(answer.indexOf('{'), answer.lastIndexOf('}') + 1)) as Seen
    expect(seen.url).toBe('/a?b')
    expect(valuesOf(seen, 'host')).toEqual(['Real.example:81'])
    expect(valuesOf(seen, 'x-forwarded-host')).toEqual(['Real.example:81'])
  })

  it.each([
    ['a repeated Host', 'GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n'],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n'],
    ['a Host that is none', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n'],
    ['a user in the target', 'GET http://user@app.example/ HTTP/1.1\r\nHost: app.example\r\n\r\n'],
    ['a NUL in the path', 'GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['a path above the root', 'GET /../x HTTP/1.1\r\nHost: a\r\n\r\n'],
    [
      'both Content-Length and Transfer-Encoding',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['two lengths', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc'],
    ['a folded header', 'GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n'],
    ['a space before the colon', 'GET / HTTP/1.1\r\nHost : a\r\n\r\n'],
    ['no HTTP at all', 'hello\r\n\r\n'],
  ])('%s is answered with 400 and the connection is closed', async (_what, bytes) => {
    const behind = await upstream((_request, response) => response.end('reached'))
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const answer = await exchangeRaw(gateway.http, bytes)
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/)
    expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1)
    expect(answer).not.toContain('reached')
  })

  it('h2 with an empty authority is malformed; with Host in its place it is not (RFC 9113 §8.3.1)', async () => {
    const behind = await mirror()
    const gateway = await startGateway({ routes: [{ ...proxyTo(behind.port), match: { hosts: [host] } }] })
    await expect(askOn(h2Session(gateway), { headers: { host: '' } })).rejects.toThrow('PROTOCOL_ERROR')
    const stream = h2Session(gateway).request({ ':path': '/', host: 'APP.example:1' })
    const seen = JSON.parse(await text(stream)) as Seen
    expect(valuesOf(seen, 'host')).toEqual(['APP.example:1'])
  })

  it('an unknown method is answered with 501 over h2', async () => {
    const gateway = await startGateway({ routes: [] })
    expect((await askOn(h2Session(gateway), { method: 'FROB' })).status).toBe(501)
    expect(await gateway.waitForRecord(() => true)).toMatchObject({
      status: 501,
      method: 'FROB',
      error: 'unknown method FROB',
    })
  })

  it('HTTP/1.0 without a Host is served', async () => {
    const behind = await mirror()
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    expect(await exchangeRaw(gateway.http, 'GET /old HTTP/1.0\r\n\r\n')).toContain('"url":"/old"')
  })
})
