import { countBody } from '../guards/request-body.ts'
import type { Exchange, GatewayRequest } from '../request/exchange.ts'
import { ClientLeft } from '../upstream/faults.ts'
import { countReleased } from '../upstream/released-buffers.ts'
import { UnsendableRequest } from './client/faults.ts'
import type { RequestBody } from './client/request-head.ts'
import type { UpstreamStream } from './client/transaction.ts'
import { upstreamTrailers } from './request-headers.ts'

// RFC 9110 §8.6: without a body, these are sent with `content-length: 0`.
const meantToHaveBody = new Set(['POST', 'PUT', 'PATCH'])

/** The framing of the body to the upstream: a length if the client sent one, else chunked. */
export function bodyOf({ request, hasBody }: Exchange): RequestBody {
  const length = request.headers['content-length']
  if (length !== undefined) return Number(length)
  if (hasBody) return 'chunked'
  return meantToHaveBody.has(request.method ?? '') ? 0 : 'none'
}

/**
 * Sends the request's body to the upstream, at the pace of the slower side. The client's stream is never destroyed:
 * over h1 that would destroy its socket, and with it the 502 that it should read.
 */
export class Upload {
  readonly #exchange: Exchange
  readonly #connection: UpstreamStream
  readonly #failed: (error: Error) => void
  readonly #chunked: boolean
  /** Bytes left of a body of known length. */
  #left: number
  #over = false

  /** `failed` is called once if the request cannot be completed; the connection is left to the caller. */
  constructor(exchange: Exchange, connection: UpstreamStream, body: RequestBody, failed: (error: Error) => void) {
    this.#exchange = exchange
    this.#connection = connection
    this.#failed = failed
    this.#chunked = body === 'chunked'
    this.#left = typeof body === 'number' ? body : 0
  }

  /**
   * Begins to read. A client that waits for 100 Continue gets it only now that there is a target to read the body: an
   * earlier answer spares it the upload.
   */
  begin(): void {
    const { request, response } = this.#exchange
    this.#exchange.uploading = true
    if (awaitsContinue(request)) response.writeContinue()
    request.on('data', this.#pass)
    request.on('end', this.#end)
    request.on('error', this.#leave)
    request.on('aborted', this.#leave)
    // Over h2 a body with a Content-Length of 0 may turn out not to be empty: then the head must not have been sent.
    if (!this.#chunked && this.#left === 0) return
    // After the bytes that are there already, so that they leave with the head; if they exceed the limit, nothing
    // leaves.
    setImmediate(flush, this.#connection)
  }

  /** There is room again. */
  resume(): void {
    if (!this.#over) this.#exchange.request.resume()
  }

  /** The upstream reads no more: what the client still sends is discarded, so that it gets to read its answer. */
  stop(): void {
    if (this.#over) return
    this.#over = true
    const { request } = this.#exchange
    this.#exchange.uploading = false
    request.off('data', this.#pass)
    request.off('end', this.#end)
    request.resume()
  }

  #pass = (chunk: Buffer): void => {
    if (chunk.length === 0) return
    try {
      countBody(this.#exchange, chunk.length)
    } catch (error) {
      this.#fail(error as Error)
      return
    }
    // Over h1 they were counted when they were made.
    if (this.#exchange.stream) countReleased(chunk.length)
    this.#left -= chunk.length
    if (!this.#chunked && this.#left < 0) this.#fail(new UnsendableRequest('a body longer than its Content-Length'))
    else if (!this.#write(chunk)) this.#exchange.request.pause()
  }

  #write(chunk: Buffer): boolean {
    return this.#chunked ? this.#connection.writeChunk(chunk) : this.#connection.write(chunk)
  }

  #end = (): void => {
    const { stream } = this.#exchange
    // An h2 request ends even if the client resets it: half an upload must not look complete.
    if (stream && stream.rstCode !== 0) {
      this.#leave()
      return
    }
    if (!this.#chunked && this.#left !== 0) {
      this.#fail(new UnsendableRequest('a body shorter than its Content-Length'))
      return
    }
    this.stop()
    this.#connection.endBody(this.#chunked, upstreamTrailers(this.#exchange))
    this.#connection.flush()
  }

  #leave = (): void => this.#fail(new ClientLeft())

  #fail(error: Error): void {
    if (this.#over) return
    this.stop()
    this.#failed(error)
  }
}

function flush(connection: UpstreamStream): void {
  connection.flush()
}

/** RFC 9110 §10.1.1: never in HTTP/1.0, which has no interim answers. */
export function awaitsContinue({ headers, httpVersion }: GatewayRequest): boolean {
  return headers.expect?.toLowerCase() === '100-continue' && httpVersion !== '1.0'
}
