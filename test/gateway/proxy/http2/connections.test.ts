/** The connections to HTTP/2 upstreams: shared, limited by the upstream, given up in time, and replaced. */
import { once } from 'node:events'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Frame, flags, frame, frameTypes, headers, settings } from '../../../faults/gateway/h2-wire.ts'
import { ask, askOn, h2Session, rawSocket, readUntil } from '../../clients.ts'
import { cleanUp, host, type PlanOptions, proxyTo, type RunningGateway, startGateway } from '../../support.ts'
import { toUpstream, upstreamPlan } from '../../upstream-plans.ts'
import { upstream as http1Upstream } from '../../upstreams.ts'
import { cancel, data, goAway, good, ok, refusedStream, reset } from './frames.ts'
import { type WireAnswer, type WireConnection, type WireUpstream, wireUpstream } from './wire-upstream.ts'

afterEach(async () => {
  await cleanUp()
  vi.restoreAllMocks()
})

/** SETTINGS_MAX_CONCURRENT_STREAMS. */
const maxStreams = (count: number) => settings({ 3: count })

interface Site {
  readonly gateway: RunningGateway
  readonly upstream: WireUpstream
}

async function site(answer: WireAnswer, greeting?: readonly Buffer[], wish: Partial<PlanOptions> = {}): Promise<Site> {
  const upstream = await wireUpstream(answer, greeting)
  const gateway = await startGateway({ routes: [to(upstream)], ...wish })
  return { gateway, upstream }
}

function to({ origin }: WireUpstream, timeouts = { connect: 500, response: 5_000 }) {
  return proxyTo(0, { origin, timeouts })
}

const isReset = ({ type }: Frame) => type === frameTypes.resetStream
const isGoAway = ({ type }: Frame) => type === frameTypes.goAway

/** The body of a request as its frames carry it. */
function bodyOf({ frames }: WireConnection, stream: number): Buffer {
  return Buffer.concat(
    frames.filter((one) => one.type === frameTypes.data && one.stream === stream).map(({ payload }) => payload),
  )
}

/** Requests that are held, and answered one after the other. */
class Held {
  readonly streams: (readonly [WireConnection, number])[] = []
  #awaited: (() => void) | undefined

  readonly hold: WireAnswer = (connection, stream) => {
    this.streams.push([connection, stream])
    this.#awaited?.()
  }

  /** Resolves when this many have come. */
  async until(count: number): Promise<void> {
    while (this.streams.length < count)
      await new Promise<void>((resolve) => {
        this.#awaited = resolve
      })
  }

  release(index: number): void {
    const [connection, stream] = this.streams[index] as readonly [WireConnection, number]
    good(connection, stream, 0)
  }
}

describe('requests at the same time', () => {
  it('share a connection', async () => {
    const held = new Held()
    const { gateway, upstream } = await site(held.hold)
    const session = h2Session(gateway)
    const answers = Array.from({ length: 30 }, () => askOn(session))
    await held.until(30)
    for (let index = 29; index >= 0; index--) held.release(index)
    expect((await Promise.all(answers)).map(({ body }) => body)).toEqual(Array(30).fill('good'))
    expect(upstream.connections).toHaveLength(1)
  })

  it('use as many connections as the limit of the upstream demands', async () => {
    const held = new Held()
    const { gateway, upstream } = await site(held.hold, [maxStreams(2)])
    const session = h2Session(gateway)
    const answers = Array.from({ length: 5 }, () => askOn(session))
    await held.until(5)
    expect(upstream.connections).toHaveLength(3)
    for (const connection of upstream.connections)
      expect(held.streams.filter(([one]) => one === connection).length).toBeLessThanOrEqual(2)
    for (let index = 0; index < 5; index++) held.release(index)
    for (const { body } of await Promise.all(answers)) expect(body).toBe('good')
  })

  it('wait for each other at the limit of connections, and are refused after the connect timeout', async () => {
    const held = new Held()
    const { gateway, upstream } = await site(held.hold, [maxStreams(1)], {
      limits: { connectionsPerTarget: 1 },
    })
    const first = ask(gateway, 'h2')
    await held.until(1)
    const second = ask(gateway, 'h2')
    const refused = await ask(gateway, 'h2')
    expect(refused).toMatchObject({ status: 503, headers: { 'retry-after': '2' } })
    held.release(0)
    expect((await first).body).toBe('good')
    // It may have been refused as well, if it came second to the third.
    const third = ask(gateway, 'h2')
    await held.until(2)
    held.release(1)
    const bodies = [(await second).status, (await third).status]
    expect(bodies).toContain(200)
    expect(upstream.connections).toHaveLength(1)
  })

  it('get 503 from an upstream that allows none, without more connections', async () => {
    const { gateway, upstream } = await site(good, [maxStreams(0)])
    const session = h2Session(gateway)
    const answers = await Promise.all(Array.from({ length: 5 }, () => askOn(session)))
    expect(answers.map(({ status }) => status)).toEqual(Array(5).fill(503))
    expect(upstream.connections).toHaveLength(1)
    expect(upstream.requests).toBe(0)
  })

  it('begin as soon as the upstream allows more', async () => {
    const { gateway, upstream } = await site(good, [maxStreams(0)])
    const answer = ask(gateway, 'h2')
    while (!upstream.connections[0]) await new Promise(setImmediate)
    const [connection] = upstream.connections as [WireConnection]
    await connection.frame(({ type, flags: set }) => type === frameTypes.settings && set === flags.acknowledgement)
    connection.write(maxStreams(1))
    expect(await answer).toMatchObject({ status: 200 })
  })
})

