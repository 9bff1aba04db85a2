import type { Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Attacked, during, startAttacked } from '../faults/gateway/attacked-gateway.ts'
import {
  type Field,
  fieldBlock,
  flags,
  frame,
  headers,
  openWire,
  prefixedInteger,
  settings,
  uint32,
  type Wire,
} from '../faults/gateway/h2-wire.ts'
import { cleanUp } from '../gateway/support.ts'

let attacked: Attacked
beforeAll(async () => {
  attacked = await startAttacked()
})
afterAll(async () => {
  await attacked.stop()
  await cleanUp()
})

const head = (path: string, method = 'GET'): Field[] => [
  [':method', method],
  [':scheme', 'https'],
  [':authority', 'localhost'],
  [':path', path],
]

/** Writes as fast as the other side takes it; resolves early if the connection is over. */
async function flood({ socket }: Wire, count: number, make: (i: number) => Buffer): Promise<void> {
  const atOnce = 100
  for (let i = 0; i < count && socket.writable; i += atOnce) {
    const batch = Buffer.concat(Array.from({ length: Math.min(atOnce, count - i) }, (_, k) => make(i + k)))
    if (socket.write(batch)) await new Promise(setImmediate)
    else await roomIn(socket)
  }
}

function roomIn(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      for (const event of ['drain', 'end', 'close']) socket.off(event, go)
      resolve()
    }
    for (const event of ['drain', 'end', 'close']) socket.on(event, go)
  })
}

async function attackers(count: number, attack: (wire: Wire) => Promise<unknown>, own = {}): Promise<Wire[]> {
  const wires = await Promise.all(Array.from({ length: count }, async () => openWire(await attacked.dialTls(), own)))
  await Promise.all(wires.map(attack))
  return wires
}

async function leave(wires: readonly Wire[]): Promise<void> {
  for (const { socket } of wires) socket.destroy()
  await Promise.all(wires.map(({ closed }) => closed))
}

interface Row {
  readonly name: string
  /** Whether each attacker's connection is ended by us; otherwise what it holds is bounded. */
  readonly ends: boolean
  readonly attack: (wire: Wire) => Promise<unknown>
  readonly own?: Readonly<Record<number, number>>
}

const streams = (i: number) => 2 * i + 1
const block = fieldBlock(head('/silent'))
const cancel = uint32(8)
const ping = frame('ping', { payload: Buffer.alloc(8) })

const rows: readonly Row[] = [
  {
    name: 'rapid reset: streams that are opened and reset at once (CVE-2023-44487)',
    ends: true,
    attack: (wire) =>
      flood(wire, 5_000, (i) =>
        Buffer.concat([
          frame('headers', { flags: flags.endHeaders | flags.endStream, stream: streams(i), payload: block }),
          frame('resetStream', { stream: streams(i), payload: cancel }),
        ]),
      ),
  },
  {
    name: 'CONTINUATION flood: a head without an end (CVE-2024-27983)',
    ends: true,
    attack: async (wire) => {
      wire.write(frame('headers', { stream: 1, payload: block }))
      await flood(wire, 10_000, () =>
        frame('continuation', { stream: 1, payload: fieldBlock([['x-a', 'b'.repeat(8_000)]]) }),
      )
    },
  },
  {
    name: 'CONTINUATION flood of empty frames',
    ends: true,
    attack: async (wire) => {
      wire.write(frame('headers', { stream: 1, payload: block }))
      await flood(wire, 100_000, () => frame('continuation', { stream: 1 }))
    },
  },
  {
    name: 'HPACK bomb: one long header, named thousands of times by its index',
    ends: false,
    attack: async (wire) => {
      // Entered into the table with the first request (RFC 7541 §6.2.1), then 8,000 times in each that follows.
      const value = 'b'.repeat(3_900)
      const enter = Buffer.concat([
        Buffer.from([0x40, 3]),
        Buffer.from('x-a'),
        prefixedInteger(value.length, 7),
        Buffer.from(value),
      ])
      const first = frame('headers', {
        flags: flags.endHeaders | flags.endStream,
        stream: 1,
        payload: Buffer.concat([block, enter]),
      })
      const bomb = Buffer.concat([block, Buffer.alloc(8_000, 0x80 | 62)])
      wire.write(first)
      await flood(wire, 200, (i) =>
        frame('headers', { flags: flags.endHeaders | flags.endStream, stream: streams(i + 1), payload: bomb }),
      )
      await wire.endOf(3)
    },
  },
  {
    name: 'settings flood without reading the acknowledgements (CVE-2019-9515)',
    ends: true,
    attack: async (wire) => {
      wire.socket.pause()
      await flood(wire, 300_000, () => settings({ 3: 100 }))
      wire.socket.resume()
    },
  },
  {
    name: 'ping flood without reading the answers (CVE-2019-9512)',
    ends: true,
    attack: async (wire) => {
      wire.socket.pause()
      await flood(wire, 300_000, () => ping)
      wire.socket.resume()
    },
  },
  {
    name: 'priority flood (CVE-2019-9513)',
    ends: false,
    attack: (wire) =>
      flood(wire, 100_000, (i) =>
        frame('priority', { stream: streams(i % 1_000), payload: Buffer.concat([uint32(0), Buffer.from([i % 256])]) }),
      ),
  },
  {
    name: 'empty DATA frames without an end (CVE-2019-9518)',
    ends: false,
    attack: async (wire) => {
      wire.write(headers(1, head('/upload', 'POST'), false))
      await flood(wire, 100_000, () => frame('data', { stream: 1 }))
    },
  },
  {
    name: 'malformed requests, one after the other',
    ends: true,
    attack: (wire) => flood(wire, 5_000, (i) => headers(streams(i), [...head('/'), ['X-A', 'b']], true)),
  },
  {
    name: 'a window that overflows',
    ends: true,
    attack: (wire) => flood(wire, 10, () => frame('windowUpdate', { payload: uint32(0x7fffffff) })),
  },
  {
    name: 'more streams than are allowed, never answered',
    ends: true,
    attack: (wire) => flood(wire, 5_000, (i) => headers(streams(i), head('/silent'), true)),
  },
  {
    name: 'windows of zero, and 1 MB wanted on each of 100 streams (CVE-2019-9511)',
    ends: false,
    own: { 4: 0 },
    attack: (wire) => flood(wire, 100, (i) => headers(streams(i), head('/big'), true)),
  },
  {
    name: 'uploads that stop in the middle on 100 streams',
    ends: false,
    attack: (wire) =>
      flood(wire, 100, (i) =>
        Buffer.concat([
          headers(streams(i), head('/upload', 'POST'), false),
          frame('data', { stream: streams(i), payload: Buffer.alloc(600) }),
        ]),
      ),
  },
]

describe('an h2 client that attacks', () => {
  it.each(rows)('by $name leaves others unharmed and memory bounded', async ({ attack, ends, own }) => {
    let wires: Wire[] = []
    const seen = await during(attacked, async () => {
      wires = await attackers(2, attack, own)
      if (ends) await Promise.all(wires.map(({ closed }) => closed))
    })
    await leave(wires)
    expect(seen.failures).toEqual([])
    expect(seen.probes).toBeGreaterThan(10)
    expect(seen.slowest).toBeLessThan(1_000)
    expect(seen.growth).toBeLessThan(100)
    expect(seen.peak).toBeLessThan(200)
    expect(attacked.gatehouse.lines.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([])
  })
})
