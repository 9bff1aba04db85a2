import { afterEach, describe, expect, it, test } from 'vitest'
import { mergeRules } from '../../src/plan/model/headers.ts'
import { ask, logged, protocols, rawSocket, readUntil } from './clients.ts'
import { cleanUp, host, proxyTo, startGateway } from './support.ts'
import { mirror, rawUpstream, type Seen, upstream, valuesOf } from './upstreams.ts'

afterEach(cleanUp)

const uuidV4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

describe.each(protocols)('what upstreams get over %s', (protocol) => {
  const scheme = protocol === 'h1' ? 'http' : 'https'

  it('is what the client sent, with fields set, removed and added as the gateway and the route say', async () => {
    const behind = await mirror()
    const gateway = await startGateway({
      requestHeaders: { 'x-secret': null, 'x-set': 'gateway', 'x-both': 'gateway', 'x-added': { add: ['gateway'] } },
      routes: [
        {
          ...proxyTo(behind.port),
          request: { 'x-both': 'route', 'x-added': { add: ['route'] }, 'x-list': ['a', 'b'] },
        },
      ],
    })
    const { body } = await ask(gateway, protocol, {
      headers: { 'x-secret': '1', 'X-Set': 'client', 'x-both': 'client', 'x-added': 'client', 'x-own': 'client' },
    })
    const seen = JSON.parse(body) as Seen
    expect(valuesOf(seen, 'x-secret')).toEqual([])
    expect(valuesOf(seen, 'x-set')).toEqual(['gateway'])
    expect(valuesOf(seen, 'x-both')).toEqual(['route'])
    expect(valuesOf(seen, 'x-added')).toEqual(['client', 'gateway', 'route'])
    expect(valuesOf(seen, 'x-list')).toEqual(['a', 'b'])
    expect(valuesOf(seen, 'x-own')).toEqual(['client'])
  })

  it('may hold what is known of the request, in place of what the client says of it', async () => {
    const behind = await mirror()
    const gateway = await startGateway({
      routes: [
        {
          ...proxyTo(behind.port),
          request: {
            'x-about': '{scheme}://{host}{uri} of {client} as {request_id}, {"json":"{other}"}',
            'x-forwarded-proto': 'https',
            host: 'inner.example:8080',
          },
        },
      ],
    })
    const { body, headers } = await ask(gateway, protocol, { path: '/a?b=c', headers: { 'x-about': 'forged' } })
    const seen = JSON.parse(body) as Seen
    const id = headers['x-request-id']
    expect(valuesOf(seen, 'x-about')).toEqual([`${scheme}://${host}/a?b=c of 127.0.0.1 as ${id}, {"json":"{other}"}`])
    expect(valuesOf(seen, 'x-forwarded-proto')).toEqual(['https'])
    expect(valuesOf(seen, 'host')).toEqual(['inner.example:8080'])
  })

  it('has trace headers as they came', async () => {
    const behind = await mirror()
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const trace = {
      'x-amzn-trace-id': 'Root=1-67891233-abcdef012345678912345678',
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      tracestate: 'a=b',
    }
    const { body } = await ask(gateway, protocol, { headers: trace })
    for (const [name, value] of Object.entries(trace)) expect(valuesOf(JSON.parse(body), name)).toEqual([value])
  })
})

describe.each(protocols)('answers over %s', (protocol) => {
  it('get fields added beside those of the upstream, several of one name too, and placeholders filled in', async () => {
    const behind = await upstream((_request, response) => {
      response.writeHead(200, { Link: '</own>', 'X-Host': 'upstream' }).end()
    })
    const gateway = await startGateway({
      headers: { link: { add: ['</gateway>'] }, 'x-host': '{host}', 'x-two': ['1', '2'] },
      routes: [{ ...proxyTo(behind.port), response: { link: { add: ['</route>'] } } }],
    })
    const { raw } = await ask(gateway, protocol)
    const answer = { headers: raw }
    expect(valuesOf(answer, 'link').join(', ')).toBe('</own>, </gateway>, </route>')
    expect(valuesOf(answer, 'x-host')).toEqual([host])
    expect(valuesOf(answer, 'x-two').join(', ')).toBe('1, 2')
  })
})

