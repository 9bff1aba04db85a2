/** Headers that upstreams believe: from trusted peers only, and one of them from all clients where it is kept. */
import { afterEach, describe, expect, it } from 'vitest'
import { neverForwarded, trustedHeaders } from '../../src/plan/patterns/trusted-headers.ts'
import { ask, protocols, rawSocket, text } from './clients.ts'
import { cleanUp, host, type PlanOptions, proxyTo, startGateway } from './support.ts'
import { mirror, rawUpstream, type Seen, upstream } from './upstreams.ts'

afterEach(cleanUp)

const mark = 'written-by-the-client'
const listed = trustedHeaders.flatMap(({ names }) => names.map((name) => name.replace('*', 'thing').toLowerCase()))
const aliases = ['cf_connecting_ip', 'x.real.ip', 'x_original_uri', 'client_ip']
const all = [...listed, ...neverForwarded.map((name) => name.toLowerCase()), ...aliases, 'x-free']
const headers = Object.fromEntries(all.map((name) => [name, mark]))

/** Names of the fields of the client that arrive. */
function arrived({ headers: seen }: Pick<Seen, 'headers'>): readonly string[] {
  return seen.filter(([, value]) => value === mark).map(([name]) => name.toLowerCase())
}

async function mirrored(options: Omit<PlanOptions, 'routes'> = {}) {
  const behind = await mirror()
  return startGateway({ ...options, routes: [proxyTo(behind.port)] })
}

describe.each(protocols)('over %s', (protocol) => {
  it('a stranger can write none of them', async () => {
    const { body } = await ask(await mirrored(), protocol, { headers })
    expect(arrived(JSON.parse(body))).toEqual(['x-free'])
  })

  it('a trusted peer can write all but the reserved ones, and no alias', async () => {
    const gateway = await mirrored({ trustedProxies: ['127.0.0.0/8'] })
    const { body } = await ask(gateway, protocol, { headers })
    expect(new Set(arrived(JSON.parse(body)))).toEqual(new Set([...listed, 'x-free']))
  })

  it('one that is kept passes from anybody, in its own spelling and alone', async () => {
    const gateway = await mirrored({ keep: ['cf-connecting-ip'] })
    const { body } = await ask(gateway, protocol, { headers })
    expect(new Set(arrived(JSON.parse(body)))).toEqual(new Set(['cf-connecting-ip', 'x-free']))
    expect(await gateway.waitForRecord(() => true)).toMatchObject({ client: '127.0.0.1' })
  })

  it('an auth service gets no more than an upstream', async () => {
    const asked: string[] = []
    const auth = await upstream((request, response) => {
      asked.push(...request.rawHeaders.filter((_, index) => index % 2 === 0 && request.rawHeaders[index + 1] === mark))
      response.end()
    })
    const behind = await mirror()
    const guard = { kind: 'forward', url: `http://127.0.0.1:${auth.port}/`, copy: [], timeout: 5_000 } as const
    const gateway = await startGateway({ routes: [{ ...proxyTo(behind.port), guards: { auth: guard } }] })
    const { body } = await ask(gateway, protocol, { headers })
    expect(asked.map((name) => name.toLowerCase())).toEqual(['x-free'])
    expect(arrived(JSON.parse(body))).toEqual(['x-free'])
  })
})

it('in an upgrade a stranger can write none of them', async () => {
  const seen: string[] = []
  const behind = await rawUpstream((socket) => {
    socket.once('data', (bytes) => {
      seen.push(bytes.toString('latin1'))
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n')
    })
  })
  const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
  const lines = all.map((name) => `${name}: ${mark}\r\n`).join('')
  const socket = rawSocket(gateway.http)
  socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${lines}\r\n`)
  expect(await text(socket)).toMatch(/^HTTP\/1\.1 403 /)
  expect(seen.join('').match(new RegExp(`^.*: ${mark}`, 'gm'))).toEqual([`x-free: ${mark}`])
})
