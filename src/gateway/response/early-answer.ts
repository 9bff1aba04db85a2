/** Answers that are sent before the body of their request was read. */

import type { Bytes } from '../../shared/bytes.ts'
import { errorCodes } from '../http2/error-codes.ts'
import type { Exchange } from '../request/exchange.ts'

/** Bodies up to this length are read and discarded, so that the connection can carry the next request. */
const maxDiscarded: Bytes = 64_000

/**
 * To be called when the head of an answer is written: over h1 before, over h2 after. A long body that is still to come
 * is not awaited: after the answer the stream is closed (h2), or the connection, which lingers (h1; see listen/http1/connection.ts).
 */
export function answerEarly({ request, response, http1, stream, hasBody }: Exchange): void {
  if (!hasBody || request.complete || Number(request.headers['content-length']) <= maxDiscarded) return
  if (http1) http1.shouldKeepAlive = false
  if (!stream) return
  // RFC 9113 §8.1: the answer is complete without the rest of the request, if that has not come meanwhile.
  response.once('finish', () => {
    if (!request.complete) stream.close(errorCodes.NO_ERROR)
  })
}