describe('a request that was not processed', () => {
  const post = { method: 'POST', body: 'a body that is kept' }

  it.each([
    ['refused', (connection: WireConnection, stream: number) => connection.write(reset(stream, refusedStream)), 1],
    ['above the last stream of a GOAWAY', (connection: WireConnection) => connection.write(goAway(0, 0)), 2],
    [
      'above the last stream of a GOAWAY with an error',
      (connection: WireConnection) => connection.write(goAway(0, 11)),
      2,
    ],
  ])('since it was %s, is sent again with its body', async (_why, refuse: WireAnswer, connections) => {
    const { gateway, upstream } = await site((connection, stream, request) => {
      if (request === 1) refuse(connection, stream, request)
      else if (request === 2)
        void connection
          .frame((one) => one.stream === stream && (one.flags & flags.endStream) !== 0)
          .then(() => good(connection, stream, request))
    })
    expect(await ask(gateway, 'h2', post)).toMatchObject({ status: 200, body: 'good' })
    expect(upstream.connections).toHaveLength(connections)
    const last = upstream.connections.at(-1) as WireConnection
    const stream = last.frames.findLast(({ type }) => type === frameTypes.headers)?.stream ?? 0
    expect(bodyOf(last, stream).toString()).toBe(post.body)
  })

  it('is 503 if it is refused again and again', async () => {
    const { gateway, upstream } = await site((connection, stream) => connection.write(reset(stream, refusedStream)))
    expect(await ask(gateway, 'h2', post)).toMatchObject({ status: 503, headers: { 'retry-after': '2' } })
    expect(upstream.requests).toBe(3)
  })

  it('is 503 if its body is too long to be kept', async () => {
    const { gateway, upstream } = await site((connection, stream) => {
      void connection
        .frame(
          (one) =>
            one.stream === stream && one.type === frameTypes.data && bodyOf(connection, stream).length === 65_535,
        )
        .then(() => connection.write(reset(stream, refusedStream)))
    })
    expect(await ask(gateway, 'h2', { method: 'POST', body: Buffer.alloc(200_000) })).toMatchObject({ status: 503 })
    expect(upstream.requests).toBe(1)
  })

  it('is not sent again once its answer has begun', async () => {
    const { gateway, upstream } = await site((connection, stream) =>
      connection.write(headers(stream, [ok], false), data(stream, 'half', false), reset(stream, refusedStream)),
    )
    expect(await ask(gateway, 'h2').catch(() => 'cut')).toBe('cut')
    expect(upstream.requests).toBe(1)
  })
})

