/**
 * Targets that cannot be reached: another one is tried, since nothing was sent; else 502, and 503 where it was known.
 */
import { afterEach, describe, expect, it } from 'vitest'
import { targetKey } from '../../../src/shared/target-states.ts'
import { ask, logged, protocols, rawSocket, readUntil, tlsSocket } from '../../gateway/clients.ts'
import { cleanUp, host, proxyTo, startGateway } from '../../gateway/support.ts'
import { toUpstream, upstreamPlan } from '../../gateway/upstream-plans.ts'
import { bodyOf, mirror, rawUpstream, upstream } from '../../gateway/upstreams.ts'
import { refusingPort } from '../../support/refusing-port.ts'

afterEach(cleanUp)

describe.each(protocols)('over %s', (protocol) => {
  it.each(['GET', 'POST'])('%s goes to the next target, with its whole body, if one refuses', async (method) => {
    const seen: string[] = []
    const behind = await upstream(async (request, response) => {
      seen.push(`${request.method} ${(await bodyOf(request)).length}`)
      response.end('good')
    })
    const plan = upstreamPlan([await refusingPort(), await refusingPort(), behind.port], { balance: 'first' })
    const gateway = await startGateway({ routes: [toUpstream], upstreams: [plan] })
    const body = method === 'POST' ? { body: Buffer.alloc(1_000_000) } : {}
    expect(await ask(gateway, protocol, { method, ...body })).toMatchObject({ status: 200, body: 'good' })
    expect(seen).toEqual([`${method} ${method === 'POST' ? 1_000_000 : 0}`])
    const record = await gateway.waitForRecord(() => true)
    expect(record).toMatchObject({ ...logged[protocol], status: 200 })
    expect(record).not.toHaveProperty('error')
  })

  it('all that refuse are a 502 with the last one’s reason', async () => {
    const gateway = await startGateway({
      routes: [toUpstream],
      upstreams: [upstreamPlan([await refusingPort(), await refusingPort()])],
    })
    expect(await ask(gateway, protocol)).toMatchObject({ status: 502, body: '502 Bad Gateway\n' })
    expect(await gateway.waitForRecord(() => true)).toMatchObject({
      ...logged[protocol],
      status: 502,
      error: expect.stringMatching(/^upstream: .*ECONNREFUSED/),
    })
  })

  it('all that are known to be down are a 503 with Retry-After, and none is dialled', async () => {
    const behind = await rawUpstream(() => {})
    const plan = upstreamPlan([behind.port])
    const gateway = await startGateway({ routes: [toUpstream], upstreams: [plan] })
    gateway.gateway.setTargets({
      [targetKey('behind', `http://127.0.0.1:${behind.port}`)]: { ready: false, phase: 'down' },
    })
    expect(await ask(gateway, protocol)).toMatchObject({ status: 503, headers: { 'retry-after': '2' } })
    expect(await behind.connections()).toBe(0)
    expect(await gateway.waitForRecord(() => true)).toMatchObject({
      ...logged[protocol],
      status: 503,
      error: 'upstream behind: no target is up',
    })
  })

  it('one without others is a 502 each time it refuses, and serves as soon as it listens', async () => {
    const gateway = await startGateway({ routes: [proxyTo(await refusingPort())] })
    for (let i = 0; i < 5; i++) expect((await ask(gateway, protocol)).status).toBe(502)
    const behind = await mirror()
    await gateway.apply({ routes: [proxyTo(behind.port)] })
    expect((await ask(gateway, protocol)).status).toBe(200)
  })
})

describe('a target that fails again and again', () => {
  it.each([
    ['answers 500', 500],
    ['answers 503', 503],
  ])('gets no more requests for a while if it %s and a share of errors is too much', async (_what, status) => {
    let asked = 0
    const bad = await upstream((_request, response) => {
      asked += 1
      response.writeHead(status).end()
    })
    const good = await upstream((_request, response) => response.end('good'))
    const errorRate = { percent: 50, minimum: 5 }
    const passiveHealth = { failures: 3, within: 10_000, ejectFor: 10_000, errorRate }
    const upstreams = [upstreamPlan([bad.port, good.port], { passiveHealth })]
    const gateway = await startGateway({ routes: [toUpstream], upstreams })
    const statuses: number[] = []
    for (let i = 0; i < 16; i++) statuses.push((await ask(gateway, 'h1')).status)
    // An answer is an answer: none of them was tried on the other target.
    expect(statuses.slice(0, 9)).toEqual([status, 200, status, 200, status, 200, status, 200, status])
    expect(statuses.slice(9)).toEqual(Array(7).fill(200))
    expect(asked).toBe(5)
  })

  it('is not blamed for clients that leave', async () => {
    let arrived = () => {}
    const behind = await rawUpstream((socket) => socket.on('data', () => arrived()))
    const other = await upstream((_request, response) => response.end())
    const gateway = await startGateway({
      routes: [toUpstream],
      upstreams: [upstreamPlan([behind.port, other.port], { balance: 'first' })],
    })
    for (let i = 0; i < 5; i++) {
      const there = new Promise<void>((resolve) => {
        arrived = resolve
      })
      const socket = rawSocket(gateway.http)
      socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
      await there
      socket.destroy()
      await behind.abandoned()
    }
    expect(gateway.records.map(({ status }) => status)).toEqual(Array(5).fill(499))
  })
})

describe.each(['h1', 'h1s'] as const)('an upgrade over %s', (protocol) => {
  const handshake =
    `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
    'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'

  it('goes to the next target if one refuses', async () => {
    const behind = await rawUpstream((socket) => {
      socket.once('data', () =>
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello'),
      )
    })
    const plan = upstreamPlan([await refusingPort(), behind.port], { balance: 'first' })
    const gateway = await startGateway({ routes: [toUpstream], upstreams: [plan] })
    const socket = protocol === 'h1' ? rawSocket(gateway.http) : tlsSocket(gateway.https)
    socket.write(handshake)
    expect(await readUntil(socket, 'hello')).toMatch(/^HTTP\/1\.1 101 /)
    socket.destroy()
    await behind.abandoned()
  })

  it('is a 502 if all refuse', async () => {
    const gateway = await startGateway({ routes: [toUpstream], upstreams: [upstreamPlan([await refusingPort()])] })
    const socket = protocol === 'h1' ? rawSocket(gateway.http) : tlsSocket(gateway.https)
    socket.write(handshake)
    expect(await readUntil(socket, '502 Bad Gateway\n')).toMatch(/^HTTP\/1\.1 502 /)
    expect(await gateway.waitForRecord(() => true)).toMatchObject({ ...logged[protocol], status: 502 })
  })
})
