import { afterEach, describe, expect, it, test } from 'vitest'
import { errorBody } from '../../src/gateway/response/error-body.ts'
import { refusingPort } from '../support/refusing-port.ts'
import { ask, exchangeRaw, logged, protocols, rawSocket, readUntil, text, tlsSocket } from './clients.ts'
import { cleanUp, proxyTo, startGateway } from './support.ts'
import { upstream } from './upstreams.ts'

afterEach(cleanUp)

const requestId = 'an-id'

describe('an error of ours in the format `auto`', () => {
  test.each([
    ['no Accept at all', undefined, 'text/plain; charset=utf-8'],
    ['anything', '*/*', 'text/plain; charset=utf-8'],
    ['a browser', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'text/html; charset=utf-8'],
    ['an API client', 'application/json, text/plain, */*', 'application/json'],
    ['a kind of JSON', 'application/problem+json', 'application/json'],
    ['a weight for plain text above JSON', 'application/json;q=0.5, text/plain', 'text/plain; charset=utf-8'],
    ['JSON refused', 'application/json;q=0, */*', 'text/plain; charset=utf-8'],
    ['a weight that is none', 'application/json;q=high', 'text/plain; charset=utf-8'],
    ['an event stream', 'text/event-stream', 'text/plain; charset=utf-8'],
  ])('for %s', (_, accept, expected) => {
    const { headers } = errorBody(404, { format: 'auto' }, { accept, requestId })
    expect(headers).toEqual(['content-type', expected, 'vary', 'accept'])
  })

  it('says status and id, and makes no markup of an id', () => {
    const asked = { accept: undefined, requestId: '<b>"' }
    expect(errorBody(404, { format: 'plain' }, asked).text).toBe('404 Not Found\n')
    expect(JSON.parse(errorBody(503, { format: 'json' }, asked).text)).toEqual({
      status: 503,
      error: 'Service Unavailable',
      requestId: '<b>"',
    })
    const page = errorBody(502, { format: 'auto' }, { ...asked, accept: 'text/html' }).text
    expect(page).toContain('<h1 style="font-size: 1.5rem">502 Bad Gateway</h1>')
    expect(page).toContain('<code>&#60;b&#62;&#34;</code>')
  })
})

describe.each(protocols)('errors over %s', (protocol) => {
  it('have the format that the client accepts, and reveal nothing of the upstream', async () => {
    const gateway = await startGateway({
      headers: { 'x-content-type-options': 'nosniff' },
      routes: [proxyTo(await refusingPort())],
    })
    const json = await ask(gateway, protocol, { headers: { accept: 'application/json' } })
    expect(json.status).toBe(502)
    expect(JSON.parse(json.body)).toEqual({
      status: 502,
      error: 'Bad Gateway',
      requestId: json.headers['x-request-id'],
    })
    const page = await ask(gateway, protocol, { headers: { accept: 'text/html' } })
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
    const plain = await ask(gateway, protocol)
    expect(plain.body).toBe('502 Bad Gateway\n')
    for (const { headers, body } of [json, page, plain]) {
      expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', vary: 'accept' })
      expect(headers).not.toHaveProperty('cache-control')
      expect(headers).not.toHaveProperty('server')
      expect(body).not.toContain('ECONNREFUSED')
      expect(body).not.toContain('127.0.0.1')
    }
    expect(await gateway.waitForRecord(() => true)).toMatchObject({
      ...logged[protocol],
      status: 502,
      error: expect.stringContaining('ECONNREFUSED'),
    })
  })

  it('are of one kind if the config says so', async () => {
    const plain = await startGateway({ errors: { format: 'plain' }, routes: [] })
    const asPlain = await ask(plain, protocol, { headers: { accept: 'application/json' } })
    expect(asPlain).toMatchObject({ status: 404, body: '404 Not Found\n' })
    expect(asPlain.headers).not.toHaveProperty('vary')
    const json = await startGateway({ errors: { format: 'json' }, routes: [] })
    expect(JSON.parse((await ask(json, protocol, { headers: { accept: 'text/html' } })).body)).toMatchObject({
      status: 404,
    })
  })

  it('of an upstream are passed on as they are', async () => {
    const behind = await upstream((_request, response) => {
      response.writeHead(404, { 'Content-Type': 'text/x-own' }).end('own words')
    })
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const { status, headers, body } = await ask(gateway, protocol, { headers: { accept: 'application/json' } })
    expect({ status, body, type: headers['content-type'] }).toEqual({
      status: 404,
      body: 'own words',
      type: 'text/x-own',
    })
  })

  it('have a head alone where only the head was asked for', async () => {
    const gateway = await startGateway({ routes: [] })
    const { status, headers, body } = await ask(gateway, protocol, { method: 'HEAD' })
    expect({ status, body, length: headers['content-length'] }).toEqual({ status: 404, body: '', length: '14' })
  })
})

describe.each(['h1', 'h1s'] as const)('what cannot be read as a request, over %s', (protocol) => {
  const rubbish = 'GET / HTTP/1.1\r\nHost: a\r\nBad Header: 1\r\n\r\n'

  it("is answered 400 with the gateway's headers and an id, logged, and the connection closed", async () => {
    const gateway = await startGateway({
      headers: { 'x-content-type-options': 'nosniff', 'x-client': '{client}' },
      requestId: { header: 'x-request-id', accept: 'uuid-v4', internal: 'x-internal-id' },
      routes: [],
    })
    const socket = protocol === 'h1' ? rawSocket(gateway.http) : tlsSocket(gateway.https)
    socket.write(rubbish)
    const answer = await text(socket)
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/)
    expect(answer).toMatch(/^x-content-type-options: nosniff\r$/im)
    expect(answer).toMatch(/^x-client: 127\.0\.0\.1\r$/im)
    expect(answer).toMatch(/^x-internal-id: [0-9a-f-]{36}\r$/im)
    expect(answer).toMatch(/^connection: close\r$/im)
    expect(answer).toMatch(/\r\n\r\n400 Bad Request\n$/)
    const [, id] = /^x-request-id: (.*)\r$/im.exec(answer) ?? []
    expect(await gateway.waitForRecord(() => true)).toMatchObject({
      ...logged[protocol],
      requestId: id,
      client: '127.0.0.1',
      status: 400,
      path: '(unreadable)',
      error: expect.stringContaining('unreadable request'),
    })
  })

  it('is answered once, however much of it follows', async () => {
    const gateway = await startGateway({ routes: [] })
    const socket = protocol === 'h1' ? rawSocket(gateway.http) : tlsSocket(gateway.https)
    socket.write(rubbish)
    await readUntil(socket, '400 Bad Request\n')
    for (let i = 0; i < 20; i += 1) socket.write(rubbish)
    socket.end()
    socket.resume()
    expect(await gateway.waitForRecord(() => true)).toMatchObject({ status: 400 })
    expect(gateway.records).toHaveLength(1)
  })
})

test('a head that is too long is answered 431 in time for a client that is still sending it', async () => {
  const gateway = await startGateway({ routes: [] })
  const answer = await exchangeRaw(
    gateway.http,
    `GET / HTTP/1.1\r\nHost: a\r\nX-Long: ${'a'.repeat(3_000_000)}\r\n\r\n`,
  )
  expect(answer).toMatch(/^HTTP\/1\.1 431 /)
  expect(await gateway.waitForRecord(() => true)).toMatchObject({ status: 431 })
})