describe('a connection', () => {
  it('that the upstream ends with GOAWAY still gives the answers that are under way', async () => {
    const held = new Held()
    const { gateway, upstream } = await site(held.hold)
    const first = ask(gateway, 'h2')
    await held.until(1)
    const [connection, stream] = held.streams[0] as readonly [WireConnection, number]
    connection.write(goAway(stream, 0))
    await connection.frame(isGoAway)
    const second = ask(gateway, 'h2')
    await held.until(2)
    expect(upstream.connections).toHaveLength(2)
    held.release(0)
    held.release(1)
    expect([(await first).body, (await second).body]).toEqual(['good', 'good'])
  })

  it('that the upstream closes while it is idle fails no request, not even one that cannot be repeated', async () => {
    const { gateway, upstream } = await site((connection, stream, request) => {
      good(connection, stream, request)
    })
    for (let round = 0; round < 3; round++) {
      expect(await ask(gateway, 'h2', { method: 'POST', body: 'x' })).toMatchObject({ status: 200 })
      const { socket } = upstream.connections.at(-1) as WireConnection
      const closed = once(socket, 'close')
      socket.end()
      await closed
    }
    expect(upstream.connections).toHaveLength(3)
  })

  it('that breaks before an answer fails a POST, and a GET only if it was new', async () => {
    const { gateway } = await site((connection, stream, request) => {
      if (request % 2 === 0) connection.socket.resetAndDestroy()
      else good(connection, stream, request)
    })
    expect(await ask(gateway, 'h2')).toMatchObject({ status: 200 })
    expect(await ask(gateway, 'h2')).toMatchObject({ status: 200 })
    expect(await ask(gateway, 'h2', { method: 'POST', body: 'x' })).toMatchObject({ status: 502 })
  })

  it('that has died without a word is found out by the next request, which gets another one', async () => {
    const { gateway, upstream } = await site((connection, stream, request) => {
      if (request !== 2) good(connection, stream, request)
    })
    expect(await ask(gateway, 'h2')).toMatchObject({ status: 200 })
    const now = performance.now.bind(performance)
    vi.spyOn(performance, 'now').mockImplementation(() => now() + 11_000)
    expect(await ask(gateway, 'h2')).toMatchObject({ status: 200, body: 'good' })
    expect(upstream.connections).toHaveLength(2)
    const [first] = upstream.connections as [WireConnection]
    expect(first.frames.filter(({ type }) => type === frameTypes.ping)).toHaveLength(1)
  })

  it('that answers the PING is kept, and asked no more while it is in use', async () => {
    const held = new Held()
    const { gateway, upstream } = await site((connection, stream, request) => {
      if (request === 1) good(connection, stream, request)
      else held.hold(connection, stream, request)
    })
    expect(await ask(gateway, 'h2')).toMatchObject({ status: 200 })
    const now = performance.now.bind(performance)
    vi.spyOn(performance, 'now').mockImplementation(() => now() + 11_000)
    const answer = ask(gateway, 'h2')
    const [connection] = upstream.connections as [WireConnection]
    const { payload } = await connection.frame(({ type }) => type === frameTypes.ping)
    connection.write(frame('ping', { flags: flags.acknowledgement, payload }))
    await held.until(1)
    held.release(0)
    expect(await answer).toMatchObject({ status: 200 })
    const again = ask(gateway, 'h2')
    await held.until(2)
    held.release(1)
    expect(await again).toMatchObject({ status: 200 })
    expect(upstream.connections).toHaveLength(1)
    expect(connection.frames.filter(({ type }) => type === frameTypes.ping)).toHaveLength(1)
  })

  it('ends with a GOAWAY when a reload drops its target, after its answers', async () => {
    const held = new Held()
    const { gateway, upstream } = await site(held.hold)
    const answer = ask(gateway, 'h2')
    await held.until(1)
    await gateway.apply({ routes: [{ kind: 'respond', status: 200, body: 'new' }] })
    const [connection] = upstream.connections as [WireConnection]
    const closed = once(connection.socket, 'close')
    held.release(0)
    expect((await answer).body).toBe('good')
    connection.socket.end()
    await closed
    expect(connection.frames.some(isGoAway)).toBe(true)
  })

  it('ends when the gateway stops', async () => {
    const { gateway, upstream } = await site(good)
    expect(await ask(gateway, 'h2')).toMatchObject({ status: 200 })
    const [connection] = upstream.connections as [WireConnection]
    const closed = once(connection.socket, 'close')
    await gateway.stop()
    await closed
  })
})

it.each(['h1', 'h2'] as const)('a client that leaves over %s cancels its stream', async (protocol) => {
  const held = new Held()
  const { gateway, upstream } = await site(held.hold)
  if (protocol === 'h1') {
    const socket = rawSocket(gateway.http)
    socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
    await held.until(1)
    socket.destroy()
  } else {
    const stream = h2Session(gateway).request({ ':path': '/', ':authority': host })
    stream.on('error', () => {})
    await held.until(1)
    stream.close(cancel)
  }
  const [connection] = upstream.connections as [WireConnection]
  expect((await connection.frame(isReset)).payload.readUInt32BE()).toBe(cancel)
  expect(await gateway.waitForRecord(() => true)).toMatchObject({ status: 499 })
})

describe('an upgrade', () => {
  async function upgrade(gateway: RunningGateway): Promise<string> {
    const socket = rawSocket(gateway.http)
    socket.write(
      `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    )
    return (await readUntil(socket, '\r\n')).split('\r\n', 1)[0] ?? ''
  }

  it('for an HTTP/2 target is 502, and nothing is sent there', async () => {
    const { gateway, upstream } = await site(good)
    expect(await upgrade(gateway)).toBe('HTTP/1.1 502 Bad Gateway')
    expect((await gateway.waitForRecord(() => true)).error).toMatch(/speaks HTTP\/2, which has no upgrades/)
    expect(upstream.connections).toHaveLength(0)
  })

  it('goes to a target of the same upstream that speaks HTTP/1.1', async () => {
    const [wire, http1] = await Promise.all([wireUpstream(good), http1Upstream((_request, response) => response.end())])
    http1.server.on('upgrade', (_request, socket) => {
      socket.on('error', () => {})
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
    })
    const plan = upstreamPlan([wire.origin, http1.port], { balance: 'first' })
    const gateway = await startGateway({ routes: [toUpstream], upstreams: [plan] })
    expect(await upgrade(gateway)).toBe('HTTP/1.1 101 Switching Protocols')
  })
})
