/** An answer that comes before the request's body was read. */
import { constants } from 'node:http2'
import type { Bytes } from '../../shared/bytes.ts'
import type { Milliseconds } from '../../shared/duration.ts'
import type { Exchange } from '../exchange.ts'
import type { FlatHeaders } from '../respond.ts'

/** A body of this length is read to its end and thrown away, so that its connection can carry the next request. */
const worthReading: Bytes = 64_000
/** How long a client that is still sending has to read its answer. */
const linger: Milliseconds = 2_000

/**
 * To be called before an answer is sent to a client whose body nobody will read; returns the headers that the answer needs.
 * A long body is not awaited: its connection is closed behind the answer (h1), or its stream is (h2). Not at once: a
 * close with unread bytes resets the connection, and the reset may overtake the answer (RFC 9112 §9.6).
 */
export function partFromSender(exchange: Exchange): FlatHeaders {
  const { request, stream, hasBody } = exchange
  if (!hasBody || Number(request.headers['content-length']) <= worthReading) return []
  if (stream) {
    // RFC 9113 §8.1: the answer was complete without the rest of the request. A head without a body is finished before it is
    // written, and the reset would go out in its place.
    stream.once('finish', () => setImmediate(() => stream.close(constants.NGHTTP2_NO_ERROR)))
    return []
  }
  const { socket } = request
  socket.destroySoon = () => {
    socket.end()
    const timer = setTimeout(() => socket.destroy(), linger)
    socket.once('close', () => clearTimeout(timer))
  }
  return ['connection', 'close']
}

/** The same, to be called before any answer of a handler that reads no bodies: nobody may go on sending to it for ever. */
export function answerUnread(exchange: Exchange): void {
  if (partFromSender(exchange).length > 0) exchange.response.shouldKeepAlive = false
}
