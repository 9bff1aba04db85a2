/** A connection whose client is the test: what it has reported, and the frames that it has sent. */
import { setImmediate as turn } from 'node:timers/promises'
import { HpackDecoder } from '../../../../src/gateway/http2/hpack/decoder.ts'
import { Http2Connection, type Http2Limits } from '../../../../src/gateway/listen/http2/connection.ts'
import type { Http2Request } from '../../../../src/gateway/listen/http2/request.ts'
import type { Http2Response } from '../../../../src/gateway/listen/http2/response.ts'
import {
  type Field,
  type Frame,
  flags,
  frame,
  frameReader,
  frameTypes,
  headers,
  preface,
  settings,
  uint32,
} from '../../../faults/gateway/h2-wire.ts'
import { Wire } from '../http1/wire.ts'

/** A request, and what has become of it and of its response. */
export interface Begun {
  readonly id: number
  readonly request: Http2Request
  readonly response: Http2Response
  /** Of the body; empty if nothing reads it. */
  body: string
  /** In their order. */
  readonly events: string[]
}

/** As a socket of a TLS server, which ends its side when the client has. */
export class ClientWire extends Wire {
  readonly #see: (text: string) => void
  #seen = 0

  constructor(see: (text: string) => void) {
    super()
    this.#see = see
    this.allowHalfOpen = false
  }

  override receive(bytes: Buffer | string): void {
    this.push(Buffer.from(bytes as string, 'latin1'))
  }

  /** The kernel gives back what it was given, as Node has it. */
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    super._destroy(error, done)
    setImmediate(() => this.drain())
  }

  /** Passes on what was written since the last call. */
  look(): void {
    for (; this.#seen < this.writes.length; this.#seen++) this.#see(this.writes[this.#seen] as string)
  }
}

export interface Opening extends Partial<Http2Limits> {
  /** Of the client; null: it sends nothing by itself. */
  readonly settings?: Readonly<Record<number, number>> | null
  /** Within the event of each request; by default it is answered when the test does so, and its body read. */
  readonly begins?: (begun: Begun) => void
}

export class Opened {
  readonly wire: ClientWire
  readonly connection: Http2Connection
  readonly begun: Begun[] = []
  closed = 0
  readonly #frames: Frame[] = []
  readonly #decoder = new HpackDecoder()
  readonly #heads = new Map<Frame, readonly string[]>()

  constructor({ settings: own = {}, begins = readBody, ...limits }: Opening = {}) {
    const read = frameReader((one) => {
      const copy = { ...one, payload: Buffer.from(one.payload) }
      this.#frames.push(copy)
      if (one.type === frameTypes.headers && (one.flags & flags.endHeaders) !== 0)
        this.#heads.set(copy, this.#decoder.decode(copy.payload, 1_000_000).fields)
    })
    this.wire = new ClientWire((text) => read(Buffer.from(text, 'latin1')))
    this.connection = new Http2Connection(this.wire, {
      request: (request, response) => {
        const one: Begun = { id: response.stream.id, request, response, body: '', events: [] }
        for (const event of ['aborted', 'end']) request.on(event, () => one.events.push(event))
        for (const event of ['finish', 'close', 'drain']) response.on(event, () => one.events.push(event))
        this.begun.push(one)
        begins(one)
      },
      closed: () => {
        this.closed += 1
      },
      limits: () => ({ headerTimeout: 60_000, idleTimeout: 60_000, requestHeaders: 16_000, ...limits }),
    })
    if (own) this.send(preface, settings(own), settingsAcknowledged)
  }

  /** What was received, as of now. */
  get frames(): readonly Frame[] {
    this.wire.look()
    return this.#frames
  }