describe.each(protocols)('request ids over %s', (protocol) => {
  const invalid = { header: 'x-request-id', accept: 'uuid-v4', invalid: 'invalid_request_id' } as const
  const own = '0d5c8a3e-2b1f-4c6d-9e8f-7a6b5c4d3e2f'

  test.each([
    ['none', undefined, 'invalid_request_id'],
    ['one that is no v4 UUID', 'abc', 'invalid_request_id'],
    ['one with a line of its own', `${own}x`, 'invalid_request_id'],
    ['a v4 UUID', own, own],
  ])('a client that sends %s', async (_, sent, expected) => {
    const behind = await mirror()
    const gateway = await startGateway({ requestId: invalid, routes: [proxyTo(behind.port)] })
    const { headers, body } = await ask(gateway, protocol, {
      headers: sent === undefined ? {} : { 'x-request-id': sent },
    })
    expect(headers['x-request-id']).toBe(expected)
    expect(valuesOf(JSON.parse(body), 'x-request-id')).toEqual([expected])
    expect(await gateway.waitForRecord(() => true)).toMatchObject({ ...logged[protocol], requestId: expected })
  })

  it("have a second one that is never the client's, nor the upstream's", async () => {
    const seen: (string | undefined)[] = []
    const behind = await upstream((request, response) => {
      seen.push(request.headers['x-internal-id'] as string)
      response.writeHead(200, { 'X-Internal-Id': 'forged' }).end()
    })
    const requestId = { ...invalid, internal: 'x-internal-id' }
    const gateway = await startGateway({ requestId, routes: [proxyTo(behind.port)] })
    const { headers } = await ask(gateway, protocol, { headers: { 'x-internal-id': own, x_internal_id: own } })
    const id = headers['x-internal-id']
    expect(id).toMatch(uuidV4)
    expect(id).not.toBe(own)
    expect(seen).toEqual([id])
    expect(await gateway.waitForRecord(() => true)).toMatchObject({ requestId: 'invalid_request_id', internalId: id })
  })

  it('have both on an error of our own', async () => {
    const gateway = await startGateway({ requestId: { ...invalid, internal: 'x-internal-id' }, routes: [] })
    const { status, headers } = await ask(gateway, protocol)
    expect(status).toBe(404)
    expect(headers).toMatchObject({
      'x-request-id': 'invalid_request_id',
      'x-internal-id': expect.stringMatching(uuidV4),
    })
  })
})

test('an upgrade gets the same headers as any request', async () => {
  const seen: string[] = []
  const behind = await rawUpstream((socket) => {
    socket.once('data', (bytes) => {
      seen.push(bytes.toString('latin1'))
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n')
    })
  })
  const gateway = await startGateway({
    requestHeaders: { 'x-secret': null, 'x-set': '{host}' },
    requestId: { header: 'x-request-id', accept: 'uuid-v4', invalid: 'none', internal: 'x-internal-id' },
    routes: [proxyTo(behind.port)],
  })
  const socket = rawSocket(gateway.http)
  socket.write(
    'GET / HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Secret: 1\r\nX-Internal-Id: 1\r\n' +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
  )
  await readUntil(socket, '\r\n\r\n')
  expect(seen[0]).toMatch(/^x-set: a\.example\r$/im)
  expect(seen[0]).toMatch(/^x-request-id: none\r$/im)
  expect(seen[0]).toMatch(/^x-internal-id: [0-9a-f-]{36}\r$/im)
  expect(seen[0]).not.toMatch(/x-secret/i)
})

test.each([
  ['a route sets over what the gateway adds', { add: ['a'] }, 'b', 'b'],
  ['a route adds to what the gateway sets', 'a', { add: ['b'] }, ['a', 'b']],
  ['a route adds to what the gateway adds', { add: ['a'] }, { add: ['b'] }, { add: ['a', 'b'] }],
  ['a route adds where the gateway removes: only its own is there', null, { add: ['b'] }, ['b']],
  ['a route removes what the gateway sets', 'a', null, null],
])('%s', (_, gateway, route, laid) => {
  expect(mergeRules({ x: gateway }, { x: route })).toEqual({ x: laid })
})
