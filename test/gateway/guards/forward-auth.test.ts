import { afterEach, describe, expect, it } from 'vitest'
import { refusingPort } from '../../support/refusing-port.ts'
import { ask, logged, protocols, rawSocket, text, tlsSocket } from '../clients.ts'
import { cleanUp, host, type RunningGateway } from '../support.ts'
import { rawUpstream, type Seen, valuesOf } from '../upstreams.ts'
import { asking, service } from './auth-support.ts'

afterEach(cleanUp)

describe.each(protocols)('forward auth over %s', (protocol) => {
  it('asks with the method, target and headers of the request, without its body', async () => {
    const auth = await service((_request, response) => response.writeHead(204).end())
    const { gateway } = await asking(auth.port)
    const body = 'the body'
    const headers = {
      cookie: 'session=1',
      'content-type': 'text/plain',
      'x-forwarded-method': 'GET',
      'x-forwarded-uri': '/public',
    }
    const answer = await ask(gateway, protocol, { method: 'POST', path: '/a?b=c', headers, body })
    expect((JSON.parse(answer.body) as Seen).body).toBe(body)
    expect(auth.asked).toHaveLength(1)
    const [seen] = auth.asked as [Seen]
    expect([seen.method, seen.url]).toEqual(['GET', '/verify?x=1'])
    const expected = {
      'x-forwarded-method': 'POST',
      'x-forwarded-uri': '/a?b=c',
      'x-forwarded-host': host,
      'x-forwarded-proto': protocol === 'h1' ? 'http' : 'https',
      'x-forwarded-for': '127.0.0.1',
      host: `127.0.0.1:${auth.port}`,
      cookie: 'session=1',
    }
    for (const [name, value] of Object.entries(expected)) expect([name, valuesOf(seen, name)]).toEqual([name, [value]])
    for (const name of ['content-length', 'content-type', 'transfer-encoding']) expect(valuesOf(seen, name)).toEqual([])
  })

  it('copies the headers that are wanted, and never the client’s own', async () => {
    const auth = await service((_request, response) => {
      response.writeHead(200, { 'X-User': 'ada', 'X-Secret': 'not asked for' }).end('welcome')
    })
    const { gateway } = await asking(auth.port, { copy: ['x-user', 'x-role'] })
    const headers = { 'x-user': 'forged', 'x-role': 'admin' }
    const seen = JSON.parse((await ask(gateway, protocol, { headers })).body) as Seen
    expect(valuesOf(seen, 'x-user')).toEqual(['ada'])
    expect(valuesOf(seen, 'x-role')).toEqual([])
    expect(valuesOf(seen, 'x-secret')).toEqual([])
  })

  it('gives any other answer to the client, and dials no upstream', async () => {
    const auth = await service((_request, response) => {
      response.writeHead(302, { Location: 'https://login.example/', 'Set-Cookie': ['a=1', 'b=2'] }).end('go there')
    })
    const { gateway, behind } = await asking(auth.port)
    const answer = await ask(gateway, protocol, { path: '/a' })
    expect([answer.status, answer.body, answer.headers.location]).toEqual([302, 'go there', 'https://login.example/'])
    expect(answer.headers['set-cookie']).toEqual(['a=1', 'b=2'])
    expect(await behind.connections()).toBe(0)
    const record = await gateway.waitForRecord(({ path }) => path === '/a')
    expect(record).toMatchObject({ ...logged[protocol], status: 302, bytes: 8, route: 'route 0' })
  })

  it('is 503 where the service cannot be reached', async () => {
    const { gateway, behind } = await asking(await refusingPort())
    expect((await ask(gateway, protocol)).status).toBe(503)
    expect(await behind.connections()).toBe(0)
    const record = await gateway.waitForRecord(({ status }) => status === 503)
    expect(record.error).toMatch(/^auth service: .*ECONNREFUSED/)
  })

  it('is 503 where the service does not answer in time', async () => {
    const auth = await service(() => {})
    const { gateway, behind } = await asking(auth.port, { timeout: 100 })
    expect((await ask(gateway, protocol)).status).toBe(503)
    expect(await behind.connections()).toBe(0)
    await auth.abandoned()
    const record = await gateway.waitForRecord(({ status }) => status === 503)
    expect(record.error).toBe('auth service: no answer within the timeout (ETIMEDOUT)')
  })
})

it('an answer that is not HTTP is 502, as is a connection that is reset', async () => {
  const nonsense = await rawUpstream((socket) => void socket.once('data', () => socket.end('nonsense\r\n\r\n')))
  expect((await ask((await asking(nonsense.port)).gateway, 'h1')).status).toBe(502)
  const reset = await rawUpstream((socket) => void socket.once('data', () => socket.resetAndDestroy()))
  expect((await ask((await asking(reset.port)).gateway, 'h1')).status).toBe(502)
})

it('a client that leaves before the service answers is 499, and the request to the service is cancelled', async () => {
  const auth = await service(() => {})
  const { gateway, behind } = await asking(auth.port)
  const socket = rawSocket(gateway.http)
  socket.write(`GET /a HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  await new Promise((resolve) => auth.server.once('request', resolve))
  socket.destroy()
  expect(await gateway.waitForRecord(({ path }) => path === '/a')).toMatchObject({ status: 499 })
  await auth.abandoned()
  expect(await behind.connections()).toBe(0)
})

describe.each(['h1', 'h1s'] as const)('an upgrade over %s', (protocol) => {
  const dial = (gateway: RunningGateway) => (protocol === 'h1' ? rawSocket(gateway.http) : tlsSocket(gateway.https))
  const handshake =
    `GET /socket HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
    'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'

  it('that the service refuses reads its answer', async () => {
    const auth = await service((_request, response) => response.writeHead(403).end('not you'))
    const { gateway, behind } = await asking(auth.port)
    const socket = dial(gateway)
    socket.write(handshake)
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 403 [\s\S]*not you/)
    expect(await behind.connections()).toBe(0)
    expect(valuesOf(auth.asked[0] as Seen, 'upgrade')).toEqual([])
    const record = await gateway.waitForRecord(({ path }) => path === '/socket')
    expect(record).toMatchObject({ ...logged[protocol], status: 403 })
  })

  it('reads 503 where the service cannot be reached', async () => {
    const { gateway } = await asking(await refusingPort())
    const socket = dial(gateway)
    socket.write(handshake)
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 503 /)
  })
})
