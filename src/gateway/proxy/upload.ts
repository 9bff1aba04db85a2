import { countBody } from '../guards/request-body.ts'
import type { Exchange, GatewayRequest } from '../request/exchange.ts'
import { ClientLeft } from '../upstream/faults.ts'
import { countSpent } from '../upstream/spent-buffers.ts'
import type { Connection } from './client/connection.ts'
import { UnsendableRequest } from './client/faults.ts'
import type { RequestBody } from './client/request-head.ts'

// RFC 9110 §8.6: where one of these has no body, it is said so.
const meantToHaveBody = new Set(['POST', 'PUT', 'PATCH'])

/** How the upstream is told where the body ends: as the client told us, where it told a length. */
export function bodyOf({ request, hasBody }: Exchange): RequestBody {
  const length = request.headers['content-length']
  if (length !== undefined) return Number(length)
  if (hasBody) return 'chunked'
  return meantToHaveBody.has(request.method ?? '') ? 0 : 'none'
}

/**
 * The request's body on its way to the upstream, at the pace of the slower side. The client's stream is never destroyed: on
 * h1 that would destroy its socket, and with it the 502 that it should read.
 */
export class Upload {
  readonly #exchange: Exchange
  readonly #connection: Connection
  readonly #failed: (error: Error) => void
  readonly #chunked: boolean
  /** Of a body of known length, bytes to come. */
  #left: number
  #over = false

  /** `failed` is called once if the request can never become whole; the connection is not touched. */
  constructor(exchange: Exchange, connection: Connection, body: RequestBody, failed: (error: Error) => void) {
    this.#exchange = exchange
    this.#connection = connection
    this.#failed = failed
    this.#chunked = body === 'chunked'
    this.#left = typeof body === 'number' ? body : 0
  }

  /**
   * Begins to read. A client that waits for 100 Continue is told to go on only now that a target is there to read it: an
   * answer that comes before spares it the upload.
   */
  begin(): void {
    const { request, response } = this.#exchange
    this.#exchange.uploading = true
    if (awaitsContinue(request)) response.writeContinue()
    request.on('data', this.#pass)
    request.on('end', this.#end)
    request.on('error', this.#leave)
    request.on('aborted', this.#leave)
    // A body that must be empty may turn out not to be (over h2 it has an end of its own): nobody is sent half of a lie.
    if (!this.#chunked && this.#left === 0) return
    // After what the request has already: its first bytes leave with the head, and a first piece that is too large leaves none.
    setImmediate(flush, this.#connection)
  }

  /** There is room again. */
  resume(): void {
    if (!this.#over) this.#exchange.request.resume()
  }

  /** The upstream reads no more: what the client still sends is thrown away, so that it comes to read its answer. */
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
    countSpent(chunk.length)
    this.#left -= chunk.length
    if (!this.#chunked && this.#left < 0) this.#fail(new UnsendableRequest('a body longer than its Content-Length'))
    else if (!this.#write(chunk)) this.#exchange.request.pause()
  }

  #write(chunk: Buffer): boolean {
    return this.#chunked ? this.#connection.writeChunk(chunk) : this.#connection.write(chunk)
  }

  #end = (): void => {
    const { stream } = this.#exchange
    // The reader of an h2 request sees it end even if the client reset it: half an upload must not arrive as a whole.
    if (stream && stream.rstCode !== 0) {
      this.#leave()
      return
    }
    if (!this.#chunked && this.#left !== 0) {
      this.#fail(new UnsendableRequest('a body shorter than its Content-Length'))
      return
    }
    this.stop()
    if (this.#chunked) this.#connection.write('0\r\n\r\n')
    this.#connection.endBody()
    this.#connection.flush()
  }

  #leave = (): void => this.#fail(new ClientLeft())

  #fail(error: Error): void {
    if (this.#over) return
    this.stop()
    this.#failed(error)
  }
}

function flush(connection: Connection): void {
  connection.flush()
}

/** RFC 9110 §10.1.1: never to HTTP/1.0, which does not know interim answers. */
function awaitsContinue({ headers, httpVersion }: GatewayRequest): boolean {
  return headers.expect?.toLowerCase() === '100-continue' && httpVersion !== '1.0'
}
