/**
 * Answers the requests of an h1 connection one at a time (RFC 9112 §9.3.2). Node reads ahead, and emits all requests of
 * a packet at once; here they wait, each for its own turn of the event loop, so that one connection does not delay the
 * others.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Bytes } from '../../../shared/bytes.ts'
import type { Milliseconds } from '../../../shared/time/duration.ts'
import { setTimeout } from '../../../shared/time/timer.ts'

/** Starts to handle a request, until the response emits `close`. */
export type Begin = (request: IncomingMessage, response: ServerResponse) => void

/** Bytes that are parsed at once on a connection that pipelines. */
const pieceLength: Bytes = 4 * 1024
/** Requests of all connections of a listener that may wait; each holds about 3 KB. */
const maxWaiting = 10_000
/** A connection with at most this many waiting requests is still read, so that its end is noticed. */
const maxWaitingWhileReading = 8

interface Waiting {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly begin: Begin
}

/** The pipelines of one listener. */
export class Pipelines {
  readonly #flooded: (socket: Socket) => void
  #waiting = 0

  /** `flooded` is called with a socket that must be closed, because too many requests wait. */
  constructor(flooded: (socket: Socket) => void) {
    this.#flooded = flooded
  }

  /** Handles the request at once if it is the only one of its connection, else after those before it. */
  take(request: IncomingMessage, response: ServerResponse, begin: Begin): void {
    const socket = request.socket as Pipelined
    socket[key] ??= new Pipeline(socket, this)
    socket[key].take({ request, response, begin })
  }

  /** False if it may not wait. */
  mayWait(socket: Socket): boolean {
    if (this.#waiting >= maxWaiting) {
      this.#flooded(socket)
      return false
    }
    this.#waiting += 1
    return true
  }

  stoppedWaiting(count: number): void {
    this.#waiting -= count
  }
}

const key = Symbol('pipeline')
type Pipelined = Socket & { [key]?: Pipeline }

/** Whether requests are pipelined on this connection: an upgrade cannot follow them. */
export function isPipelined(socket: Socket): boolean {
  return (socket as Pipelined)[key]?.pipelined ?? false
}

/** Whether pipelined requests are still unanswered. */
export function hasWaiting(socket: Socket): boolean {
  return (socket as Pipelined)[key]?.holds ?? false
}

/** The answer to the last request, if it is not over yet. */
export function lastAnswer(socket: Socket): ServerResponse | undefined {
  // Where Node keeps the answer in flight.
  const { _httpMessage: current } = socket as { _httpMessage?: ServerResponse | null }
  return (socket as Pipelined)[key]?.lastWaiting ?? current ?? undefined
}

/**
 * For a head that is late because reading is paused, which is no fault of the client: calls back if it is still missing
 * `patience` after reading has resumed.
 */
export function restartHeaderTimeout(socket: Socket, patience: Milliseconds, late: () => void): void {
  ;(socket as Pipelined)[key]?.restartHeaderTimeout(patience, late)
}

class Pipeline {
  readonly #socket: Socket
  readonly #all: Pipelines
  #waiting: Waiting[] = []
  /** The request in flight. */
  #current: IncomingMessage | undefined
  /** Node's own `data` listener, once it is fed in pieces. */
  #parse: ((piece: Buffer) => void) | undefined
  /** Read and not parsed. */
  #rest: Buffer | undefined
  #paused = false
  /** Called when all requests are answered. */
  #caughtUp: (() => void) | undefined
  readonly #answered = () => {
    this.#current = undefined
    if (this.holds) setImmediate(this.#next)
    else if (this.#caughtUp) this.#caughtUp()
  }

  constructor(socket: Socket, all: Pipelines) {
    this.#socket = socket
    this.#all = all
  }

  get pipelined(): boolean {
    return this.#current !== undefined || this.#parse !== undefined
  }

  get holds(): boolean {
    return this.#waiting.length > 0 || this.#rest !== undefined
  }

  get lastWaiting(): ServerResponse | undefined {
    return this.#waiting.at(-1)?.response
  }

  take(one: Waiting): void {
    if (!this.#current && this.#waiting.length === 0) {
      this.#start(one)
      return
    }
    if (this.#socket.destroyed || !this.#all.mayWait(this.#socket)) return
    this.#waiting.push(one)
    if (this.#waiting.length > 1) return
    this.#pause()
    // Not at once: Node is parsing.
    setImmediate(this.#readInPieces)
  }

  #start({ request, response, begin }: Waiting): void {
    this.#current = request
    response.once('close', this.#answered)
    begin(request, response)
  }

  readonly #next = () => {
    if (this.#socket.destroyed || !this.#socket.writable) {
      this.#drop()
      return
    }
    if (this.#current) return
    const next = this.#waiting.shift()
    if (next) {
      this.#all.stoppedWaiting(1)
      this.#start(next)
    }
    this.#parseRest()
  }

  /**
   * Parses only a piece at a time, until its requests are answered. This disables Node's shortcut from socket to
   * parser.
   */
  readonly #readInPieces = () => {
    const [parse] = this.#socket.listeners('data') as ((piece: Buffer) => void)[]
    if (this.#parse || !parse || this.#socket.destroyed) return
    this.#parse = parse
    this.#socket.on('data', (chunk: Buffer) => {
      this.#rest = this.#rest ? Buffer.concat([this.#rest, chunk]) : chunk
      this.#parseRest()
    })
    this.#socket.off('data', parse)
    this.#socket.on('drain', () => this.#parseRest())
    this.#parseRest()
  }

  #parseRest(): void {
    // After an upgrade, Node's parser belongs to another connection by now.
    if (!(this.#socket as { parser?: unknown }).parser) this.#rest = undefined
    while (this.#rest && this.#mayParse()) {
      const piece = this.#rest.subarray(0, pieceLength)
      this.#rest = piece.length === this.#rest.length ? undefined : this.#rest.subarray(pieceLength)
      this.#parse?.(piece)
    }
    if (this.#rest || this.#waiting.length > maxWaitingWhileReading) {
      this.#pause()
    } else if (this.#paused) {
      // Only if paused here: the reader of a body pauses too.
      this.#paused = false
      this.#socket.resume()
      // Node's parser has stopped reading the handle, unknown to the stream.
      this.#socket._read(0)
    }
  }

  #pause(): void {
    this.#paused = true
    this.#socket.pause()
  }

  restartHeaderTimeout(patience: Milliseconds, late: () => void): void {
    this.#caughtUp = () => {
      this.#caughtUp = undefined
      const timer = setTimeout(() => {
        if (!this.#current) late()
      }, patience).unref()
      this.#socket.once('close', () => clearTimeout(timer))
    }
  }

  /** The body of the current request may be parsed; the next request only after its answer. */
  #mayParse(): boolean {
    if (this.#waiting.length > 0) return false
    // Node has paused the connection itself, and resumes it when its buffers are drained.
    if ((this.#socket as { _paused?: boolean })._paused) return false
    return this.#current === undefined || !this.#current.complete
  }

  #drop(): void {
    this.#all.stoppedWaiting(this.#waiting.length)
    this.#waiting = []
    this.#rest = undefined
  }
}
