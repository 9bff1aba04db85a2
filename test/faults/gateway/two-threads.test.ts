/**
 * The rows of the table of faults once more, against the whole program with two gateway threads: what the client gets
 * over h1, TLS h1 and h2, what the upstream saw, the line in the access log, and the count on the metrics page. The
 * files beside this one take each row to its corners.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePorts } from '../../e2e/support/free-ports.ts'
import { type Gatehouse, startGatehouse } from '../../e2e/support/gatehouse.ts'
import {
  ask,
  exchangeRaw,
  h2Session,
  logged,
  openHttp1,
  type Protocol,
  protocols,
  rawSocket,
  readUntil,
  tlsSocket,
} from '../../gateway/clients.ts'
import { certificate, cleanUp, host, type RunningGateway } from '../../gateway/support.ts'
import { refusingPort } from '../../support/refusing-port.ts'
import { openWire } from './h2-wire.ts'
import { h2SmugglingCorpus } from './smuggling-corpus-h2.ts'
import { type TroubledUpstream, troubledUpstream } from './troubled-upstream.ts'

let upstream: TroubledUpstream
let gatehouse: Gatehouse
let metricsUrl: string
/** Enough of a running gateway for the clients: its ports. */
let gateway: RunningGateway

beforeAll(async () => {
  upstream = await troubledUpstream()
  const [http = 0, https = 0] = await freePorts(2)
  gatehouse = startGatehouse({
    config: `
gateway:
  threads: 2
  limits: { requestBody: 1KB, requestHeaders: 8KB, stallTimeout: 500ms, headerTimeout: 1s }
  listeners: { http: { address: "127.0.0.1:${http}" }, https: { address: "127.0.0.1:${https}", tls: true } }
  routes:
    - { path: /refused, to: "http://127.0.0.1:${await refusingPort()}" }
    - { path: /files/*, files: { root: ./public } }
    - { path: /*, to: "http://127.0.0.1:${upstream.port}", timeouts: { connect: 1s, response: 500ms } }
certificates: [{ domains: [${host}], use: [{ files: { certificate: ./chain.pem, key: ./key.pem } }] }]
storage: ./storage
control: { socket: ./control.sock }
metrics: { address: 127.0.0.1:0 }
`,
    files: { 'chain.pem': certificate.certificate, 'key.pem': certificate.key, 'public/files/here.txt': 'here' },
  })
  await gatehouse.ready()
  metricsUrl = String((await gatehouse.waitFor({ message: 'metrics' })).url)
  gateway = { http, https } as RunningGateway
})

afterAll(async () => {
  await cleanUp()
  await gatehouse.stop()
  await upstream.stop()
})

/** The sum of a counter over all series that hold these labels. */
async function count(name: string, ...labels: readonly string[]): Promise<number> {
  const page = await (await fetch(metricsUrl)).text()
  const lines = page
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) && labels.every((label) => line.includes(label)))
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
}

const requests = 'gatehouse_http_requests_total'

/**
 * Runs one exchange and holds what the log and the metrics say of it. Both come a moment after the answer, those of the
 * exchange before perhaps only now: so the line is known by its path (where it has one) and protocol, and the count may
 * have grown by more.
 */
async function loggedLine(
  protocol: Protocol,
  status: number,
  path: string | undefined,
  exchange: () => Promise<void>,
): Promise<Readonly<Record<string, unknown>>> {
  const after = gatehouse.lines.length
  const before = await count(requests, `status="${status}"`)
  await exchange()
  const line = await gatehouse.waitFor(
    { message: 'request', status, ...logged[protocol], ...(path !== undefined && { path }) },
    { after },
  )
  await expect.poll(() => count(requests, `status="${status}"`)).toBeGreaterThan(before)
  return line
}

async function cut(protocol: Protocol, path: string): Promise<void> {
  await expect(ask(gateway, protocol, { path })).rejects.toThrow()
}

