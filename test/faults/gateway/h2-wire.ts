/**
 * An h2 client without rules: it writes any frames (RFC 9113 §4, §6), of which node:http2's own client
 * refuses most, and notes what comes back.
 */
import type { Socket } from 'node:net'

export const frameTypes = {
  data: 0,
  headers: 1,
  priority: 2,
  resetStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const

export const flags = { endStream: 1, acknowledgement: 1, endHeaders: 4, padded: 8, priority: 32 } as const

export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

const maxFrame = 16_384

export interface Frame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
}

export type Field = readonly [name: string, value: string]

export function frame(type: keyof typeof frameTypes, options: Partial<Omit<Frame, 'type'>> = {}): Buffer {
  const { flags = 0, stream = 0, payload = Buffer.alloc(0) } = options
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(frameTypes[type], 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** A header block of literals, neither indexed nor compressed (RFC 7541 §6.2.2): any byte can be said in it. */
export function fieldBlock(fields: readonly Field[]): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), literal(name), literal(value)]))
}

function literal(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1')
  return Buffer.concat([prefixedInteger(bytes.length, 7), bytes])
}

/** RFC 7541 §5.1. */
export function prefixedInteger(value: number, bits: number, first = 0): Buffer {
  const most = 2 ** bits - 1
  if (value < most) return Buffer.from([first | value])
  const bytes = [first | most]
  let rest = value - most
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
  return Buffer.from([...bytes, rest])
}

/** HEADERS, and as many CONTINUATIONs as its block needs. */
export function headers(stream: number, fields: readonly Field[], endStream: boolean): Buffer {
  const block = fieldBlock(fields)
  const parts: Buffer[] = []
  for (let at = 0; at === 0 || at < block.length; at += maxFrame) {
    const payload = block.subarray(at, at + maxFrame)
    const last = at + maxFrame >= block.length ? flags.endHeaders : 0
    const end = at === 0 && endStream ? flags.endStream : 0
    parts.push(frame(at === 0 ? 'headers' : 'continuation', { flags: last | end, stream, payload }))
  }
  return Buffer.concat(parts)
}

export function settings(values: Readonly<Record<number, number>>): Buffer {
  const payload = Buffer.concat(
    Object.entries(values).map(([id, value]) => {
      const entry = Buffer.alloc(6)
      entry.writeUInt16BE(Number(id), 0)
      entry.writeUInt32BE(value, 2)
      return entry
    }),
  )
  return frame('settings', { payload })
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** How a stream ended: answered, reset with a code, or with its connection. */
export type StreamEnd = { readonly status: number } | { readonly reset: number } | 'connection closed'

export interface Wire {
  readonly socket: Socket
  /** The code of the GOAWAY received, if there was one. */
  readonly goAway: number | undefined
  readonly closed: Promise<void>
  /** Streams of which the head of the answer has come. */
  readonly answered: number
  write(...frames: readonly Buffer[]): void
  /** Also if it has ended already. */
  endOf(stream: number): Promise<StreamEnd>
}

/** Begins a connection: preface and settings are sent, the server's settings acknowledged. */
export function openWire(socket: Socket, own: Readonly<Record<number, number>> = {}): Wire {
  const ends = new Map<number, StreamEnd>()
  const statuses = new Map<number, number>()
  const waiting = new Map<number, (end: StreamEnd) => void>()
  let goAway: number | undefined
  const end = (stream: number, how: StreamEnd) => {
    if (ends.has(stream)) return
    ends.set(stream, how)
    waiting.get(stream)?.(how)
  }
  const see = ({ type, flags: set, stream, payload }: Frame) => {
    if (type === frameTypes.settings && (set & flags.acknowledgement) === 0) {
      socket.write(frame('settings', { flags: flags.acknowledgement }))
    }
    if (type === frameTypes.goAway) goAway = payload.readUInt32BE(4)
    if (type === frameTypes.resetStream) end(stream, { reset: payload.readUInt32BE(0) })
    if (type === frameTypes.headers && statusOf(payload) >= 200) statuses.set(stream, statusOf(payload))
    const last = (type === frameTypes.headers || type === frameTypes.data) && (set & flags.endStream) !== 0
    if (last) end(stream, { status: statuses.get(stream) ?? 0 })
  }
  socket.on('data', frameReader(see))
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      for (const stream of waiting.keys()) end(stream, 'connection closed')
      resolve()
    })
  })
  // Without a dynamic table the status is always found as its own field.
  socket.write(Buffer.concat([preface, settings({ 1: 0, ...own })]))
  return {
    socket,
    get goAway() {
      return goAway
    },
    closed,
    get answered() {
      return statuses.size
    },
    write: (...frames) => void socket.write(Buffer.concat(frames)),
    endOf(stream) {
      const ended = ends.get(stream)
      if (ended) return Promise.resolve(ended)
      if (socket.destroyed) return Promise.resolve('connection closed')
      return new Promise((resolve) => waiting.set(stream, resolve))
    },
  }
}

/** Cuts what arrives into frames. */
export function frameReader(see: (frame: Frame) => void): (chunk: Buffer) => void {
  let pending = Buffer.alloc(0)
  return (chunk) => {
    pending = Buffer.concat([pending, chunk])
    while (pending.length >= 9) {
      const length = pending.readUIntBE(0, 3)
      if (pending.length < 9 + length) return
      const payload = pending.subarray(9, 9 + length)
      see({
        type: pending.readUInt8(3),
        flags: pending.readUInt8(4),
        stream: pending.readUInt32BE(5) & 0x7fffffff,
        payload,
      })
      pending = pending.subarray(9 + length)
    }
  }
}

/** `:status` comes first. RFC 7541 appendix A: entries 8 to 14 of the static table; appendix B for its digits. */
function statusOf(block: Buffer): number {
  const known = [200, 204, 206, 304, 400, 404, 500]
  let at = 0
  while (((block[at] ?? 0) & 0xe0) === 0x20) at += 1 // a change of the table's size
  const first = block[at] ?? 0
  if (first & 0x80) return known[(first & 0x7f) - 8] ?? 0
  const length = block[at + 1] ?? 0
  const text = block.subarray(at + 2, at + 2 + (length & 0x7f))
  return Number(length & 0x80 ? huffmanDigits(text) : text.toString('latin1'))
}

function huffmanDigits(bytes: Buffer): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  let digits = ''
  for (let at = 0; digits.length < 3 && at < bits.length; ) {
    const short = Number.parseInt(bits.slice(at, at + 5), 2)
    digits += short < 3 ? short : Number.parseInt(bits.slice(at, at + 6), 2) - 0b011001 + 3
    at += short < 3 ? 5 : 6
  }
  return digits
}