  /** Shortly, without what every connection begins with, and without fields other than the status. */
  get seen(): string[] {
    return this.frames
      .filter(({ type }) => type !== frameTypes.settings)
      .map((one) => this.#short(one))
      .slice(1)
  }

  of(id: number): string[] {
    return this.frames.filter(({ stream }) => stream === id).map((one) => this.#short(one))
  }

  /** Bytes of the body of a response. */
  bodyOf(id: number): Buffer {
    return Buffer.concat(
      this.frames.filter(({ type, stream }) => type === frameTypes.data && stream === id).map(({ payload }) => payload),
    )
  }

  fieldsOf(id: number): readonly (readonly string[])[] {
    return this.frames.flatMap((one) => (one.stream === id ? [this.#heads.get(one) ?? []].filter((h) => h.length) : []))
  }

  get last(): Begun {
    const last = this.begun.at(-1)
    if (!last) throw new Error('no request has begun')
    return last
  }

  send(...frames: readonly Buffer[]): void {
    if (!this.wire.destroyed && !this.wire.readableEnded) this.wire.receive(Buffer.concat(frames))
  }

  /** Sends these, and waits until all that they cause has happened. */
  async after(...frames: readonly Buffer[]): Promise<this> {
    this.send(...frames)
    await settled()
    return this
  }

  /** Whether the connection still answers. */
  async answers(): Promise<boolean> {
    const before = this.frames.length
    await this.after(frame('ping', { payload: Buffer.from('question') }))
    return this.frames
      .slice(before)
      .some(({ type, payload }) => type === frameTypes.ping && `${payload}` === 'question')
  }

  #short(one: Frame): string {
    const { type, stream, payload } = one
    const end = (one.flags & flags.endStream) !== 0 ? ' end' : ''
    switch (type) {
      case frameTypes.data:
        return `data ${stream} ${payload.length}${end}`
      case frameTypes.headers:
        return `head ${stream} ${this.#heads.get(one)?.[1] ?? 'incomplete'}${end}`
      case frameTypes.resetStream:
        return `reset ${stream} ${errorOf(payload, 0)}`
      case frameTypes.goAway:
        return `goaway ${payload.readUInt32BE(0)} ${errorOf(payload, 4)}`
      case frameTypes.windowUpdate:
        return `window ${stream} ${payload.readUInt32BE(0)}`
      case frameTypes.ping:
        return 'pong'
      case frameTypes.settings:
        return 'settings'
      default:
        return `type ${type} ${stream}`
    }
  }
}

export const settingsAcknowledged = frame('settings', { flags: flags.acknowledgement })

const errors = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
]

function errorOf(payload: Buffer, at: number): string {
  const code = payload.readUInt32BE(at)
  return errors[code] ?? String(code)
}

/** The kernel and Node have done all they had to. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 8; i++) await turn()
}

export function readBody(one: Begun): void {
  one.request.on('data', (piece: Buffer) => {
    one.body += piece.toString('latin1')
  })
}

export const head = (method = 'GET', ...more: readonly Field[]): Field[] => [
  [':method', method],
  [':scheme', 'https'],
  [':authority', 'a'],
  [':path', '/'],
  ...more,
]

export const get = (stream: number, ...more: readonly Field[]) => headers(stream, head('GET', ...more), true)
export const post = (stream: number, ...more: readonly Field[]) => headers(stream, head('POST', ...more), false)
export const data = (stream: number, body: string | number, end = false) =>
  frame('data', {
    stream,
    flags: end ? flags.endStream : 0,
    payload: typeof body === 'string' ? Buffer.from(body, 'latin1') : Buffer.alloc(body, 'd'),
  })
export const reset = (stream: number, code = 8) => frame('resetStream', { stream, payload: uint32(code) })
export const opens = (stream: number, by: number) => frame('windowUpdate', { stream, payload: uint32(by) })
export const goAway = (code = 0, last = 0) => frame('goAway', { payload: Buffer.concat([uint32(last), uint32(code)]) })

export function answer({ response }: Begun, body: Buffer | string = '', status = 200): void {
  response.writeHead(status, ['x-a', 'b'], false)
  response.end(Buffer.from(body as string))
}