describe.each(protocols)('over %s', (protocol) => {
  it.each(['GET', 'POST'])('an upstream that refuses: 502 to a %s', async (method) => {
    const errors = await count('gatehouse_upstream_errors_total')
    const line = await loggedLine(protocol, 502, '/refused', async () => {
      expect(
        (await ask(gateway, protocol, { method, path: '/refused', ...(method === 'POST' && { body: 'x' }) })).status,
      ).toBe(502)
    })
    expect(line.error).toMatch(/ECONNREFUSED/)
    await expect.poll(() => count('gatehouse_upstream_errors_total')).toBe(errors + 1)
  })

  it('a pooled connection that is reset under a GET: asked again on another one; a POST is never sent twice', async () => {
    const get = () => ask(gateway, protocol, { path: '/once' })
    for (let i = 0; i < 6; i += 1) expect(await get()).toMatchObject({ status: 200, body: 'once' })
    const heads = upstream.heads.length
    const statuses: number[] = []
    for (let i = 0; i < 6; i += 1)
      statuses.push((await ask(gateway, protocol, { method: 'POST', path: '/once', body: 'x' })).status)
    expect(statuses.every((status) => status === 200 || status === 502)).toBe(true)
    expect(upstream.heads.length - heads).toBe(6)
  })

  it('an upstream that resets in the middle of a body: the client sees the cut', async () => {
    const line = await loggedLine(protocol, 200, '/reset-body', () => cut(protocol, '/reset-body'))
    expect(line.error).toMatch(/^upstream/)
  })

  it('slow headers: 504', async () => {
    await loggedLine(protocol, 504, '/slow-head', async () =>
      expect((await ask(gateway, protocol, { path: '/slow-head' })).status).toBe(504),
    )
  })

  it('a body that stalls: cut', async () => {
    const line = await loggedLine(protocol, 200, '/stall', () => cut(protocol, '/stall'))
    expect(line.error).toBeDefined()
  })

  it('an event stream that is silent for longer than every time-out: whole', async () => {
    await loggedLine(protocol, 200, '/events', async () => {
      expect((await ask(gateway, protocol, { path: '/events' })).body).toBe('data: 1\n\ndata: 2\n\n')
    })
  })

  it('an upstream that closes idle connections: never a 502 from that', async () => {
    const errors = await count('gatehouse_upstream_errors_total')
    for (let i = 0; i < 8; i += 1) {
      expect(await ask(gateway, protocol, { path: '/short-idle' })).toMatchObject({ status: 200, body: 'short' })
      await pause(190 + 5 * i) // around the moment at which it closes
    }
    expect(await count('gatehouse_upstream_errors_total')).toBe(errors)
  })

  it('header values that are not valid: the request fails, the next one is served', async () => {
    await loggedLine(protocol, 502, '/bad-value', async () =>
      expect((await ask(gateway, protocol, { path: '/bad-value' })).status).toBe(502),
    )
    expect((await ask(gateway, protocol, { path: '/seen' })).status).toBe(200)
  })

  it('a client that goes away: 499, the upstream is let go at once', async () => {
    const mark = `gone-${protocol}`
    const closed = upstream.closed(mark)
    const seen = upstream.heads.length
    const line = await loggedLine(protocol, 499, '/slow-head', async () => {
      const leave = leaveAfter(protocol, `/slow-head?${mark}`)
      await expect.poll(() => upstream.heads.length).toBe(seen + 1)
      const left = performance.now()
      leave()
      await closed
      expect(performance.now() - left).toBeLessThan(200)
    })
    expect(line.path).toBe('/slow-head')
  })

  it('an answer before the upload ends: passed on', async () => {
    await loggedLine(protocol, 403, '/early', async () => {
      const answer = await ask(gateway, protocol, { method: 'POST', path: '/early', body: Buffer.alloc(900) })
      expect(answer).toMatchObject({ status: 403, body: 'no' })
    })
  })

  it('a body that is too large: 413, and nothing was dialled', async () => {
    const heads = upstream.heads.length
    await loggedLine(protocol, 413, '/seen', async () => {
      expect((await ask(gateway, protocol, { method: 'POST', path: '/seen', body: Buffer.alloc(2_000) })).status).toBe(
        413,
      )
    })
    expect(upstream.heads.length).toBe(heads)
  })

  it('headers that are too large: 431', async () => {
    await loggedLine(protocol, 431, undefined, async () => {
      const headers = { 'x-large': 'a'.repeat(9_000) }
      expect((await ask(gateway, protocol, { path: '/seen', headers })).status).toBe(431)
    })
  })

  it('paths that climb or hide: nothing outside the root', async () => {
    for (const path of [
      '/files/..%2f..%2fchain.pem',
      '/files/%2e%2e/key.pem',
      '/files/.hidden',
      '/files/..\\key.pem',
      '/files/a%00b',
    ]) {
      const { status, body } = await ask(gateway, protocol, { path })
      expect([400, 404, 504]).toContain(status)
      expect(body).not.toContain('PRIVATE KEY')
    }
    await loggedLine(protocol, 400, undefined, async () =>
      expect((await ask(gateway, protocol, { path: '/files/a%00b' })).status).toBe(400),
    )
    expect(await ask(gateway, protocol, { path: '/files/x/../here.txt' })).toMatchObject({ status: 200, body: 'here' })
  })

  it('forged and connection-bound headers: the upstream reads ours', async () => {
    await loggedLine(protocol, 200, '/seen', async () => {
      const forged = {
        'x-forwarded-for': '6.6.6.6',
        forwarded: 'for=6.6.6.6',
        'x-forwarded-proto': 'gopher',
        x_forwarded_for: '6.6.6.6',
      }
      const abuse: Record<string, string> =
        protocol === 'h2' ? {} : { connection: 'x-forwarded-for, x-secret', 'x-secret': 'hop' }
      const { body } = await ask(gateway, protocol, { path: '/seen', headers: { ...forged, ...abuse } })
      expect(body).not.toMatch(/6\.6\.6\.6|gopher|x-secret/i)
      expect(body).toMatch(/^x-forwarded-for: 127\.0\.0\.1\r?$/im)
      expect(body).toMatch(protocol === 'h1' ? /^x-forwarded-proto: http\r?$/im : /^x-forwarded-proto: https\r?$/im)
    })
  })
})

