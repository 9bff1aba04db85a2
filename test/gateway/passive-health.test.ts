/** What requests meet ejects a target for a while, and what a client can cause does not. */
import type { RequestListener } from 'node:http'
import { createServer } from 'node:http'
import type { Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { UpstreamPlan } from '../../src/plan/model/upstreams.ts'
import { refusingPort } from '../support/refusing-port.ts'
import { ask, exchangeRaw, protocols, rawSocket } from './clients.ts'
import { cleanUp, host, type RunningGateway, startGateway } from './support.ts'
import { toUpstream, upstreamPlan } from './upstream-plans.ts'
import { listening, rawUpstream, upstream } from './upstreams.ts'

afterEach(cleanUp)

const upgrade = `GET /ws HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`

async function behind(targets: readonly number[], options: Partial<UpstreamPlan> = {}): Promise<RunningGateway> {
  return startGateway({ routes: [toUpstream], upstreams: [upstreamPlan(targets, options)] })
}

/** Two targets that answer with their letter, and with what the path asks for. */
async function two(options: Partial<UpstreamPlan> = {}) {
  const answer =
    (letter: string): RequestListener =>
    (request, response) => {
      request.resume()
      response.writeHead(request.url?.startsWith('/500') ? 500 : 200).end(letter)
    }
  const [a, b] = await Promise.all([upstream(answer('a')), upstream(answer('b'))])
  return behind([a.port, b.port], options)
}

async function letters(gateway: RunningGateway): Promise<string> {
  let seen = ''
  for (let n = 0; n < 4; n++) seen += (await ask(gateway, 'h1')).body
  return seen
}

describe.each(protocols)('a client over %s', (protocol) => {
  it('takes no target down by an endpoint that answers 500', async () => {
    const gateway = await two()
    for (let n = 0; n < 12; n++) expect((await ask(gateway, protocol, { path: '/500' })).status).toBe(500)
    expect(await letters(gateway)).toMatch(/^(abab|baba)$/)
    expect(gateway.warnings).toEqual([])
  })
})

describe('a client', () => {
  it.each([
    ['leaves in the midst of its body', 'POST / HTTP/1.1\r\nContent-Length: 10\r\n', 'abc'],
    ['sends a chunk that is none', 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n', 'zz\r\n'],
    [
      'sends more than is allowed',
      'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n',
      `2711\r\n${'x'.repeat(10_001)}\r\n`,
    ],
  ])('takes no target down that %s', async (_what, head, body) => {
    const seen = await rawUpstream((socket) => void socket.resume())
    const gateway = await startGateway({
      routes: [toUpstream],
      upstreams: [upstreamPlan([seen.port, await refusingPort()], { balance: 'first' })],
      guards: { requestBody: 10_000 },
    })
    for (let n = 0; n < 4; n++) {
      const recorded = gateway.records.length
      const socket = rawSocket(gateway.http)
      socket.end(`${head}Host: ${host}\r\n\r\n${body}`)
      socket.resume()
      socket.on('error', () => {})
      await gateway.waitForRecord((record) => gateway.records.indexOf(record) >= recorded)
      socket.destroy()
    }
    expect(gateway.warnings).toEqual([])
  })

  it('takes no target down by an upload that is refused by closing its connection', async () => {
    const refusing = await rawUpstream((socket) => socket.once('data', () => socket.resetAndDestroy()))
    const gateway = await behind([refusing.port, await refusingPort()], { balance: 'first' })
    for (let n = 0; n < 4; n++) await ask(gateway, 'h1', { method: 'POST', body: 'x'.repeat(100) })
    expect(gateway.warnings).toEqual([])
  })
})

describe('a target', () => {
  it('that refuses is ejected after three faults, with one warning, and tried no more', async () => {
    const well = await upstream((_request, response) => response.end('well'))
    const port = await refusingPort()
    const gateway = await behind([port, well.port])
    for (let n = 0; n < 12; n++) expect((await ask(gateway, 'h1')).body).toBe('well')
    expect(gateway.warnings).toEqual([
      `upstream behind: ejecting http://127.0.0.1:${port} for 10s: 3 connection failures, the last: connect ECONNREFUSED 127.0.0.1:${port}`,
    ])
    let dialled = 0
    const server = createServer((_request, response) => response.end('back')).on('connection', () => {
      dialled += 1
    })
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    for (let n = 0; n < 4; n++) expect((await ask(gateway, 'h1')).body).toBe('well')
    expect(dialled).toBe(0)
    server.close()
  })

  it('that refuses upgrades is ejected all the same', async () => {
    const well = await listening(
      createServer().on('upgrade', (_request, socket) => {
        socket.end('HTTP/1.1 101 OK\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
      }),
    )
    const gateway = await behind([await refusingPort(), well.port])
    for (let n = 0; n < 8; n++) expect(await exchangeRaw(gateway.http, upgrade)).toContain('HTTP/1.1 101 ')
    expect(gateway.warnings).toHaveLength(1)
  })

  it('is not ejected where that is switched off, nor where it is the only one', async () => {
    const [well, port] = [await upstream((_request, response) => response.end('well')), await refusingPort()]
    const gateway = await startGateway({
      routes: [
        { ...toUpstream, match: { paths: ['/off'] } },
        { ...toUpstream, upstream: 'alone' },
      ],
      upstreams: [
        upstreamPlan([port, well.port], { passiveHealth: undefined }),
        upstreamPlan([port], { name: 'alone' }),
      ],
    } as Parameters<typeof startGateway>[0])
    for (let n = 0; n < 10; n++) {
      expect((await ask(gateway, 'h1', { path: '/off' })).body).toBe('well')
      expect((await ask(gateway, 'h1', { path: '/' })).status).toBe(502)
    }
    expect(gateway.warnings).toEqual([])
  })

  it('is ejected by a share of 5xx where that is asked for', async () => {
    const [bad, well] = await Promise.all([
      upstream((_request, response) => response.writeHead(503).end('bad')),
      upstream((_request, response) => response.end('well')),
    ])
    const errorRate = { percent: 50, minimum: 5 }
    const gateway = await behind([bad.port, well.port], {
      passiveHealth: { failures: 3, within: 10_000, ejectFor: 10_000, errorRate },
    })
    for (let n = 0; n < 10; n++) await ask(gateway, 'h1')
    expect(await letters(gateway)).toBe('wellwellwellwell')
    expect(gateway.warnings).toEqual([expect.stringContaining('for 10s: 50% or more of its answers were 5xx')])
  })
})

describe('where all targets are ejected, all are tried', () => {
  /** Breaks every connection while `broken`. */
  async function moody() {
    const state = { broken: true }
    const target = await rawUpstream((socket: Socket) => {
      socket.once('data', () => {
        if (state.broken) socket.resetAndDestroy()
        else socket.end(`HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nwell`)
      })
    })
    return { ...target, state }
  }

  it('while one of two is dead, the other one serves from its first good answer on: no client gets 503', async () => {
    const [a, b] = await Promise.all([moody(), moody()])
    const gateway = await behind([a.port, b.port])
    for (let n = 0; n < 12; n++) expect((await ask(gateway, 'h1')).status).toBe(502)
    expect(gateway.warnings).toHaveLength(2)
    a.state.broken = false
    const statuses: number[] = []
    for (let n = 0; n < 8; n++) statuses.push((await ask(gateway, 'h1')).status)
    // It may have been the turn of the other one once.
    expect(statuses.slice(1)).toEqual(new Array(7).fill(200))
    expect(statuses).not.toContain(503)
  })

  it('also where the check knows that one of them is down', async () => {
    const [a, b] = await Promise.all([moody(), moody()])
    const gateway = await behind([a.port, b.port])
    for (let n = 0; n < 12; n++) await ask(gateway, 'h1')
    gateway.gateway.setTargets({ [`behind http://127.0.0.1:${b.port}`]: { ready: false, phase: 'down' } })
    a.state.broken = false
    expect((await ask(gateway, 'h1')).status).toBe(200)
  })

  it('one whose check passes again is not left alone by an older verdict', async () => {
    const [a, well] = [await moody(), await upstream((_request, response) => response.end('other'))]
    const gateway = await behind([a.port, well.port])
    for (let n = 0; n < 12; n++) await ask(gateway, 'h1')
    expect(gateway.warnings).toHaveLength(1)
    const key = `behind http://127.0.0.1:${a.port}`
    gateway.gateway.setTargets({ [key]: { ready: false, phase: 'down' } })
    a.state.broken = false
    expect(await letters(gateway)).toBe('other'.repeat(4))
    gateway.gateway.setTargets({ [key]: { ready: true, phase: 'running' } })
    expect(await letters(gateway)).toContain('well')
  })
})
