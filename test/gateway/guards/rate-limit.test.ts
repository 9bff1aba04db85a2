import { afterEach, describe, expect, it } from 'vitest'
import type { RateLimitKeyPlan, RateLimitPlan } from '../../../src/plan/model/guards.ts'
import { ask, logged, protocols, rawSocket, text, tlsSocket } from '../clients.ts'
import { cleanUp, host, proxyTo, type RunningGateway, startGateway } from '../support.ts'
import { mirror, upstream } from '../upstreams.ts'

afterEach(cleanUp)

function limit(requests: number, options: Partial<RateLimitPlan> = {}): RateLimitPlan {
  return { requests, window: 60_000, by: { kind: 'client' }, of: 'gateway', ...options }
}

async function statuses(gateway: RunningGateway, askings: readonly Parameters<typeof ask>[2][]): Promise<number[]> {
  const given: number[] = []
  for (const asking of askings) given.push((await ask(gateway, 'h1', asking)).status)
  return given
}

describe.each(protocols)('over %s', (protocol) => {
  it('a client gets what is allowed, then 429 with the seconds to wait, and nothing is dialled for it', async () => {
    let seen = 0
    const behind = await upstream((_request, response) => {
      seen += 1
      response.end('ok')
    })
    const gateway = await startGateway({ routes: [proxyTo(behind.port)], guards: { rateLimit: limit(3) } })
    const answers = await Promise.all(Array.from({ length: 8 }, () => ask(gateway, protocol)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(3)
    const refused = answers.filter(({ status }) => status === 429)
    expect(refused).toHaveLength(5)
    expect(seen).toBe(3)
    for (const { headers, body } of refused) {
      expect(Number(headers['retry-after'])).toBeGreaterThanOrEqual(1)
      expect(Number(headers['retry-after'])).toBeLessThanOrEqual(60)
      expect(body).toBe('429 Too Many Requests\n')
    }
    expect(await gateway.waitForRecord(({ status }) => status === 429)).toMatchObject({
      ...logged[protocol],
      client: '127.0.0.1',
      route: 'route 0',
      error: 'more than 3 requests in 1m',
    })
  })
})

describe.each(['h1', 'h1s'] as const)('an upgrade over %s', (protocol) => {
  it('beyond the limit reads 429 as an HTTP answer', async () => {
    const behind = await mirror()
    const gateway = await startGateway({ routes: [proxyTo(behind.port)], guards: { rateLimit: limit(1) } })
    await ask(gateway, protocol)
    const socket = protocol === 'h1' ? rawSocket(gateway.http) : tlsSocket(gateway.https)
    socket.write(
      `GET /socket HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    )
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 429 [\s\S]*retry-after: \d+\r\n/i)
    expect(await gateway.waitForRecord(({ path }) => path === '/socket')).toMatchObject({
      ...logged[protocol],
      status: 429,
    })
  })
})

it('waiting for as long as Retry-After says is enough', async () => {
  const gateway = await startGateway({ routes: [], guards: { rateLimit: limit(2, { window: 300 }) } })
  expect(await statuses(gateway, [{}, {}])).toEqual([404, 404])
  const refused = await ask(gateway, 'h1')
  expect([refused.status, refused.headers['retry-after']]).toEqual([429, '1'])
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  expect(await statuses(gateway, [{}, {}, {}])).toEqual([404, 404, 429])
})

it('the limit of the gateway counts all routes together; a route may have its own, or none', async () => {
  const behind = await mirror()
  const gateway = await startGateway({
    routes: [
      { ...proxyTo(behind.port), match: { paths: ['/free'] }, guards: { rateLimit: undefined } },
      { ...proxyTo(behind.port), match: { paths: ['/own'] }, guards: { rateLimit: limit(1, { of: 'route' }) } },
      { ...proxyTo(behind.port), match: { paths: ['/a'] } },
      { ...proxyTo(behind.port), match: { paths: ['/b'] } },
    ],
    guards: { rateLimit: limit(3) },
  })
  const paths = ['/free', '/own', '/own', '/a', '/b', '/nowhere', '/a', '/b', '/nowhere', '/free']
  const expected = [200, 200, 429, 200, 200, 404, 429, 429, 429, 200]
  expect(
    await statuses(
      gateway,
      paths.map((path) => ({ path })),
    ),
  ).toEqual(expected)
})

it('a reload keeps what was counted', async () => {
  const options = { routes: [], guards: { rateLimit: limit(2) } }
  const gateway = await startGateway(options)
  expect(await statuses(gateway, [{}, {}, {}])).toEqual([404, 404, 429])
  await gateway.apply(options)
  expect(await statuses(gateway, [{}])).toEqual([429])
})

describe('the key', () => {
  const by = (key: RateLimitKeyPlan) => ({ routes: [], guards: { rateLimit: limit(1, { by: key }) } })

  it('may be the value of a header', async () => {
    const gateway = await startGateway(by({ kind: 'header', name: 'x-api-key' }))
    const keyed = (key: string) => ({ headers: { 'X-Api-Key': key } })
    expect(await statuses(gateway, [keyed('a'), keyed('b'), keyed('a'), keyed('b')])).toEqual([404, 404, 429, 429])
  })

  it('may be the value of a cookie', async () => {
    const gateway = await startGateway(by({ kind: 'cookie', name: 'session' }))
    const keyed = (cookie: string) => ({ headers: { cookie } })
    const askings = [
      keyed('session=a; x=1'),
      keyed('x=2; session=b'),
      keyed('y=session=a;session=a'),
      keyed('session=b'),
    ]
    expect(await statuses(gateway, askings)).toEqual([404, 404, 429, 429])
  })

  it('is the client where the header or cookie is missing', async () => {
    const gateway = await startGateway(by({ kind: 'header', name: 'x-api-key' }))
    expect(await statuses(gateway, [{}, {}, { headers: { 'x-api-key': '127.0.0.1' } }])).toEqual([404, 429, 404])
  })
})
