import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tlsSocket } from '../../gateway/clients.ts'
import { cleanUp, startGateway } from '../../gateway/support.ts'
import { type Attacked, during, startAttacked } from './attacked-gateway.ts'
import { fieldBlock, flags, frame, openWire } from './h2-wire.ts'

/** Seconds that a head, or a handshake, may take; connections are looked at once a second. */
const deadline = 10
const slack = 3

let attacked: Attacked
beforeAll(async () => {
  attacked = await startAttacked()
})
afterAll(async () => {
  await attacked.stop()
  await cleanUp()
})

interface Slow {
  readonly name: string
  readonly count: number
  readonly open: () => Promise<Socket>
  readonly begin: string
  /** Sent every second. */
  readonly dribble?: string
}

const head = 'GET /probe HTTP/1.1\r\nHost: localhost\r\n'
const rows: readonly Slow[] = [
  { name: 'send nothing', count: 100, open: () => attacked.dial(), begin: '' },
  { name: 'send half a head', count: 100, open: () => attacked.dial(), begin: head },
  { name: 'send a header a second', count: 100, open: () => attacked.dial(), begin: head, dribble: 'X-A: b\r\n' },
  {
    name: 'send a header a second over TLS',
    count: 50,
    open: () => attacked.dialTls('http/1.1'),
    begin: head,
    dribble: 'X-A: b\r\n',
  },
  { name: 'send nothing behind a TLS handshake', count: 50, open: () => attacked.dialTls('http/1.1'), begin: '' },
  { name: 'choose h2 and never begin', count: 50, open: () => attacked.dialTls('h2'), begin: '' },
  { name: 'never begin their TLS handshake', count: 50, open: () => dialTlsPort(), begin: '' },
  {
    name: 'stop in the midst of their TLS handshake',
    count: 50,
    open: () => dialTlsPort(),
    begin: '\x16\x03\x01\x02\x00\x01',
  },
  {
    name: 'begin a handshake a byte a second',
    count: 20,
    open: () => dialTlsPort(),
    begin: '\x16\x03\x01\x02\x00\x01',
    dribble: '\0',
  },
]

/** The port that speaks TLS, without speaking it. */
function dialTlsPort(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: attacked.ports.https }, () => resolve(socket))
    socket.once('error', reject)
    socket.on('error', () => {})
  })
}

interface Life {
  /** Seconds until the gateway ended it: since it was dialled, and since it was open, between which the gateway counts. */
  readonly dialled: number
  readonly open: number
}

async function life({ open, begin, dribble }: Slow): Promise<Life> {
  const dialled = performance.now()
  const socket = await open()
  const opened = performance.now()
  socket.write(begin, 'latin1')
  const timer =
    dribble === undefined ? undefined : setInterval(() => socket.writable && socket.write(dribble, 'latin1'), 1_000)
  socket.resume()
  return new Promise((resolve) => {
    socket.once('close', () => {
      clearInterval(timer)
      const now = performance.now()
      resolve({ dialled: (now - dialled) / 1_000, open: (now - opened) / 1_000 })
    })
  })
}

describe('slow clients', () => {
  it('are gone after the deadline, 570 of them in nine manners, and a probe beside them is never slow', async () => {
    const lives = new Map<string, readonly Life[]>()
    const seen = await during(attacked, async () => {
      await Promise.all(
        rows.map(async (row) => {
          lives.set(row.name, await Promise.all(Array.from({ length: row.count }, () => life(row))))
        }),
      )
    })
    for (const [name, seconds] of lives) {
      expect(Math.min(...seconds.map(({ dialled }) => dialled)), name).toBeGreaterThan(deadline - 1)
      expect(Math.max(...seconds.map(({ open }) => open)), name).toBeLessThan(deadline + slack)
    }
    expect(lives.size).toBe(rows.length)
    expect(seen.failures).toEqual([])
    expect(seen.probes).toBeGreaterThan(100)
    expect(seen.slowest).toBeLessThan(1_000)
    expect(seen.peak).toBeLessThan(100)
  })

  it('do not keep others from being answered while they upload, or read, a byte at a time', async () => {
    const sockets: Socket[] = []
    const seen = await during(attacked, async () => {
      for (let i = 0; i < 200; i++) {
        const socket = await (i % 4 === 0 ? attacked.dialTls('http/1.1') : attacked.dial())
        sockets.push(socket)
        if (i % 2 === 0) {
          socket.write('POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nb')
        } else {
          socket.pause()
          socket.write('GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n')
        }
      }
      for (let round = 0; round < 20; round++) {
        for (const [i, socket] of sockets.entries()) if (i % 2 === 0) socket.write('b')
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    })
    for (const socket of sockets) socket.destroy()
    expect(seen.failures).toEqual([])
    expect(seen.slowest).toBeLessThan(1_000)
    expect(seen.peak).toBeLessThan(100)
  })
})

describe('an h2 client that never ends a head', () => {
  it.each([
    ['stops', undefined],
    ['sends a byte of it at a time', Buffer.from('x')],
  ])('and %s is gone after the time for idle connections', async (_how, dribble) => {
    const gateway = await startGateway({ routes: [], limits: { idleTimeout: 1_000 } })
    const wire = openWire(tlsSocket(gateway.https, 'h2'))
    const block = fieldBlock([[':method', 'GET']])
    const whole = frame('headers', { flags: flags.endHeaders, stream: 1, payload: Buffer.alloc(10_000) })
    wire.write(whole.subarray(0, 9), block)
    const timer = setInterval(() => dribble && wire.socket.writable && wire.write(dribble), 100)
    const begun = performance.now()
    await wire.closed
    clearInterval(timer)
    expect(performance.now() - begun).toBeLessThan(5_000)
  })
})
