/** A client of HTTP/2 that knows the rules, and keeps them as far as the test wants: its frames, by a seed. */
import {
  type Field,
  flags,
  frame,
  headers,
  prefixedInteger,
  settings,
  uint32,
} from '../../../../faults/gateway/h2-wire.ts'
import { data, goAway, opens, reset } from '../opened.ts'

export type Random = () => number

export const below = (random: Random, limit: number) => Math.floor(random() * limit)
export const pick = <T>(random: Random, items: readonly T[]): T => items[below(random, items.length)] as T

/** Writes header blocks with a dynamic table (RFC 7541 §2.3.2), in whatever form a field may have. */
class Encoder {
  /** The newest first. */
  #table: Field[] = []
  #size = 0
  #max = 4_096
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  block(fields: readonly Field[]): Buffer {
    const parts: Buffer[] = []
    if (this.#random() < 0.05) parts.push(this.#resize(pick(this.#random, [0, 40, 200, 4_096])))
    return Buffer.concat([...parts, ...fields.map((field) => this.#field(field))])
  }

  #field([name, value]: Field): Buffer {
    const whole = this.#table.findIndex(([n, v]) => n === name && v === value)
    const named = this.#table.findIndex(([n]) => n === name)
    if (whole !== -1 && this.#random() < 0.8) return prefixedInteger(62 + whole, 7, 0x80)
    const added = this.#random() < 0.5
    const known = named !== -1 && this.#random() < 0.8
    const [bits, first] = added ? [6, 0x40] : [4, pick(this.#random, [0, 0x10])]
    const head = known ? prefixedInteger(62 + named, bits, first) : Buffer.concat([Buffer.from([first]), literal(name)])
    if (added) this.#add([name, value])
    return Buffer.concat([head, literal(value)])
  }

  #add(field: Field): void {
    this.#table.unshift(field)
    this.#size += sizeOf(field)
    this.#evict()
  }

  #evict(): void {
    while (this.#size > this.#max) this.#size -= sizeOf(this.#table.pop() as Field)
  }

  #resize(max: number): Buffer {
    this.#max = max
    this.#evict()
    return prefixedInteger(max, 5, 0x20)
  }
}

const sizeOf = ([name, value]: Field) => name.length + value.length + 32
const literal = (text: string) => Buffer.concat([prefixedInteger(text.length, 7), Buffer.from(text, 'latin1')])

const oddFields: readonly Field[] = [
  [':path', '/'],
  ['x-a', 'b'],
  ['X-B', 'c'],
]

/** What it has sent on a stream. */
export interface Sent {
  readonly fields: readonly Field[]
  body: string
  trailers: readonly string[]
  over: boolean
  /** Of the body by its Content-Length. */
  left: number
  /** What it has allowed of the response, beside the initial window; and the most that was ever allowed. */
  opened: number
  most: number
}

export class FuzzClient {
  readonly sent = new Map<number, Sent>()
  /** Of the connection. */
  window = 65_535
  #initial: number
  /** Bytes of bodies that it may send: half of what every server allows, so that it never waits. */
  #room = 30_000
  #next = 1
  #frames = 0
  readonly #random: Random
  readonly #encoder: Encoder

  /** `initial`: window of its streams. */
  constructor(random: Random, initial: number) {
    this.#random = random
    this.#initial = initial
    this.#encoder = new Encoder(random)
  }

  /** Frames that break no rule. */
  valid(): Buffer {
    const open = [...this.sent].filter(([, one]) => !one.over)
    const kind = this.#random()
    if (kind < 0.3 || this.sent.size === 0) return this.#request()
    if (kind < 0.6 && open.length > 0) return this.#more(...pick(this.#random, open))
    return this.#other()
  }

  /** A frame that may break rules. */
  wild(): Buffer {
    const id = below(this.#random, this.#next + 4)
    const bytes = (length: number) => Buffer.from(Array.from({ length }, () => below(this.#random, 256)))
    return pick<() => Buffer>(this.#random, [
      () => data(id, below(this.#random, 300), this.#random() < 0.3),
      () => data(id, 16_384),
      () => headers(id, oddFields.slice(below(this.#random, 4)), this.#random() < 0.5),
      () => reset(id, below(this.#random, 20)),
      () => opens(id, pick(this.#random, [0, 1, 100_000, 2 ** 31 - 1])),
      () => settings({ [below(this.#random, 8)]: pick(this.#random, [0, 1, 16_384, 2 ** 31 - 1, 2 ** 32 - 1]) }),
      () =>
        frame('continuation', { stream: id, flags: below(this.#random, 256), payload: bytes(below(this.#random, 20)) }),
      () => frame('headers', { stream: id, flags: below(this.#random, 256), payload: bytes(below(this.#random, 20)) }),
      () => frame('data', { stream: id, flags: below(this.#random, 256), payload: bytes(below(this.#random, 300)) }),
      () => frame('pushPromise', { stream: id, payload: bytes(8) }),
      () => goAway(below(this.#random, 3)),
      () =>
        Buffer.concat([
          Buffer.from([0, 0, 5, below(this.#random, 256), below(this.#random, 256), 0, 0, 0, id]),
          bytes(5),
        ]),
      () => bytes(below(this.#random, 40)),
    ])()
  }

  /** A valid frame of which a byte or two are changed, removed or doubled. */
  mutated(): Buffer {
    const bytes = [...this.valid()]
    for (let i = 0; i <= below(this.#random, 2); i++) {
      const at = below(this.#random, this.#random() < 0.5 ? 9 : bytes.length)
      const some =
        this.#random() < 0.6 ? [below(this.#random, 256)] : pick(this.#random, [[], [bytes[at] ?? 0, bytes[at] ?? 0]])
      bytes.splice(at, 1, ...some)
    }
    return Buffer.from(bytes)
  }

  #request(): Buffer {
    const id = this.#next
    this.#next += 2 * (1 + (this.#random() < 0.1 ? below(this.#random, 5) : 0))
    const method = pick(this.#random, ['GET', 'POST', 'HEAD', 'PUT'])
    const length = this.#random() < 0.3 ? below(this.#random, 2_000) : undefined
    const ends = this.#random() < 0.5 && (length === undefined || length === 0)
    const fields: Field[] = [
      [':method', method],
      [':scheme', 'https'],
      [':path', `/${id}`],
      [':authority', pick(this.#random, ['a', 'b', 'example.com'])],
      ...Array.from(
        { length: below(this.#random, 5) },
        (): Field => [
          `x-${below(this.#random, 6)}`,
          pick(this.#random, ['', 'a', 'b'.repeat(below(this.#random, 900)), String(this.#random())]),
        ],
      ),
      ...(length === undefined ? [] : [['content-length', String(length)] as const]),
    ]
    this.sent.set(id, {
      fields,
      body: '',
      trailers: [],
      over: ends,
      left: length ?? Number.POSITIVE_INFINITY,
      opened: 0,
      most: this.#initial,
    })
    return this.#head(id, fields, ends)
  }

  /** In one frame or several, with padding and priority or without. */
  #head(id: number, fields: readonly Field[], ends: boolean): Buffer {
    const block = this.#encoder.block(fields)
    const priority = this.#random() < 0.1
    const padding = this.#random() < 0.1 ? below(this.#random, 256) : -1
    const cut = this.#random() < 0.2 ? below(this.#random, block.length) : block.length
    const set =
      (ends ? flags.endStream : 0) |
      (cut === block.length ? flags.endHeaders : 0) |
      (priority ? flags.priority : 0) |
      (padding >= 0 ? flags.padded : 0)
    const payload = Buffer.concat([
      Buffer.from(padding >= 0 ? [padding] : []),
      Buffer.alloc(priority ? 5 : 0),
      block.subarray(0, cut),
      Buffer.alloc(Math.max(0, padding)),
    ])
    const first = frame('headers', { stream: id, flags: set, payload })
    if (cut === block.length) return first
    return Buffer.concat([
      first,
      frame('continuation', { stream: id, flags: flags.endHeaders, payload: block.subarray(cut) }),
    ])
  }

  #more(id: number, one: Sent): Buffer {
    const most = Math.min(one.left, this.#room, pick(this.#random, [0, 1, 100, 5_000]))
    const text = String.fromCharCode(97 + (id % 26)).repeat(below(this.#random, most + 1))
    const trailers = this.#random() < 0.1 && (one.left === 0 || one.left === Number.POSITIVE_INFINITY)
    if (trailers) {
      one.over = true
      one.trailers = ['x-t', String(id)]
      return this.#head(id, [['x-t', String(id)]], true)
    }
    one.left -= text.length
    one.body += text
    this.#room -= text.length + 256
    if (this.#room < 300) this.#room = 0
    one.over = one.left === 0 || (one.left === Number.POSITIVE_INFINITY && this.#random() < 0.4)
    if (this.#room === 0 || this.#random() > 0.2) return data(id, text, one.over)
    const padding = below(this.#random, 256)
    const payload = Buffer.concat([Buffer.from([padding]), Buffer.from(text), Buffer.alloc(padding)])
    return frame('data', { stream: id, flags: flags.padded | (one.over ? flags.endStream : 0), payload })
  }

  #noteWindows(): void {
    for (const one of this.sent.values()) one.most = Math.max(one.most, this.#initial + one.opened)
  }

  #other(): Buffer {
    const id = pick(this.#random, [...this.sent.keys()])
    const one = this.sent.get(id) as Sent
    this.#frames += 1
    switch (below(this.#random, 7)) {
      case 0:
        this.window += 50_000
        return opens(0, 50_000)
      case 1: {
        const by = 1 + below(this.#random, 30_000)
        one.opened += by
        this.#noteWindows()
        return opens(id, by)
      }
      case 2:
        one.over = true
        return reset(id, below(this.#random, 14))
      case 3: {
        const size = pick(this.#random, [0, 1, 1_000, 65_535, 1_000_000])
        if (this.#random() < 0.5) return settings({ 1: size })
        this.#initial = size
        this.#noteWindows()
        return settings({ 4: size })
      }
      case 4:
        return frame('priority', { stream: id, payload: Buffer.concat([uint32(0), Buffer.from([1])]) })
      case 5:
        return Buffer.from([0, 0, 1, 200, 255, 0, 0, 0, id & 0x7f, 1])
      default:
        return frame('ping', { payload: Buffer.from(`ping${String(this.#frames).padStart(4, '0')}`) })
    }
  }
}
