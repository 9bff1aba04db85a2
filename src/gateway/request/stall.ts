/**
 * Ends requests whose bodies have stalled. There is no timer per request: one sweep checks all exchanges in flight and
 * ends those that made no progress for the stall timeout. Event streams and tunnels may be silent for ever; the time
 * until an upstream answers is bounded by its route's own timeout.
 */

import type { Milliseconds } from '../../shared/time/duration.ts'
import { setInterval } from '../../shared/time/timer.ts'
import { cutAnswer, sendError } from '../response/respond.ts'
import type { Exchange } from './exchange.ts'

/** How far a body had come, and how many sweeps have seen it there since. */
interface Mark {
  readonly bytes: number
  sweeps: number
}

export class StallWatch {
  readonly #open: () => readonly Exchange[]
  #marks = new Map<Exchange, Mark>()
  #timer: NodeJS.Timeout | undefined
  #every: Milliseconds = 0

  constructor(open: () => readonly Exchange[]) {
    this.#open = open
  }

  /** Sweeps four times per `timeout`, so that a stalled body ends after 1 to 1.25 times of it. */
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
    for (const exchange of this.#open()) {
      const bytes = progressOf(exchange)
      if (bytes === undefined) continue
      const before = this.#marks.get(exchange)
      const mark = before?.bytes === bytes ? before : { bytes, sweeps: -1 }
      // Sweeps are counted, not time: while this thread was stopped or starved nothing could move, and what arrived
      // meanwhile is read only after this sweep.
      mark.sweeps += 1
      const { stallTimeout } = exchange.generation.plan.limits
      if (mark.sweeps * this.#every < stallTimeout) marks.set(exchange, mark)
      else end(exchange, stallTimeout)
    }
    this.#marks = marks
  }
}

/** Grows while a body moves, in either direction; undefined while there is none. */
function progressOf(exchange: Exchange): number | undefined {
  const { response, stream, request } = exchange
  if (exchange.kind !== 'answer' || (!response.headersSent && !exchange.uploading)) return undefined
  const kind = exchange.route?.handler.kind
  if (stream && (exchange.relayed || kind === 'proxy' || kind === 'plugin')) {
    return exchange.bytesReceived + exchange.bytesSent - stream.writableLength
  }
  // The bytes that the kernel has taken, since files are written piece by piece. Over h2 they are those of the
  // connection.
  const socket = request.socket
  return exchange.bytesReceived + socket.bytesWritten - socket.writableLength
}

function end(exchange: Exchange, timeout: Milliseconds): void {
  const { response, request } = exchange
  const duration = `for ${timeout} ms`
  if (response.headersSent) {
    const waiting = (exchange.stream ?? request.socket).writableLength > 0
    cutAnswer(exchange, waiting ? `stalled: the client read nothing ${duration}` : `stalled: no bytes ${duration}`)
  } else if (request.isPaused() || request.readableLength > 0) {
    // The client's bytes are unread, so it is the upstream that stalls.
    sendError(exchange, 504, `upstream: stalled: it read nothing ${duration}`)
  } else {
    sendError(exchange, 408, `stalled: the client sent nothing ${duration}`)
  }
  // At once: an h2 stream ends only when nothing holds the rest of its request.
  exchange.abandon()
}
