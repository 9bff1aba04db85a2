/** Requests that are sent ahead on one h1 connection, and streams that are opened at once on one h2 connection. */
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { ask, h2Session, rawSocket, text, tlsSocket } from './clients.ts'
import { cleanUp, host, proxyTo, type RunningGateway, startGateway } from './support.ts'
import { upstream } from './upstreams.ts'

afterEach(cleanUp)

const ways = ['h1', 'h1s'] as const
type Way = (typeof ways)[number]

function open(gateway: RunningGateway, way: Way): Socket {
  return way === 'h1' ? rawSocket(gateway.http) : tlsSocket(gateway.https)
}

const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`
const last = 'Connection: close\r\n'

/** An upstream that counts how many it answers at once. */
async function counting(answer: (response: ServerResponse, url: string) => void) {
  let now = 0
  const seen = { most: 0, urls: [] as string[] }
  const { port } = await upstream((request, response) => {
    now += 1
    seen.most = Math.max(seen.most, now)
    seen.urls.push(request.url ?? '')
    response.on('close', () => {
      now -= 1
    })
    request.resume()
    request.on('end', () => answer(response, request.url ?? ''))
  })
  return { port, seen }
}

describe.each(ways)('over %s', (way) => {
  it('requests sent ahead go upstream one at a time, and are answered in their order', async () => {
    const count = 600
    const padding = `X-Padding: ${'x'.repeat(200)}\r\n`
    const behind = await counting((response, url) => response.end(url))
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const socket = open(gateway, way)
    let sent = ''
    for (let i = 0; i < count; i++) sent += get(`/${i}`, i === count - 1 ? last : padding)
    socket.write(sent)
    const answers = (await text(socket)).match(/\r\n\r\n\/\d+/g)
    expect(answers?.map((answer) => Number(answer.slice(5)))).toEqual(Array.from({ length: count }, (_, i) => i))
    expect(behind.seen.most).toBe(1)
    expect(behind.seen.urls.length).toBe(count)
  })

  it('bodies among them arrive whole', async () => {
    const gateway = await startGateway({
      routes: [
        proxyTo(
          (
            await upstream(async (request, response) => {
              let length = 0
              for await (const chunk of request) length += (chunk as Buffer).length
              response.end(`${request.method} ${length};`)
            })
          ).port,
        ),
      ],
    })
    const post = (length: number) =>
      `POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Length: ${length}\r\n\r\n${'x'.repeat(length)}`
    const chunked = (length: number) =>
      `POST / HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\n${length.toString(16)}\r\n${'y'.repeat(length)}\r\n0\r\n\r\n`
    const socket = open(gateway, way)
    socket.write(get('/') + post(10) + post(700_000) + chunked(300_000) + get('/') + post(5_000) + get('/', last))
    const answers = (await text(socket)).match(/[A-Z]+ \d+;/g)
    expect(answers).toEqual(['GET 0;', 'POST 10;', 'POST 700000;', 'POST 300000;', 'GET 0;', 'POST 5000;', 'GET 0;'])
  })

  it('a connection that sends ahead without end is not read on, and others are answered meanwhile', async () => {
    const held: ServerResponse[] = []
    const behind = await counting((response) => held.push(response))
    const gateway = await startGateway({
      routes: [
        { ...proxyTo(behind.port), match: { paths: ['/held'] } },
        { kind: 'respond', status: 200, body: 'hello' },
      ],
    })
    const socket = open(gateway, way)
    socket.write(get('/held'))
    await expect.poll(() => held.length).toBe(1)
    const flood = get('/flood').repeat(2_000)
    let stalled = false
    for (let i = 0; i < 1_000 && !stalled; i++) {
      if (socket.write(flood)) continue
      stalled = await Promise.race([
        new Promise<boolean>((resolve) => socket.once('drain', () => resolve(false))),
        new Promise<boolean>((resolve) => setTimeout(resolve, 500, true)),
      ])
    }
    expect(stalled).toBe(true)
    expect((await ask(gateway, way)).body).toBe('hello')
    expect(gateway.records.filter(({ path }) => path === '/flood')).toEqual([])
    socket.destroy()
    held[0]?.end()
  })

  it('an upgrade behind a request that is not answered yet is answered like any request', async () => {
    const behind = await counting((response, url) => setTimeout(() => response.end(`${url};`), 20))
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const socket = open(gateway, way)
    const upgrade =
      'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
    socket.write(get('/slow') + get('/socket', upgrade))
    expect((await text(socket)).match(/\/\w+;/g)).toEqual(['/slow;', '/socket;'])
  })

  it('requests behind one that ends the connection are not begun', async () => {
    const behind = await counting((response, url) => response.end(url))
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const socket = open(gateway, way)
    socket.write(get('/1') + get('/2', last) + get('/3').repeat(1_000))
    expect((await text(socket)).match(/\/\d$|\/\dHTTP/g)).toEqual(['/1HTTP', '/2'])
    expect(behind.seen.urls).toEqual(['/1', '/2'])
  })
})

it('over h2, streams that are opened at once begin a few at a time, and all are answered', async () => {
  const gateway = await startGateway({ routes: [{ kind: 'respond', status: 200, body: 'hello' }] })
  const session = h2Session(gateway)
  await new Promise((resolve) => session.once('remoteSettings', resolve))
  const streams = Array.from({ length: 120 }, () => session.request({ ':path': '/', ':authority': host }))
  const bodies = await Promise.all(streams.map((stream) => text(stream)))
  expect(new Set(bodies)).toEqual(new Set(['hello']))
  expect(gateway.records).toHaveLength(120)
})
