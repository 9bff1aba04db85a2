/**
 * Requests of one h2 connection, of which only so many begin in a turn of the event loop: a client can have all its streams
 * opened by one packet, and others must not wait until each was answered.
 */
import type { Http2ServerRequest, ServerHttp2Session } from 'node:http2'
import type { GatewayResponse } from '../request/exchange.ts'

export type BeginStream = (request: Http2ServerRequest, response: GatewayResponse) => void

/** Of one connection, in one turn. */
const atOnce = 4

interface Line {
  /** The turn that `begun` counts in. */
  turn: number
  begun: number
  waiting: (() => void)[]
}

const key = Symbol('streams')

export class StreamTurns {
  readonly #begin: BeginStream
  #turn = 0
  #turning = false

  constructor(begin: BeginStream) {
    this.#begin = begin
  }

  take(request: Http2ServerRequest, response: GatewayResponse): void {
    const session = request.stream.session as (ServerHttp2Session & { [key]?: Line }) | undefined
    if (!session) return
    session[key] ??= { turn: 0, begun: 0, waiting: [] }
    const line = session[key]
    this.#count()
    if (line.turn !== this.#turn) {
      line.turn = this.#turn
      line.begun = 0
    }
    line.begun += 1
    if (line.begun <= atOnce && line.waiting.length === 0) {
      this.#begin(request, response)
      return
    }
    line.waiting.push(() => {
      // One that was reset while it waited costs nothing.
      if (!request.stream.destroyed && !request.stream.aborted) this.#begin(request, response)
    })
    if (line.waiting.length === 1) setImmediate(() => this.#next(line))
  }

  #next(line: Line): void {
    const now = line.waiting.splice(0, atOnce)
    if (line.waiting.length > 0) setImmediate(() => this.#next(line))
    for (const begin of now) begin()
  }

  #count(): void {
    if (this.#turning) return
    this.#turning = true
    this.#turn += 1
    setImmediate(() => {
      this.#turning = false
    })
  }
}
