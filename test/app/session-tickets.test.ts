/** Sessions are resumed by whichever gateway thread the kernel chooses; with real threads and verified handshakes. */
import { once } from 'node:events'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import type { GatewayWorkers } from '../../src/app/workers/workers.ts'
import { readUntil } from '../gateway/clients.ts'
import { ca, certificate, cleanUp, freePort, host, listener, planOf, whenOver } from '../gateway/support.ts'
import { silentWorkers } from './silent-workers.ts'

afterEach(cleanUp)

interface Running {
  readonly workers: GatewayWorkers
  readonly port: number
  /** Serves on so many threads from now on. */
  serveOn(count: number): Promise<void>
}

async function start(): Promise<Running> {
  const workers = silentWorkers()
  whenOver(() => workers.drain(0))
  const port = await freePort()
  const serveOn = (count: number) => {
    const plan = planOf({ routes: [], threads: count }, [listener('https', port, true)])
    return workers.apply({ plan: { ...plan, accessLog: false }, certificates: [certificate] })
  }
  await serveOn(2)
  return { workers, port, serveOn }
}

interface Visit {
  readonly resumed: boolean
  /** For the next visit. */
  readonly session: Buffer
}

/** One request on a connection of its own. In TLS 1.3 the ticket comes behind the handshake. */
async function visit(port: number, options: ConnectionOptions): Promise<Visit> {
  const socket = dial(port, options)
  const session = once(socket, 'session') as Promise<[Buffer]>
  session.catch(() => {}) // a reset is reported by what waits for the handshake
  await once(socket, 'secureConnect')
  expect(socket.authorized).toBe(true)
  const resumed = socket.isSessionReused()
  socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  await readUntil(socket, '404')
  // A resumed session of TLS 1.2 gets no new ticket.
  const next = resumed && options.session ? options.session : (await session)[0]
  socket.destroy()
  return { resumed, session: next }
}

function dial(port: number, options: ConnectionOptions = {}): TLSSocket {
  const socket = connect({ host: '127.0.0.1', port, servername: host, ca, ...options })
  whenOver(() => socket.destroy())
  return socket
}

/** Threads handle messages in order: this is answered after the earlier ones. */
const obeyed = (workers: GatewayWorkers) => workers.setChallenges([])

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('a session of %s', (version) => {
  const only = { minVersion: version, maxVersion: version }

  it('is resumed by every thread, also behind new certificates, and a new key costs a full handshake and no connection', async () => {
    const { workers, port } = await start()
    const first = await visit(port, only)
    expect(first.resumed).toBe(false)
    const kept = dial(port, only)
    await once(kept, 'secureConnect')
    const resumed: boolean[] = []
    // Were the threads' keys their own, half of these would fail.
    for (let i = 0; i < 12; i += 1) resumed.push((await visit(port, { ...only, session: first.session })).resumed)
    expect(resumed).toEqual(Array(12).fill(true))
    workers.setCertificates([certificate])
    await obeyed(workers)
    for (let i = 0; i < 6; i += 1)
      expect((await visit(port, { ...only, session: first.session })).resumed, 'new certificates').toBe(true)
    workers.renewTickets()
    await obeyed(workers)
    for (let i = 0; i < 6; i += 1)
      expect((await visit(port, { ...only, session: first.session })).resumed, 'old key').toBe(false)
    const second = await visit(port, only)
    for (let i = 0; i < 6; i += 1)
      expect((await visit(port, { ...only, session: second.session })).resumed, 'new key').toBe(true)
    kept.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
    await readUntil(kept, '404')
  })
  it('is resumed by a thread that begins after the key was renewed', async () => {
    const { workers, port, serveOn } = await start()
    await serveOn(1)
    workers.renewTickets()
    await obeyed(workers)
    // Once more if a thread that went closed its listener with this connection in the queue: the known edge of reusePort.
    const come = (options: ConnectionOptions) => visit(port, options).catch(() => visit(port, options))
    const { session } = await come(only)
    await serveOn(2)
    const resumed: boolean[] = []
    for (let i = 0; i < 12; i += 1) resumed.push((await come({ ...only, session })).resumed)
    expect(resumed).toEqual(Array(12).fill(true))
  })
})
