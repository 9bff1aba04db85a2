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
  /** Writes so far, those of them that Node has called back for, and those that the kernel has taken. */
  #writes = 0
  #done = 0
  #taken = 0
  /** In the order of their writes. */
  #waiters: { readonly write: number; taken(all: boolean): void }[] = []

  readonly #emptied: (() => void)[] = []

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

  /**
   * The head of a frame, and its payload; `sent` is called when that is not used any more. `rest`: nor are the payloads
   * before it, which are other parts of its buffer.
   */
  addData(head: string, payload: Buffer, sent?: () => void, rest = false): void {
    if (payload.length <= maxCopied && !(rest && sent)) {
      this.add(head + payload.toString('latin1'))
      if (sent) process.nextTick(sent)
      return
    }
    this.#text += head
    this.#socket.cork()
    this.#write()
    this.#writes += 1
    if (this.#socket.destroyed) {
      if (sent) process.nextTick(sent)
      process.nextTick(this.#onTaken, new Error('the socket is destroyed'))
    } else {
      this.#socket.write(payload, (error) => {
        sent?.()
        this.#onTaken(error)
      })
    }
    this.#socket.uncork()
    this.#noteTaken()
  }

  /** Calls back when all that was added so far has left, or (false) never will. */
  whenTaken(taken: (all: boolean) => void): void {
    this.#waiters.push({ write: this.#text === '' ? this.#writes : this.#writes + 1, taken })
    if (this.#socket.destroyed) process.nextTick(this.#release, false)
    else if (this.#text === '' && this.#taken === this.#writes) process.nextTick(this.#release, true)
  }

  /** Whether the kernel has taken everything. */
  get empty(): boolean {
    return this.#text === '' && this.#done === this.#writes
  }

  /** Calls back when it is empty, or will never be. */
  whenEmpty(callback: () => void): void {
    if (this.empty || this.#socket.destroyed) callback()
    else this.#emptied.push(callback)
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
    this.#writes += 1
    if (this.#socket.destroyed) {
      process.nextTick(this.#onTaken, new Error('the socket is destroyed'))
      return
    }
    this.#events.onWrite()
    this.#socket.write(text, 'latin1', this.#onTaken)
    this.#noteTaken()
  }

  /** Node calls back late for TLS; unless much is waiting, what it was given is as good as taken. */
  #noteTaken(): void {
    if (this.full) return
    this.#taken = this.#writes
    if (this.#waiters.length > 0) process.nextTick(this.#release, true)
  }

  #onTaken = (error?: Error | null): void => {
    this.#done += 1
    this.#taken = Math.max(this.#taken, this.#done)
    this.#release(!error)
    if (error || this.empty) for (const call of this.#emptied.splice(0)) call()
  }

  /** Node calls back for each write, in their order; of a destroyed socket, nothing more is taken. */
  #release = (all: boolean): void => {
    let count = 0
    while (count < this.#waiters.length && (!all || (this.#waiters[count]?.write ?? 0) <= this.#taken)) count += 1
    for (const { taken } of this.#waiters.splice(0, count)) taken(all)
  }
}
