import type { Exchange, GatewayRequest } from '../exchange.ts'
import { countBody, isBodyTooLarge } from '../guards/request-body.ts'
import { ClientLeft } from './faults.ts'
import { countSpent } from './spent-buffers.ts'

/**
 * The request's body as an iterator rather than the stream itself: undici destroys a body stream when the upstream
 * fails, which on h1 destroys the client's socket, and with it the 502 that the client should read. A client that waits for
 * 100 Continue is told to go on as soon as a target is there to read it: an answer that comes before spares it the upload.
 */
export async function* upload(exchange: Exchange): AsyncGenerator<Buffer> {
  const { request, response, stream } = exchange
  exchange.uploading = true
  try {
    if (awaitsContinue(request)) response.writeContinue()
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      countBody(exchange, chunk.length)
      countSpent(chunk.length)
      yield chunk
    }
    // The reader of an h2 request sees it end even if the client reset it: half an upload must not arrive as a whole.
    if (stream && stream.rstCode !== 0) throw new ClientLeft()
  } catch (error) {
    throw isBodyTooLarge(error as Error) ? error : new ClientLeft()
  } finally {
    exchange.uploading = false
    // Whatever the upstream left unread is thrown away, so that the client comes to read its answer.
    request.resume()
  }
}

/** RFC 9110 §10.1.1: never to HTTP/1.0, which does not know interim answers. */
function awaitsContinue({ headers, httpVersion }: GatewayRequest): boolean {
  return headers.expect?.toLowerCase() === '100-continue' && httpVersion !== '1.0'
}
