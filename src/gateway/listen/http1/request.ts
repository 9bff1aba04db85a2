import { EventEmitter } from 'node:events'
import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import type { Bytes } from '../../../shared/bytes.ts'
import { keepPieces } from '../../upstream/body-pieces.ts'
import { countReleased } from '../../upstream/released-buffers.ts'
import type { RequestHead } from './request-head.ts'

/** Of a body that has no reader yet, or whose reader pauses; its connection is not read further. */
const maxHeld: Bytes = 64 * 1024
/** Small pieces are put together in buffers of so many bytes, once there are so many pieces. */
const sharedLength: Bytes = 4_096
const minSeparate = 16

/** What is kept of a head. */
export type ReadHead = Pick<RequestHead, 'method' | 'target' | 'version' | 'headers' | 'rawHeaders'>

/** What a request needs of the connection that it came on. */
export interface BodySource {
  readonly socket: Socket
  /** Stops to read the connection, and starts again. */
  pause(): void
  resume(): void
}

/** A client's request to upgrade. */
export interface UpgradeRequest {
  readonly socket: Socket
  /** Ends HTTP on the socket, which the caller must read from now on; returns the bytes that have followed the head. */
  detach(): Buffer
}

/**
 * A request over HTTP/1, with the members of Node's own that the gateway uses. Its body comes as `data` events once
 * there is a listener for them, and `end`; `aborted` instead of `end` if the client leaves before.
 */
export class Http1Request extends EventEmitter {
  readonly method: string
  readonly url: string
  readonly httpVersion: string
  readonly headers: IncomingHttpHeaders
  /** Name and value in turn. */
  readonly rawHeaders: string[]
  /** Of a chunked body, when it has ended. */
  rawTrailers: readonly string[] = []
  /** Whether the body has been read to its end. */
  complete = false
  readonly #source: BodySource
  /** Pieces that its reader has yet to take. */
  #held: Buffer[] = []
  #heldBytes: Bytes = 0
  /** Of the last of them, if it was put together. */
  #shared: ArrayBufferLike | undefined
  #flow: 'unread' | 'paused' | 'flowing' | 'discarded' | 'over' = 'unread'
  #scheduled = false

  constructor(head: ReadHead, source: BodySource) {
    super()
    this.method = head.method
    this.url = head.target
    this.httpVersion = head.version
    this.headers = head.headers
    this.rawHeaders = head.rawHeaders
    this.#source = source
  }

  get socket(): Socket {
    return this.#source.socket
  }

  /** Bytes of the body that have arrived and were not taken. */
  get readableLength(): Bytes {
    return this.#heldBytes
  }

  override on(event: string, listener: (...args: never[]) => void): this {
    super.on(event, listener as (...args: unknown[]) => void)
    if (event === 'data' && this.#flow === 'unread') this.resume()
    return this
  }

  isPaused(): boolean {
    return this.#flow === 'paused'
  }

  pause(): void {
    if (this.#flow === 'flowing') this.#flow = 'paused'
  }

  /** Without a listener for `data` the body is discarded. What is held comes in the next turn. */
  resume(): void {
    if (this.#flow === 'over' || this.#flow === 'discarded') return
    this.#flow = 'flowing'
    if (this.#scheduled) return
    this.#scheduled = true
    process.nextTick(this.#release)
  }

  /** Discards what follows of the body. */
  discard(): void {
    if (this.#flow === 'over') return
    this.#flow = 'discarded'
    this.#held = []
    this.#heldBytes = 0
    this.#source.resume()
  }

  /** Part of the body, which is valid during the call only. */
  push(piece: Buffer): void {
    if (this.#flow === 'discarded' || this.#flow === 'over') return
    if (this.#flow === 'flowing' && this.#held.length === 0) {
      this.emit('data', keepPieces([piece]))
      if ((this.#flow as string) === 'paused') this.#source.pause()
      return
    }
    this.#hold(piece)
    this.#heldBytes += piece.length
    if (this.#heldBytes >= maxHeld || this.#flow === 'paused') this.#source.pause()
  }

  /** Small pieces are put together: each of its own would take a hundred bytes beside its few. */
  #hold(piece: Buffer): void {
    const last = this.#held.length - 1
    const filled = this.#shared && this.#held[last]?.buffer === this.#shared ? (this.#held[last] as Buffer).length : 0
    if (filled > 0 && filled + piece.length <= sharedLength) {
      const joined = Buffer.from(this.#shared as ArrayBufferLike, 0, filled + piece.length)
      piece.copy(joined, filled)
      this.#held[last] = joined
      return
    }
    if (this.#held.length < minSeparate || piece.length > sharedLength / 4) {
      this.#held.push(keepPieces([piece]))
      return
    }
    countReleased(sharedLength)
    this.#shared = Buffer.allocUnsafeSlow(sharedLength).buffer
    const copy = Buffer.from(this.#shared, 0, piece.length)
    piece.copy(copy)
    this.#held.push(copy)
  }

  /** The body is complete. */
  end(trailers: readonly string[]): void {
    this.complete = true
    this.rawTrailers = trailers
    if (this.#flow === 'flowing' && this.#held.length === 0) this.#over()
  }

  /** The rest of the body cannot be read: neither more of it nor its end comes. */
  break(): void {
    this.#flow = 'over'
    this.#held = []
    this.#heldBytes = 0
  }

  /** The client has left. */
  abort(): void {
    if (this.#flow === 'over') return
    const seen = this.complete && this.#held.length === 0
    this.#flow = 'over'
    this.#held = []
    this.#heldBytes = 0
    if (!seen) this.emit('aborted')
  }

  readonly #release = (): void => {
    this.#scheduled = false
    let taken = 0
    while (this.#flow === 'flowing' && taken < this.#held.length) {
      const piece = this.#held[taken] as Buffer
      taken += 1
      this.#heldBytes -= piece.length
      this.emit('data', piece)
    }
    // At once: taking each off the front would cost as much as all that are behind it.
    if (taken > 0) this.#held = this.#held.slice(taken)
    if (this.#flow !== 'flowing') return
    this.#source.resume()
    if (this.complete) this.#over()
  }

  #over(): void {
    this.#flow = 'over'
    this.emit('end')
  }
}
