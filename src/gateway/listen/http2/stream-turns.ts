/**
 * Starts only a few requests of an h2 connection per turn of the event loop: a client can open all its streams with one
 * packet, and other clients must not wait for all of them.
 */
import type { Http2Request } from './request.ts'
import type { Http2Response } from './response.ts'
import type { StreamConnection } from './stream.ts'

export type BeginStream = (request: Http2Request, response: Http2Response) => void

/** Requests per connection and turn. */
const perTurn = 4

interface Queue {
  /** The turn in which `begun` counts. */
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

  take(request: Http2Request, response: Http2Response): void {
    const connection = request.stream.connection as StreamConnection & { [key]?: Queue }
    connection[key] ??= { turn: 0, begun: 0, waiting: [] }
    const queue = connection[key]
    this.#count()
    if (queue.turn !== this.#turn) {
      queue.turn = this.#turn
      queue.begun = 0
    }
    queue.begun += 1
    if (queue.begun <= perTurn && queue.waiting.length === 0) {
      this.#begin(request, response)
      return
    }
    queue.waiting.push(() => {
      // A stream that was reset while it waited is skipped.
      if (!request.stream.closed) this.#begin(request, response)
    })
    if (queue.waiting.length === 1) setImmediate(() => this.#next(queue))
  }

  #next(queue: Queue): void {
    const now = queue.waiting.splice(0, perTurn)
    if (queue.waiting.length > 0) setImmediate(() => this.#next(queue))
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
