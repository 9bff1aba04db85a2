/**
 * Bodies that stand still. No timer is kept for a request: one sweep looks at all that is under way, and whatever has not
 * moved since the sweeps before is ended. Event streams and tunnels may be silent for ever; how long an upstream thinks
 * before it answers is bounded by its route's own timeout.
 */

import type { Milliseconds } from '../../shared/time/duration.ts'
import { setInterval } from '../../shared/time/timer.ts'
import { cutAnswer, sendError } from '../response/respond.ts'
import type { Exchange } from './exchange.ts'

/** How far a body had come, and how often it has been seen there again. */
interface Mark {
  readonly bytes: number
  looks: number
}

export class StallWatch {
  readonly #open: Iterable<Exchange>
  #marks = new Map<Exchange, Mark>()
  #timer: NodeJS.Timeout | undefined
  #every: Milliseconds = 0

  constructor(open: Iterable<Exchange>) {
    this.#open = open
  }

  /** Looks often enough to end what stood still for `timeout` before a quarter more of it has passed. */
  watch(timeout: Milliseconds): void {
    this.stop()
    this.#every = Math.max(timeout / 4, 10)
    this.#timer = setInterval(() => this.#sweep(), this.#every).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #sweep(): void {
    const marks = new Map<Exchange, Mark>()
    for (const exchange of this.#open) {
      const bytes = progressOf(exchange)
      if (bytes === undefined) continue
      const before = this.#marks.get(exchange)
      const mark = before?.bytes === bytes ? before : { bytes, looks: -1 }
      // Looks are counted, not time: while this thread was stopped or starved nobody could move, and what has come meanwhile is
      // read only after this look.
      mark.looks += 1
      const { stallTimeout } = exchange.generation.plan.limits
      if (mark.looks * this.#every < stallTimeout) marks.set(exchange, mark)
      else end(exchange, stallTimeout)
    }
    this.#marks = marks
  }
}

/** Grows while a body moves, in whichever direction; undefined while none is under way. */
function progressOf(exchange: Exchange): number | undefined {
  const { response, stream, request } = exchange
  if (exchange.kind !== 'answer' || (!response.headersSent && !exchange.uploading)) return undefined
  if (stream && (exchange.relayed || exchange.route?.handler.kind === 'proxy')) {
    return exchange.bytesReceived + exchange.bytesSent - stream.writableLength
  }
  // What the system has taken of the answer, since files are not written by us. Over h2 that is the whole connection's.
  const socket = stream?.session?.socket ?? request.socket
  return exchange.bytesReceived + socket.bytesWritten - socket.writableLength
}

function end(exchange: Exchange, timeout: Milliseconds): void {
  const { response, request } = exchange
  const forHow = `for ${timeout} ms`
  if (response.headersSent) {
    const waiting = (exchange.stream ?? request.socket).writableLength > 0
    cutAnswer(exchange, waiting ? `stalled: the client took nothing ${forHow}` : `stalled: nothing came ${forHow}`)
  } else if (request.readableLength > 0) {
    // What the client has sent lies unread, so it is the upstream that stands still.
    sendError(exchange, 504, `upstream: stalled: it read nothing ${forHow}`)
  } else {
    sendError(exchange, 408, `stalled: the client sent nothing ${forHow}`)
  }
  // At once: an h2 stream ends only when nobody holds what is left of its request.
  exchange.abandon()
}
