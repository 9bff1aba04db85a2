import { createHash } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { ask, logged, protocols, rawSocket, text, tlsSocket } from '../clients.ts'
import { cleanUp, host, proxyTo, type RunningGateway, startGateway } from '../support.ts'
import { mirror, type Seen, type Upstream, valuesOf } from '../upstreams.ts'

afterEach(cleanUp)

const password = 'geheim: ä€'
const hashOf = (text: string) => createHash('sha256').update(text).digest('hex')
const basic = (name: string, secret: string) => `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}`

async function guarded(): Promise<{ gateway: RunningGateway; behind: Upstream }> {
  const behind = await mirror()
  const gateway = await startGateway({
    routes: [
      { ...proxyTo(behind.port), match: { paths: ['/ops'] }, guards: { auth: { kind: 'basic', users: ['ops'] } } },
      proxyTo(behind.port),
    ],
    users: { ops: hashOf(password), other: hashOf('else') },
  })
  return { gateway, behind }
}

describe.each(protocols)('a route with basic auth over %s', (protocol) => {
  it('asks for a password before anything is dialled', async () => {
    const { gateway, behind } = await guarded()
    const answer = await ask(gateway, protocol, { path: '/ops' })
    expect(answer.status).toBe(401)
    expect(answer.headers['www-authenticate']).toBe('Basic realm="gatehouse", charset="UTF-8"')
    expect(await behind.connections()).toBe(0)
    expect(await gateway.waitForRecord(({ status }) => status === 401)).toMatchObject({
      ...logged[protocol],
      route: 'route 0',
      error: 'no user and password',
    })
  })

  it('lets in with the right one, and keeps the credentials to itself', async () => {
    const { gateway } = await guarded()
    const headers = { authorization: basic('ops', password) }
    const answer = await ask(gateway, protocol, { path: '/ops', headers })
    expect(answer.status).toBe(200)
    expect(valuesOf(JSON.parse(answer.body) as Seen, 'authorization')).toEqual([])
    // What another route's upstream asks for itself goes through.
    const open = await ask(gateway, protocol, { path: '/open', headers })
    expect(valuesOf(JSON.parse(open.body) as Seen, 'authorization')).toEqual([headers.authorization])
  })

  it.each([
    ['a wrong password', basic('ops', 'wrong')],
    ['an empty password', basic('ops', '')],
    ['a user who is not named by the route', basic('other', 'else')],
    ['a user who does not exist', basic('unknown', password)],
    ['a name of every object', basic('constructor', password)],
    ['no colon', `Basic ${Buffer.from('ops').toString('base64')}`],
    ['another scheme', 'Bearer token'],
    ['what is not base64', 'Basic !!!'],
    ['two credentials', `${basic('ops', 'wrong')}, ${basic('ops', password)}`],
  ])('refuses %s', async (_, authorization) => {
    const { gateway } = await guarded()
    expect((await ask(gateway, protocol, { path: '/ops', headers: { authorization } })).status).toBe(401)
  })
})

describe.each(['h1', 'h1s'] as const)('an upgrade over %s', (protocol) => {
  it('without a password reads 401 as an HTTP answer', async () => {
    const { gateway, behind } = await guarded()
    const socket = protocol === 'h1' ? rawSocket(gateway.http) : tlsSocket(gateway.https)
    socket.write(
      `GET /ops HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    )
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 401 [\s\S]*www-authenticate: Basic/i)
    expect(await behind.connections()).toBe(0)
    const record = await gateway.waitForRecord(({ path }) => path === '/ops')
    expect(record).toMatchObject({ ...logged[protocol], status: 401 })
  })
})

it('a plan in which a user has no password is refused, and the previous one keeps serving', async () => {
  const { gateway } = await guarded()
  const options = { routes: [{ ...proxyTo(1), guards: { auth: { kind: 'basic', users: ['ops'] } } as const }] }
  await expect(gateway.apply({ ...options, users: { ops: null } })).rejects.toThrow('user ops has no password')
  expect((await ask(gateway, 'h1', { path: '/ops' })).status).toBe(401)
})

it('passwords are in no record', async () => {
  const { gateway } = await guarded()
  await ask(gateway, 'h1', { path: '/ops', headers: { authorization: basic('ops', password) } })
  await ask(gateway, 'h1', { path: '/ops', headers: { authorization: basic('ops', 'mistyped') } })
  await gateway.waitForRecord(({ status }) => status === 401)
  const output = JSON.stringify([gateway.records, gateway.errors, gateway.warnings])
  for (const secret of [password, 'mistyped', basic('ops', password), hashOf(password)])
    expect(output).not.toContain(secret)
})
