/** Answers that are sent before the body of their request was read. */
import { constants } from 'node:http2'
import type { Bytes } from '../../shared/bytes.ts'
import type { Exchange } from '../request/exchange.ts'

/** Bodies up to this length are read and discarded, so that the connection can carry the next request. */
const maxDiscarded: Bytes = 64_000

/**
 * To be called before the head of any answer is written. A long body that is still to come is not awaited: after the
 * answer the stream is closed (h2), or the connection, which lingers (h1; see linger.ts).
 */
export function answerEarly({ request, response, stream, hasBody }: Exchange): void {
  if (!hasBody || request.complete || Number(request.headers['content-length']) <= maxDiscarded) return
  if (!stream) {
    response.shouldKeepAlive = false
    return
  }
  // RFC 9113 §8.1: the answer is complete without the rest of the request. A head without a body is finished before it
  // is written, and the reset would overtake it.
  stream.once('finish', () => setImmediate(() => stream.close(constants.NGHTTP2_NO_ERROR)))
}