describe('what only h1 can send', () => {
  it.each([
    [
      'both framings',
      `POST /seen HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ['two lengths', `POST /seen HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab`],
    ['a space before the colon', `GET /seen HTTP/1.1\r\nHost: ${host}\r\nX-A : b\r\n\r\n`],
    ['a folded header', `GET /seen HTTP/1.1\r\nHost: ${host}\r\nX-A: b\r\n c\r\n\r\n`],
    ['two hosts', `GET /seen HTTP/1.1\r\nHost: ${host}\r\nHost: other.example\r\n\r\n`],
    ['no host', 'GET /seen HTTP/1.1\r\n\r\n'],
  ])('%s: 400, the connection is closed, no upstream saw it', async (_what, bytes) => {
    const heads = upstream.heads.length
    await loggedLine('h1', 400, undefined, async () =>
      expect(await exchangeRaw(gateway.http, bytes)).toMatch(/^HTTP\/1\.1 400 /),
    )
    expect(upstream.heads.length).toBe(heads)
  })

  it('keep-alive is longer than the 60 s of load balancers', async () => {
    const socket = rawSocket(gateway.http)
    socket.write(`GET /files/here.txt HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
    const head = await readUntil(socket, 'here')
    expect(Number(/keep-alive: timeout=(\d+)/i.exec(head)?.[1])).toBeGreaterThan(60)
  })

  it('half a head is gone after the deadline, and others are served meanwhile', async () => {
    const slow = rawSocket(gateway.http)
    slow.write(`GET /files/here.txt HTTP/1.1\r\nHost: ${host}\r\nX-`)
    const over = new Promise((resolve) => slow.once('close', resolve))
    slow.resume()
    expect((await ask(gateway, 'h1', { path: '/files/here.txt' })).status).toBe(200)
    await over
  })
})

describe('a head that only h2 can send', () => {
  const rows = h2SmugglingCorpus.filter(({ seen, frames }) => seen === 'refused' && frames.length === 1)

  it(`${rows.length} of them are refused by both threads, none reaches the upstream, others are served`, async () => {
    expect(rows.length).toBeGreaterThan(20)
    const heads = upstream.heads.length
    const answered: number[] = []
    const before = await count(requests, 'status="400"')
    for (const { name, frames } of rows) {
      const wire = openWire(tlsSocket(gateway.https, 'h2'))
      wire.write(...frames)
      const end = await wire.endOf(1)
      wire.socket.end()
      await wire.closed
      if (end !== undefined && end !== 'connection closed' && 'status' in end) {
        expect(end.status, name).toBeGreaterThanOrEqual(400)
        if (end.status === 400) answered.push(end.status)
      }
    }
    expect(upstream.heads.slice(heads)).toEqual([])
    expect(answered.length).toBeGreaterThan(0)
    await expect.poll(() => count(requests, 'status="400"')).toBeGreaterThanOrEqual(before + answered.length)
    expect(await ask(gateway, 'h2', { path: '/files/here.txt' })).toMatchObject({ status: 200, body: 'here' })
  })
})

describe.each(['h1', 'h1s'] as const)('an upgrade over %s', (protocol) => {
  const upgrade = (path: string) =>
    `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`
  const open = () => (protocol === 'h1' ? rawSocket(gateway.http) : tlsSocket(gateway.https))

  it.each([
    ['/seen', 200],
    ['/refused', 502],
    ['/slow-head', 504],
    ['/bad-value', 502],
  ])('to %s is answered with %d and closed', async (path, status) => {
    await loggedLine(protocol, status, path, async () => {
      const socket = open()
      const closed = new Promise((resolve) => socket.once('close', resolve))
      socket.write(upgrade(path))
      expect(await readUntil(socket, '\r\n\r\n')).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
      await closed
    })
  })
})

/**
 * Begins a request that is not answered; what is returned leaves it. Over h1 by a reset: one that only ends its side
 * may still read (docs/adr/0017-h1-connections.md).
 */
function leaveAfter(protocol: Protocol, path: string): () => void {
  if (protocol === 'h2') {
    const stream = h2Session(gateway).request({ ':path': path, ':authority': host })
    stream.on('error', () => {})
    return () => stream.close(8)
  }
  const { socket, wire } = openHttp1(gateway, protocol)
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  return () => void wire.resetAndDestroy()
}
