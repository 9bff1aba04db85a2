import { afterEach, describe, expect, it } from 'vitest'
import { refusingPort } from '../support/refusing-port.ts'
import { ask, askOn, exchangeRaw, h2Session, logged, protocols, rawSocket, readUntil } from './clients.ts'
import { cleanUp, host, proxyTo, startGateway } from './support.ts'
import { mirror, rawUpstream, type Seen, upstream, valuesOf } from './upstreams.ts'

afterEach(cleanUp)

const uuidV4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const ownId = '0b9e2f6a-1c3d-4e5f-8a7b-0123456789ab'

describe.each(protocols)('headers for an upstream over %s', (protocol) => {
  it('name the client, the host and the scheme, and nothing that the client forged', async () => {
    const behind = await mirror()
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const forged = {
      'X-Forwarded-For': '6.6.6.6',
      'X-Forwarded-Proto': 'gopher',
      'X-Forwarded-Host': 'evil',
      'X-Forwarded-Port': '1',
      X_Forwarded_For: '6.6.6.6',
      'X.Forwarded.Host': 'evil',
      Forwarded: 'for=6.6.6.6',
      X_Request_Id: 'evil',
    }
    const { body } = await ask(gateway, protocol, { headers: { host: `${host}:8443`, ...forged } })
    const seen = JSON.parse(body) as Seen
    expect(valuesOf(seen, 'host')).toEqual([`${host}:8443`])
    expect(valuesOf(seen, 'x-forwarded-for')).toEqual(['127.0.0.1'])
    expect(valuesOf(seen, 'x-forwarded-proto')).toEqual([logged[protocol].tls ? 'https' : 'http'])
    expect(valuesOf(seen, 'x-forwarded-host')).toEqual([`${host}:8443`])
    expect(body).not.toMatch(/6\.6\.6\.6|evil|gopher|x-forwarded-port/i)
  })

  it('keeps a request id that is a UUID, mints one otherwise, and says it to both sides', async () => {
    const behind = await mirror()
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const kept = await ask(gateway, protocol, { headers: { 'X-Request-Id': ownId } })
    expect(kept.headers['x-request-id']).toBe(ownId)
    expect(valuesOf(JSON.parse(kept.body) as Seen, 'x-request-id')).toEqual([ownId])
    const minted = await ask(gateway, protocol, { path: '/minted', headers: { 'X-Request-Id': 'mine' } })
    const id = valuesOf(JSON.parse(minted.body) as Seen, 'x-request-id')
    expect(id).toEqual([expect.stringMatching(uuidV4)])
    expect(minted.headers['x-request-id']).toBe(id[0])
    expect(await gateway.waitForRecord(({ path }) => path === '/minted')).toMatchObject({ requestId: id[0] })
  })

  it('does not hand out the request id twice where the upstream echoes it', async () => {
    const behind = await upstream((request, response) => {
      response.writeHead(200, { 'X-Request-ID': request.headers['x-request-id'] }).end()
    })
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const answer = await ask(gateway, protocol, { headers: { 'X-Request-Id': ownId } })
    expect(valuesOf({ headers: answer.raw }, 'x-request-id')).toEqual([ownId])
  })

  it('passes repeated headers on, each on its own', async () => {
    const behind = await upstream((_request, response) => {
      response.writeHead(200, ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'X-Seen', 'yes', 'Set-Cookie', 'a=1']).end()
    })
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const { headers } = await ask(gateway, protocol)
    expect(headers['set-cookie']).toEqual(['a=1', 'b=2', 'a=1'])
    expect(headers['x-seen']).toBe('yes')
  })

  it('removes what belongs to the connection with the upstream from its answer', async () => {
    const behind = await rawUpstream((socket) => {
      socket.once('data', () =>
        socket.write(
          'HTTP/1.1 200 OK\r\nConnection: X-Hop\r\nConnection: keep-alive, x-other\r\nKeep-Alive: timeout=99\r\nX-Hop: 1\r\n' +
            'X-Other: 1\r\nProxy-Authenticate: Basic\r\nX-Kept: 1\r\nContent-Length: 2\r\n\r\nok',
        ),
      )
    })
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const { headers, body } = await ask(gateway, protocol)
    expect(body).toBe('ok')
    expect(headers['x-kept']).toBe('1')
    for (const hop of ['x-hop', 'x-other', 'proxy-authenticate']) expect(headers).not.toHaveProperty(hop)
    expect(headers['keep-alive'] ?? '').not.toContain('99')
  })

  it('obeys the route over the gateway: sets, replaces and removes headers of the answer', async () => {
    const behind = await upstream((_request, response) => {
      response.writeHead(200, { Server: 'secret/1.0', 'X-Frame-Options': 'ALLOW', 'X-Own': 'kept' }).end()
    })
    const gateway = await startGateway({
      headers: { server: null, 'x-frame-options': 'DENY', 'x-gateway': 'yes', 'x-both': 'gateway' },
      routes: [{ ...proxyTo(behind.port), response: { 'x-both': 'route', 'x-gateway': null } }],
    })
    const { headers } = await ask(gateway, protocol)
    expect(headers).toMatchObject({ 'x-frame-options': 'DENY', 'x-both': 'route', 'x-own': 'kept' })
    expect(headers).not.toHaveProperty('server')
    expect(headers).not.toHaveProperty('x-gateway')
  })

  it("gives errors the gateway's headers and none of the route", async () => {
    const gateway = await startGateway({
      headers: { 'x-content-type-options': 'nosniff' },
      routes: [{ ...proxyTo(await refusingPort()), response: { 'cache-control': 'max-age=99' } }],
    })
    const { status, headers } = await ask(gateway, protocol)
    expect(status).toBe(502)
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-request-id': expect.stringMatching(uuidV4),
    })
    expect(headers).not.toHaveProperty('cache-control')
  })
})

