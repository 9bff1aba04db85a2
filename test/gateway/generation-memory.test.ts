/** What a reload leaves behind: nothing, whatever its clients still hold open. */
import { createServer, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, it } from 'vitest'
import type { GatewayPlan } from '../../src/plan/model/plan.ts'
import { ask, askOn, h2Session, protocols, rawSocket, readUntil, tlsSocket } from './clients.ts'
import {
  certificate,
  cleanUp,
  host,
  type PlanOptions,
  planOf,
  proxyTo,
  type RunningGateway,
  startGateway,
  temporaryFolder,
} from './support.ts'
import { listening } from './upstreams.ts'

afterEach(cleanUp)

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/**
 * Until everything that can be collected is: a WeakRef holds its object until the end of the turn that looked at it.
 */
async function collectAll(): Promise<void> {
  for (let round = 0; round < 4; round += 1) {
    await turn()
    collect()
  }
}

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`
const webSocket = `GET /ws HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`

async function behind() {
  const server = createServer((request, response) => {
    request.resume()
    if (request.url !== '/events') return void response.end('answered')
    response.setHeader('content-type', 'text/event-stream')
    response.write('data: begun\n\n')
  })
  server.on('upgrade', (_request: IncomingMessage, socket: Socket) => {
    socket.on('error', () => {})
    socket.write('HTTP/1.1 101 OK\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
    socket.pipe(socket)
  })
  return listening(server)
}

/** A plan that only the gateway holds. */
async function apply(gateway: RunningGateway, wish: PlanOptions): Promise<WeakRef<GatewayPlan>> {
  const plan = planOf(wish, gateway.listeners)
  await gateway.gateway.apply(plan, [certificate])
  return new WeakRef(plan)
}

/** What clients do with one generation; their connections stay open behind it. */
const uses: Readonly<Record<string, (gateway: RunningGateway) => Promise<unknown>>> = {
  'a kept connection': (gateway) => answerTo(rawSocket(gateway.http), get('/')),
  'a kept connection of an upload': (gateway) =>
    answerTo(rawSocket(gateway.http), `POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 3\r\n\r\nabc`),
  'a kept connection over TLS': (gateway) => answerTo(tlsSocket(gateway.https), get('/')),
  'a kept connection of an answer of our own': (gateway) => {
    const socket = rawSocket(gateway.http)
    socket.write(get('/file'))
    return readUntil(socket, 'written')
  },
  'a kept connection of a redirection': (gateway) => {
    const socket = rawSocket(gateway.http)
    socket.write(get('/moved'))
    return readUntil(socket, '\r\n\r\n')
  },
  'an h2 session': (gateway) => askOn(h2Session(gateway)),
  'an h2 session with an upload': (gateway) => askOn(h2Session(gateway), { method: 'POST', body: 'abc' }),
  'a WebSocket': (gateway) => {
    const socket = rawSocket(gateway.http)
    socket.write(webSocket)
    return readUntil(socket, '\r\n\r\n')
  },
  'an event stream': (gateway) => {
    const socket = rawSocket(gateway.http)
    socket.write(get('/events'))
    return readUntil(socket, 'begun')
  },
  'an event stream over h2': async (gateway) => {
    const stream = h2Session(gateway).request({ ':path': '/events' })
    await new Promise((resolve) => stream.once('data', resolve))
  },
  'a client that left': async (gateway) => {
    const socket = rawSocket(gateway.http)
    await new Promise((resolve) => socket.once('connect', resolve))
    socket.end(get('/'))
    socket.destroy()
  },
}

function answerTo(socket: Socket, request: string): Promise<string> {
  socket.write(request)
  return readUntil(socket, 'answered')
}

describe('an old generation', () => {
  it('does not outlive its last answer, whatever its clients keep open', async () => {
    const { port } = await behind()
    const folder = await temporaryFolder()
    const gateway = await startGateway({ routes: [] })
    const wish: PlanOptions = {
      compression: ['gzip'],
      routes: [
        { kind: 'respond', status: 200, body: 'written', match: { paths: ['/file'] } },
        { kind: 'redirect', to: '/', status: 302, close: false, match: { paths: ['/moved'] } },
        { kind: 'files', root: folder, existingOnly: true, except: [] },
        proxyTo(port),
      ],
    }
    const old = new Map<string, WeakRef<GatewayPlan>>()
    for (const [use, play] of Object.entries(uses)) {
      old.set(use, await apply(gateway, wish))
      await play(gateway)
    }
    await gateway.apply(wish)
    await expect
      .poll(async () => {
        await collectAll()
        return [...old].filter(([, plan]) => plan.deref()).map(([use]) => use)
      })
      .toEqual([])
  })

  it('leaves nothing of 200 routes in the heap, 200 times', async () => {
    const { port } = await behind()
    const gateway = await startGateway({ routes: [] })
    const wish: PlanOptions = {
      compression: ['gzip', 'br'],
      headers: { 'x-content-type-options': 'nosniff' },
      routes: Array.from({ length: 200 }, (_, index) => ({
        ...proxyTo(port),
        match: { paths: [`/app-${index}/*`], hosts: ['*.example'] },
        response: { 'x-route': String(index) },
      })),
    }
    const session = h2Session(gateway)
    const heaps: number[] = []
    for (let reload = 1; reload <= 200; reload += 1) {
      await gateway.apply(wish)
      if (reload % 10 === 0) {
        await Promise.all(protocols.map((protocol) => ask(gateway, protocol, { path: `/app-${reload - 1}/` })))
        await askOn(session)
      }
      if (reload % 50 !== 0) continue
      await collectAll()
      heaps.push(process.memoryUsage().heapUsed)
    }
    const [, second = 0, , last = 0] = heaps
    // One generation of these routes takes half a megabyte.
    expect((last - second) / 100).toBeLessThan(10_000)
  }, 60_000)
})
