/** Answers that are given before the body of their request was read. */
import { constants } from 'node:http2'
import type { Bytes } from '../../shared/bytes.ts'
import type { Exchange } from '../request/exchange.ts'

/** A body of this length is read to its end and thrown away, so that its connection can carry the next request. */
const worthReading: Bytes = 64_000

/**
 * To be called before the head of any answer is written. A long body that is still to come is not awaited: behind the answer
 * the stream is closed (h2), or the connection, which lingers (h1; see linger.ts).
 */
export function answerEarly({ request, response, stream, hasBody }: Exchange): void {
  if (!hasBody || request.complete || Number(request.headers['content-length']) <= worthReading) return
  if (!stream) {
    response.shouldKeepAlive = false
    return
  }
  // RFC 9113 §8.1: the answer was complete without the rest of the request. A head without a body is finished before it is
  // written, and the reset would go out in its place.
  stream.once('finish', () => setImmediate(() => stream.close(constants.NGHTTP2_NO_ERROR)))
}
