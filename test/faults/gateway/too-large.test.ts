/**
 * Heads and bodies that are too large, too many connections, and too many requests: refused before anything is dialled.
 */
import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { connect as connectH2 } from 'node:http2'
import { request as httpsRequest } from 'node:https'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Guarded, startGuarded } from './guards-support.ts'

const ways = ['h1', 'h1s', 'h2', 'upgrade'] as const
type Way = (typeof ways)[number]
// The certificate is that of a CA which the run has just made; who is asked is not what is tested here.
const trusting = { rejectUnauthorized: false, servername: 'localhost' }

let guarded: Guarded
beforeAll(async () => {
  guarded = await startGuarded(
    'limits: { requestHeaders: 4KB, requestBody: 10KB, connections: 400 }',
    (_, response) => {
      response.end('ok')
    },
  )
})
afterAll(() => guarded.stop())

describe.each(ways)('over %s', (way) => {
  it.each([
    ['a head that is too large', 431, { 'x-long': 'a'.repeat(4_500) }, ''],
    ['a body that is announced as too large', 413, { 'content-length': '10001' }, 'x'.repeat(10_001)],
  ])('%s is %i, and nothing is dialled', async (_, status, headers, body) => {
    const seen = guarded.gatehouse.lines.length
    expect(await statusOf(way, headers, body)).toBe(status)
    const line = await guarded.gatehouse.waitFor({ message: 'request', status }, { after: seen })
    const listener = way === 'h1' || way === 'upgrade' ? 'http' : 'https'
    expect(line).toMatchObject({ listener, protocol: way === 'h2' ? 'h2' : 'h1', client: '127.0.0.1' })
    expect(String(line.error)).not.toBe('')
    expect(guarded.dialled()).toBe(0)
  })
})

it('all of them are counted', async () => {
  for (const status of [413, 431]) {
    const counted = await guarded.metric('gatehouse_http_requests_total', `status="${status}"`)
    expect([status, counted]).toEqual([status, ways.length])
  }
})

it('connections beyond the limit are reset and counted, those that are open are served', async () => {
  let reset = 0
  const sockets = Array.from({ length: 500 }, () => connect(guarded.http, '127.0.0.1'))
  try {
    for (const socket of sockets) {
      socket.on('error', () => {})
      socket.on('close', () => {
        reset += 1
      })
    }
    await guarded.gatehouse.waitFor(({ message }) => String(message).startsWith('refusing connections: '))
    // The kernel spreads connections by a hash: one thread may be full before the other.
    await expect.poll(() => reset).toBeGreaterThanOrEqual(100)
    await expect.poll(async () => (await guarded.metric('gatehouse_connections_refused_total')) - reset).toBe(0)
    const open = sockets.find((socket) => !socket.destroyed) as Socket
    open.write('GET /still HTTP/1.1\r\nHost: localhost\r\n\r\n')
    const [answer] = await once(open, 'data')
    expect(String(answer)).toMatch(/^HTTP\/1\.1 200 /)
  } finally {
    for (const socket of sockets) socket.destroy()
  }
})

function statusOf(way: Way, headers: Record<string, string>, body: string): Promise<number> {
  switch (way) {
    case 'h1':
    case 'h1s':
      return overH1(way, headers, body)
    case 'h2':
      return overH2(headers, body)
    case 'upgrade':
      return overH1('h1', { ...headers, connection: 'Upgrade', upgrade: 'websocket' }, body)
  }
}

async function overH1(way: 'h1' | 'h1s', headers: Record<string, string>, body: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const method = headers.upgrade ? 'GET' : 'POST'
  const options = { host: '127.0.0.1', method, headers: { host: 'localhost', ...headers }, agent: false }
  const request =
    way === 'h1'
      ? httpRequest({ ...options, port: guarded.http }, resolve)
      : httpsRequest({ ...options, port: guarded.https, ...trusting }, resolve)
  request.on('error', reject)
  request.end(body)
  const answer = await promise
  answer.resume()
  await once(answer, 'end')
  return answer.statusCode ?? 0
}

async function overH2(headers: Record<string, string>, body: string): Promise<number> {
  const session = connectH2('https://localhost', {
    createConnection: () => connectTls({ host: '127.0.0.1', port: guarded.https, ALPNProtocols: ['h2'], ...trusting }),
  })
  session.on('error', () => {})
  const stream = session.request({ ':method': 'POST', ':path': '/', ...headers }, { endStream: false })
  stream.on('error', () => {})
  stream.end(body)
  const [answer] = await once(stream, 'response')
  session.destroy()
  return Number(answer[':status'])
}