describe('headers of one protocol only', () => {
  it('joins the cookies that h2 may split', async () => {
    const behind = await mirror()
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const { body } = await askOn(h2Session(gateway), { headers: { cookie: ['a=1', 'b=2', 'c=3'] } })
    expect(valuesOf(JSON.parse(body) as Seen, 'cookie')).toEqual(['a=1; b=2; c=3'])
  })

  it('passes on no pseudo-headers of h2', async () => {
    const behind = await mirror()
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const { body } = await askOn(h2Session(gateway), { headers: { te: 'trailers' } })
    const { headers } = JSON.parse(body) as Seen
    expect(headers.filter(([name]) => name.startsWith(':') || name === 'te')).toEqual([])
  })

  it('removes hop-by-hop headers, and those that Connection names, from an h1 request', async () => {
    const behind = await mirror()
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const answer = await exchangeRaw(
      gateway.http,
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: close, X-Foo, x-forwarded-for, Cookie\r\nX-Foo: 1\r\nCookie: a=1\r\nKeep-Alive: 5\r\n' +
        'TE: gzip\r\nTrailer: X-End\r\nProxy-Authorization: Basic x\r\nProxy-Connection: close\r\nX-Kept: 1\r\n\r\n',
    )
    const seen = JSON.parse(answer.slice(answer.indexOf('{'), answer.lastIndexOf('}') + 1)) as Seen
    for (const hop of ['x-foo', 'cookie', 'keep-alive', 'te', 'trailer', 'proxy-authorization', 'proxy-connection']) {
      expect(valuesOf(seen, hop), hop).toEqual([])
    }
    expect(valuesOf(seen, 'x-kept')).toEqual(['1'])
    expect(valuesOf(seen, 'x-forwarded-for')).toEqual(['127.0.0.1'])
  })

  it('continues a client that expects it, and passes no Expect on', async () => {
    const behind = await mirror()
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const socket = rawSocket(gateway.http)
    socket.write('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\nConnection: close\r\n\r\n')
    expect(await readUntil(socket, '\r\n\r\n')).toBe('HTTP/1.1 100 Continue\r\n\r\n')
    socket.write('body')
    const answer = await readUntil(socket, '}')
    expect(answer).toContain('"body":"body"')
    expect(answer).not.toMatch(/expect/i)
  })

  it('answers an unknown expectation with 417', async () => {
    const gateway = await startGateway({ routes: [] })
    const answer = await exchangeRaw(
      gateway.http,
      'GET / HTTP/1.1\r\nHost: a\r\nExpect: magic\r\nConnection: close\r\n\r\n',
    )
    expect(answer).toMatch(/^HTTP\/1\.1 417 /)
  })

  it.each(protocols)('passes bytes above ASCII in header values through unchanged over %s', async (protocol) => {
    const behind = await upstream((request, response) => {
      response.writeHead(200, ['X-Back', request.headers['x-name'] as string]).end()
    })
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const { headers } = await ask(gateway, protocol, { headers: { 'X-Name': 'caf\xe9' } })
    expect(headers['x-back']).toBe('caf\xe9')
  })
})
