/**
 * Requests of one h1 connection, answered one at a time (RFC 9112 §9.3.2). Node reads ahead, and tells at once of all requests
 * that came in one packet; here they wait for their turn, each for a turn of the event loop of its own, so that one
 * connection costs the others no more than one request.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Bytes } from '../../../shared/bytes.ts'
import type { Milliseconds } from '../../../shared/time/duration.ts'
import { setTimeout } from '../../../shared/time/timer.ts'

/** Begins the work for a request; the response's `close` ends it. */
export type Begin = (request: IncomingMessage, response: ServerResponse) => void

/** What is parsed at once of a connection that has sent requests ahead. */
const pieceLength: Bytes = 4 * 1024
/** How many requests of all connections of a thread may wait; each holds about 3 KB. */
const mostWaiting = 10_000
/** How many of one connection may wait while it is read on, so that its end is noticed. */
const fewWaiting = 8

interface Waiting {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly begin: Begin
}

/** Those of one listener. */
export class Pipelines {
  readonly #flooded: (socket: Socket) => void
  #waiting = 0

  /** `flooded` is called with a socket that sends so far ahead that its connection has to be closed. */
  constructor(flooded: (socket: Socket) => void) {
    this.#flooded = flooded
  }

  /** Begins the request if no other one of its connection is under way; otherwise when its turn has come. */
  take(request: IncomingMessage, response: ServerResponse, begin: Begin): void {
    const socket = request.socket as Pipelined
    socket[key] ??= new Pipeline(socket, this)
    socket[key].take({ request, response, begin })
  }

  /** False if it may not wait. */
  mayWait(socket: Socket): boolean {
    if (this.#waiting >= mostWaiting) {
      this.#flooded(socket)
      return false
    }
    this.#waiting += 1
    return true
  }

  waitedNoMore(count: number): void {
    this.#waiting -= count
  }
}

const key = Symbol('pipeline')
type Pipelined = Socket & { [key]?: Pipeline }

/** Whether requests have come ahead of their turn on this connection: an upgrade cannot follow them. */
export function isPipelined(socket: Socket): boolean {
  return (socket as Pipelined)[key]?.pipelined ?? false
}

/** Whether requests that came ahead are not answered yet. */
export function hasWaiting(socket: Socket): boolean {
  return (socket as Pipelined)[key]?.holds ?? false
}

/** The answer to the last request that came, where it is not over yet. */
export function lastAnswer(socket: Socket): ServerResponse | undefined {
  // Node's own place for the answer that is under way.
  const { _httpMessage: current } = socket as { _httpMessage?: ServerResponse | null }
  return (socket as Pipelined)[key]?.lastWaiting ?? current ?? undefined
}

/**
 * For a head that is late while we do not read on, which is no fault of its client: calls back when it is still not there so
 * long after we do again.
 */
export function whenLateAgain(socket: Socket, patience: Milliseconds, late: () => void): void {
  ;(socket as Pipelined)[key]?.whenLateAgain(patience, late)
}

class Pipeline {
  readonly #socket: Socket
  readonly #all: Pipelines
  #waiting: Waiting[] = []
  /** The request that is under way. */
  #current: IncomingMessage | undefined
  /** Node's own reader of the socket, once it gets from us what it parses. */
  #parse: ((piece: Buffer) => void) | undefined
  /** Read and not parsed. */
  #rest: Buffer | undefined
  #paused = false
  /** What is to be done when every request that came is answered. */
  #caughtUp: (() => void) | undefined
  readonly #answered = () => {
    this.#current = undefined
    if (this.holds) setImmediate(this.#goOn)
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
    // Not at once: Node is in the midst of parsing.
    setImmediate(this.#readInPieces)
  }

  #start({ request, response, begin }: Waiting): void {
    this.#current = request
    response.once('close', this.#answered)
    begin(request, response)
  }

  readonly #goOn = () => {
    if (this.#socket.destroyed || !this.#socket.writable) {
      this.#drop()
      return
    }
    if (this.#current) return
    const next = this.#waiting.shift()
    if (next) {
      this.#all.waitedNoMore(1)
      this.#start(next)
    }
    this.#parseRest()
  }

  /** So that no more than a piece is parsed before its requests are answered. Costs Node's shortcut from socket to parser. */
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
    // Where a tunnel was asked for, Node's parser is that of another connection by now.
    if (!(this.#socket as { parser?: unknown }).parser) this.#rest = undefined
    while (this.#rest && this.#mayParse()) {
      const piece = this.#rest.subarray(0, pieceLength)
      this.#rest = piece.length === this.#rest.length ? undefined : this.#rest.subarray(pieceLength)
      this.#parse?.(piece)
    }
    if (this.#rest || this.#waiting.length > fewWaiting) {
      this.#pause()
    } else if (this.#paused) {
      // Only where it was us who paused: the reader of a body does so too.
      this.#paused = false
      this.#socket.resume()
      // Node's parser has stopped reading by itself, and the stream does not know.
      this.#socket._read(0)
    }
  }

  #pause(): void {
    this.#paused = true
    this.#socket.pause()
  }

  whenLateAgain(patience: Milliseconds, late: () => void): void {
    this.#caughtUp = () => {
      this.#caughtUp = undefined
      const timer = setTimeout(() => {
        if (!this.#current) late()
      }, patience).unref()
      this.#socket.once('close', () => clearTimeout(timer))
    }
  }

  /** The body of the request that is under way is parsed; the next request only when that one is answered. */
  #mayParse(): boolean {
    if (this.#waiting.length > 0) return false
    // Node has paused the connection itself, and goes on when its buffers have been drained.
    if ((this.#socket as { _paused?: boolean })._paused) return false
    return this.#current === undefined || !this.#current.complete
  }

  #drop(): void {
    this.#all.waitedNoMore(this.#waiting.length)
    this.#waiting = []
    this.#rest = undefined
  }
}
