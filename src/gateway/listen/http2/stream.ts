/** One request and its response on an HTTP/2 connection of a client: what is sent, and how far both sides are. */
import type { Bytes } from '../../../shared/bytes.ts'
import { encodeField } from '../../http2/hpack/encode.ts'

/** What a stream needs of its connection. */
export interface StreamConnection {
  /** What the client takes of a head or trailers, by RFC 9113 §6.5.2. */
  readonly maxHeaderListSize: Bytes
  /** The client has yet to read much of what was sent on any stream. */
  readonly behind: boolean
  sendHeaders(stream: Http2Stream, block: string, last: boolean): void
  /** `sent` is called when the payload is not used any more; `rest`: nor what was sent before of the same buffer. */
  sendData(stream: Http2Stream, payload: Buffer, last: boolean, sent?: () => void, rest?: boolean): void
  /** The stream has bytes to send, as far as its window allows. */
  send(stream: Http2Stream): void
  /** Calls back when the kernel has taken all that was sent so far, or (false) never will. */
  whenTaken(taken: (all: boolean) => void): void
  /** Both sides are done with the stream; with a code, it is reset. */
  over(stream: Http2Stream, code?: number): void
}

export interface StreamEvents {
  /** All of the response was sent. */
  finished(): void
  /** There is room again after `write` has returned false. */
  drained(): void
  /** Nothing more is sent or received. */
  closed(): void
}

interface Piece {
  readonly bytes: Buffer
  readonly sent: (() => void) | undefined
  /** Part of it was sent. */
  readonly begun?: boolean
}

/** Of a response; more waits until the client takes it. */
const maxUnsent: Bytes = 65_536

export class Http2Stream {
  readonly id: number
  readonly connection: StreamConnection
  /** The client has ended its side with the head: there is no body. */
  readonly endAfterHeaders: boolean
  /** Of bytes that may be sent. */
  window: Bytes
  /** It waits for its turn to send. */
  queued = false
  /** It ended before its response was complete. */
  aborted = false
  /** Of its reset, by either side. */
  rstCode = 0
  /** Nothing more is sent or received. */
  closed = false
  headSent = false
  events: StreamEvents | undefined
  #pieces: Piece[] = []
  #unsent: Bytes = 0
  #ending = false
  #endSent = false
  #trailers = ''
  #needsDrain = false
  /** The end is sent, and the kernel has not taken it yet. */
  #leaving = false
  #requestEnded: boolean

  constructor(id: number, connection: StreamConnection, endAfterHeaders: boolean, window: Bytes) {
    this.id = id
    this.connection = connection
    this.endAfterHeaders = endAfterHeaders
    this.#requestEnded = endAfterHeaders
    this.window = window
  }

  /** Bytes of the body that were not sent yet. */
  get writableLength(): Bytes {
    return this.#unsent
  }

  get writableEnded(): boolean {
    return this.#ending
  }

  /** Whether bytes wait for their turn, or for a window. */
  get unsent(): boolean {
    return this.#unsent > 0
  }

  /** Whether the client has ended its side. */
  get requestEnded(): boolean {
    return this.#requestEnded
  }

  /** A header block that is no final head. */
  inform(block: string): void {
    if (!this.closed && !this.headSent) this.connection.sendHeaders(this, block, false)
  }

  /** The final head; `last`: it ends the stream. */
  respond(block: string, last: boolean): void {
    if (this.closed || this.headSent) return
    this.headSent = true
    this.connection.sendHeaders(this, block, last)
    if (last) this.#sentEnd()
  }

  /** False: no more until `drained`. `sent` is called when the socket has taken it, or none of it. */
  write(bytes: Buffer, sent?: () => void): boolean {
    if (this.closed || this.#ending || this.#endSent || bytes.length === 0) {
      if (sent) process.nextTick(sent)
      return true
    }
    this.#pieces.push({ bytes, sent })
    this.#unsent += bytes.length
    this.connection.send(this)
    this.#needsDrain = this.#unsent >= maxUnsent
    return !this.#needsDrain
  }

  /** The last part of the body: it leaves in one frame with the end of the stream, which must follow. */
  writeLast(bytes: Buffer): void {
    if (this.closed || this.#ending || this.#endSent || bytes.length === 0) return
    this.#pieces.push({ bytes, sent: undefined })
    this.#unsent += bytes.length
  }

  /** `trailers`: name and value in turn. */
  end(trailers: readonly string[]): void {
    if (this.closed || this.#ending) return
    this.#ending = true
    for (let i = 0; i < trailers.length; i += 2)
      this.#trailers += encodeField(trailers[i] as string, trailers[i + 1] as string)
    if (this.#endSent) return
    if (this.#unsent > 0) this.connection.send(this)
    else if (this.headSent) this.#sendEnd()
  }

  /** Sends one frame of the body with so many bytes at most, and with the last one the end. */
  sendFrame(allowance: Bytes): void {
    const piece = this.#pieces[0]
    if (!piece) return
    const { bytes, sent, begun } = piece
    const length = Math.min(allowance, bytes.length)
    const whole = length === bytes.length
    this.#unsent -= length
    if (whole) this.#pieces.shift()
    // Its buffer must not be used again if the rest is never sent: the socket may hold what precedes it.
    else this.#pieces[0] = { bytes: bytes.subarray(length), sent, begun: true }
    const over = this.#unsent === 0 && this.#ending
    const last = over && this.#trailers === ''
    if (whole) this.connection.sendData(this, bytes, last, sent, begun)
    else this.connection.sendData(this, bytes.subarray(0, length), last)
    if (last) this.#sentEnd()
    else if (over) this.#sendEnd()
    else if (this.#needsDrain && this.#unsent < maxUnsent) {
      this.#needsDrain = false
      process.nextTick(() => this.events?.drained())
    }
  }

  /** Without bytes, which no window holds back. */
  #sendEnd(): void {
    if (this.#trailers !== '') this.connection.sendHeaders(this, this.#trailers, true)
    else this.connection.sendData(this, noBytes, true)
    this.#sentEnd()
  }

  /** The client has ended its side. */
  endRequest(): void {
    this.#requestEnded = true
    if (this.#endSent) this.#close()
  }

  /** Resets the stream. */
  close(code: number): void {
    if (this.closed) return
    this.rstCode = code
    this.#abort()
    this.connection.over(this, code)
    this.#closed()
  }

  /** The client has reset the stream, or its connection has ended. */
  cut(code: number): void {
    if (this.closed) return
    this.rstCode = code
    this.#abort()
    this.#close()
  }

  #abort(): void {
    if (!this.#endSent) this.aborted = true
  }

  #sentEnd(): void {
    this.#endSent = true
    this.connection.whenTaken((all) => {
      this.#leaving = false
      if (all) this.events?.finished()
      else this.aborted = true
      if (this.closed) this.events?.closed()
    })
    this.#leaving = true
    if (this.#requestEnded) this.#close()
  }

  #close(): void {
    if (this.closed) return
    this.connection.over(this)
    this.#closed()
  }

  #closed(): void {
    this.closed = true
    for (const { sent, begun } of this.#pieces.splice(0)) if (sent && !begun) process.nextTick(sent)
    this.#unsent = 0
    // A response that is on its way is not over before it has left.
    if (!this.#leaving) process.nextTick(() => this.events?.closed())
  }
}

const noBytes = Buffer.alloc(0)
