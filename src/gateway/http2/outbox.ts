/**
 * What a connection sends. All frames of one turn of the event loop leave in one write: those of many requests cost one
 * call of the system.
 */
import type { Socket } from 'node:net'
import type { Bytes } from '../../shared/bytes.ts'

/** Node copies texts up to this length only once. */
const maxText: Bytes = 16_384
/** A shorter body is copied into the text of its frame. */
const maxCopied: Bytes = 4_096

export interface OutboxEvents {
  /** All that was added is about to leave. */
  onWrite(): void
  /** It may not be full any more. */
  onRoom(): void
}

export class Outbox {
  readonly #socket: Socket
  readonly #events: OutboxEvents
  #text = ''
  #scheduled = false

  constructor(socket: Socket, events: OutboxEvents) {
    this.#socket = socket
    this.#events = events
    socket.on('drain', () => this.#events.onRoom())
  }

  /** Bytes that were written, and not taken by the kernel yet. */
  get waiting(): Bytes {
    return this.#socket.writableLength + this.#text.length
  }

  /** The other side reads slowly: bodies wait until `onRoom`. */
  get full(): boolean {
    return this.waiting >= this.#socket.writableHighWaterMark
  }

  /** Frames as latin1. */
  add(frames: string): void {
    this.#text += frames
    if (this.#text.length >= maxText) this.#write()
    else this.#schedule()
  }

  /** The head of a frame, and its payload. */
  addData(head: string, payload: Buffer): void {
    if (payload.length <= maxCopied) {
      this.add(head + payload.toString('latin1'))
      return
    }
    this.#text += head
    this.#socket.cork()
    this.#write()
    if (!this.#socket.destroyed) this.#socket.write(payload)
    this.#socket.uncork()
  }

  /** Everything at once, as before the end of the connection. */
  flush(): void {
    if (this.#text !== '') this.#write()
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(this.#onTurn)
  }

  #onTurn = (): void => {
    this.#scheduled = false
    this.flush()
    if (!this.full) this.#events.onRoom()
  }

  #write(): void {
    const text = this.#text
    this.#text = ''
    if (this.#socket.destroyed) return
    this.#events.onWrite()
    this.#socket.write(text, 'latin1')
  }
}
