/** One request to an upstream, and its answer, on a stream of an HTTP/2 connection. */
import type { Bytes } from '../../../shared/bytes.ts'
import { errorCodes } from '../../http2/error-codes.ts'
import { initialWindow } from '../../http2/frames.ts'
import { keepPieces } from '../../upstream/body-pieces.ts'
import type { Waiter } from '../client/dialling.ts'
import { AnswerFault, UpstreamTimeout } from '../client/faults.ts'
import type { Sent, Transaction, UpstreamStream } from '../client/transaction.ts'
import type { AcquireOptions } from '../pool.ts'
import { malformed, type ReceivedHead, readHead, readTrailers, sizeOf } from './answer-head.ts'
import type { CarriedStream, Http2Connection } from './connection.ts'
import { StreamRefused, StreamReset } from './faults.ts'
import { http2Trailers } from './head.ts'

/** A request whose body so far is not longer is kept, to be sent again if its stream is refused. */
const maxKept: Bytes = 65_536
/** Of a body, if the upstream is slower than the client. */
const maxUnsent: Bytes = 32_768
/** How often a request is sent again. */
const maxRefusals = 2

/** Finds connections for streams. */
export interface ConnectionSource {
  /** Calls `take` or `onNoConnection` of the stream. */
  seek(stream: Http2Stream, options?: AcquireOptions): void
  /** The stream seeks no connection any more. */
  forget(stream: Http2Stream): void
}

const nothing: readonly string[] = []

/**
 * A stream that is refused (REFUSED_STREAM, or beyond the last one that a GOAWAY names) was not processed, so its
 * request is sent again whatever its method, as far as it is kept. gRPC needs that: each of its requests has a body, and
 * servers end connections by GOAWAY to balance load.
 */
export class Http2Stream implements UpstreamStream, CarriedStream {
  /** While it is open; 0 otherwise. */
  id = 0
  window: Bytes = 0
  queued = false
  touched = false
  due = Number.POSITIVE_INFINITY
  /** Called with this stream when it has a connection. */
  readonly waiter: Waiter<UpstreamStream>
  readonly #source: ConnectionSource
  #connection: Http2Connection | undefined
  #sent: Sent | undefined
  #transaction: Transaction | undefined
  /** The body so far; undefined if it is not kept any more. */
  #kept: Buffer[] | undefined
  #keptBytes: Bytes = 0
  #mayKeep = true
  #refusals = 0
  /** Of the body, on this stream. */
  #unsent: Buffer[] | undefined
  #unsentBytes: Bytes = 0
  /** The client has been stopped until more is sent. */
  #needsDrain = false
  #bodySent = true
  #endSent = false
  #trailers = nothing
  #reused = false
  #answerBegun = false
  #headPassed = false
  #interimBytes: Bytes = 0
  /** Of the body that has yet to come; undefined if it is not known. */
  #expected: Bytes | undefined
  /** Views of what was read, in this read. */
  #body: Buffer[] | undefined
  /** Since the upstream's window was last opened. */
  #received: Bytes = 0
  #paused = false
  #answerTrailers = nothing
  /** The upstream has ended its side of the stream, rather than reset it. */
  #ended = false

  constructor(source: ConnectionSource, waiter: Waiter<UpstreamStream>) {
    this.#source = source
    this.waiter = waiter
  }

  get reused(): boolean {
    return this.#reused
  }

  get answerBegun(): boolean {
    return this.#answerBegun
  }

  get unsent(): boolean {
    return this.id !== 0 && (this.#unsentBytes > 0 || (this.#bodySent && !this.#endSent))
  }

  /** There is a connection with room, for the first attempt or another one. */
  take(connection: Http2Connection): void {
    connection.reserve()
    this.#connection = connection
    this.#reused = connection.used
    if (this.#sent) this.#open(this.#sent, connection)
    else this.waiter.onConnection(this)
  }

  onNoConnection(error: Error): void {
    if (this.#sent) this.#fail(error)
    else this.waiter.onNoConnection(error)
  }

  send(sent: Sent, transaction: Transaction, withBody: boolean): void {
    this.#sent = sent
    this.#transaction = transaction
    this.#bodySent = !withBody
    if (!withBody) this.flush()
  }

  flush(): void {
    if (this.#transaction && this.#sent && this.#connection && this.id === 0) this.#open(this.#sent, this.#connection)
  }

  write(chunk: Buffer): boolean {
    if (!this.#transaction || !this.#sent) return true
    if (!this.#headPassed) this.due = performance.now() + this.#sent.timeout
    if (this.#mayKeep) {
      this.#kept ??= []
      this.#kept.push(chunk)
      this.#keptBytes += chunk.length
    }
    if (this.id === 0) return this.#keptBytes < maxKept
    if (this.#keptBytes >= maxKept) this.#keepNoMore()
    this.#queue(chunk)
    this.#connection?.send(this)
    this.#needsDrain = this.#unsentBytes >= maxUnsent
    return !this.#needsDrain
  }

  writeChunk(chunk: Buffer): boolean {
    return this.write(chunk)
  }

  endBody(_chunked: boolean, trailers: readonly string[]): void {
    this.#bodySent = true
    this.#trailers = trailers
    if (this.id !== 0) this.#connection?.send(this)
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#openWindow()
  }

  destroy(): void {
    this.#transaction = undefined
    this.#close(errorCodes.CANCEL)
  }

  sendFrame(allowance: Bytes): boolean {
    const connection = this.#connection
    if (!connection || !this.unsent) return false
    const chunk = this.#unsent?.[0]
    if (!chunk) {
      this.#sendEnd(connection)
      return true
    }
    const length = Math.min(allowance, chunk.length)
    if (length === 0) return false
    this.#takeUnsent(chunk, length)
    this.#endSent = this.#bodySent && this.#unsentBytes === 0 && this.#trailers.length === 0
    connection.sendData(this, length === chunk.length ? chunk : chunk.subarray(0, length), this.#endSent)
    if (this.#needsDrain && this.#unsentBytes < maxUnsent) {
      this.#needsDrain = false
      this.#transaction?.onDrain()
    }
    return true
  }

  onHeaders(raw: readonly string[], tooLong: boolean, last: boolean): void {
    if (this.#ended) return
    try {
      if (tooLong) throw new StreamReset(errorCodes.ENHANCE_YOUR_CALM, 'very long header fields')
      if (this.#headPassed) this.#onTrailers(raw, last)
      else this.#onHead(readHead(raw), last)
    } catch (error) {
      this.#fail(error as Error)
    }
  }

  onData(part: Buffer, last: boolean): void {
    if (this.#ended) return
    try {
      this.#takeBody(part)
      if (last) this.#onLast()
    } catch (error) {
      this.#fail(error as Error)
    }
  }

  onPause(): void {
    const body = this.#body
    this.#body = undefined
    try {
      if (body) this.#transaction?.onBody(keepPieces(body), this.#ended)
      if (!this.#transaction) return
      if (this.#ended) {
        this.#complete()
        return
      }
      if (this.#headPassed) this.#transaction.onPause()
      this.#openWindow()
    } catch (error) {
      // Whatever threw: an answer may fail its request, never the thread.
      this.#fail(error as Error)
    }
  }

  onReset(code: number): void {
    // It needs nothing more of the request (RFC 9113 §8.1).
    if (this.#ended) return
    this.#abandonStream(new StreamReset(code), code === errorCodes.REFUSED_STREAM)
  }

  onEnded(fault: Error, refused: boolean): void {
    if (this.#ended) this.onPause()
    else this.#abandonStream(fault, refused)
  }

  onDue(): void {
    const timeout = this.#sent?.timeout ?? 0
    // The upstream waits for more of the request: the client is slow.
    if (!this.#bodySent && !this.#needsDrain) this.due = performance.now() + timeout
    else this.#fail(new UpstreamTimeout(`no answer within ${timeout} ms`))
  }

  #open(sent: Sent, connection: Http2Connection): void {
    // It may have ended while the first bytes of the body were awaited.
    const { refusal } = connection
    if (refusal) {
      this.#abandonStream(refusal, true)
      return
    }
    const whole = this.#bodySent
    for (const chunk of this.#kept ?? []) this.#queue(chunk)
    this.#endSent = whole && this.#unsentBytes === 0 && this.#trailers.length === 0
    this.due = performance.now() + sent.timeout
    this.id = connection.begin(this, sent.head, this.#endSent)
    if (this.unsent) connection.send(this)
    if (this.#keptBytes >= maxKept) this.#keepNoMore()
    if (whole) return
    this.#needsDrain = this.#unsentBytes >= maxUnsent
    if (!this.#needsDrain) this.#transaction?.onDrain()
  }

  #queue(chunk: Buffer): void {
    this.#unsent ??= []
    this.#unsent.push(chunk)
    this.#unsentBytes += chunk.length
  }

  #takeUnsent(chunk: Buffer, length: Bytes): void {
    const unsent = this.#unsent as Buffer[]
    if (length === chunk.length) unsent.shift()
    else unsent[0] = chunk.subarray(length)
    this.#unsentBytes -= length
  }

  #keepNoMore(): void {
    this.#kept = undefined
    this.#mayKeep = false
  }

  #sendEnd(connection: Http2Connection): void {
    this.#endSent = true
    if (this.#trailers.length === 0) {
      connection.sendData(this, noBytes, true)
      return
    }
    try {
      connection.sendTrailers(this.id, http2Trailers(this.#trailers))
    } catch (error) {
      this.#fail(error as Error)
    }
  }

  #onHead(head: ReceivedHead, last: boolean): void {
    const { status } = head
    if (status < 200) {
      this.#onInterim(head, last)
      return
    }
    this.#answerBegun = true
    const { method = '', headLimit = 0 } = this.#sent ?? {}
    if (head.size > headLimit)
      throw new AnswerFault(`its header fields are longer than the limit of ${headLimit} bytes`)
    this.#expected = method === 'HEAD' || status === 204 || status === 304 ? 0 : head.length
    this.#headPassed = true
    this.#keepNoMore()
    this.due = Number.POSITIVE_INFINITY
    if (last) this.#onLast()
    this.#transaction?.onHead(head, last)
  }

  #onInterim(head: ReceivedHead, last: boolean): void {
    if (last || head.status === 101) throw malformed(`it ends with status ${head.status}`)
    this.#answerBegun = true
    this.#interimBytes += head.size
    const { headLimit = 0 } = this.#sent ?? {}
    if (this.#interimBytes > headLimit) throw new AnswerFault(`interim answers of more than ${headLimit} bytes`)
    this.#transaction?.onInterim(head)
  }

  #onTrailers(raw: readonly string[], last: boolean): void {
    if (!last) throw malformed('a second head')
    const trailers = readTrailers(raw)
    const { headLimit = 0 } = this.#sent ?? {}
    if (sizeOf(trailers) > headLimit)
      throw new AnswerFault(`its trailers are longer than the limit of ${headLimit} bytes`)
    this.#answerTrailers = trailers
    this.#onLast()
  }

  #takeBody(part: Buffer): void {
    if (!this.#headPassed) throw malformed('a body before its head')
    this.#received += part.length
    if (this.#received > initialWindow)
      throw new StreamReset(errorCodes.FLOW_CONTROL_ERROR, 'more than the window of the stream')
    if (this.#expected !== undefined) {
      this.#expected -= part.length
      if (this.#expected < 0) throw malformed('a body longer than its Content-Length')
    }
    if (part.length === 0) return
    this.#body ??= []
    this.#body.push(part)
  }

  #onLast(): void {
    if (this.#expected !== undefined && this.#expected > 0) throw malformed('a body shorter than its Content-Length')
    this.#ended = true
  }

  #openWindow(): void {
    if (this.#paused || this.#ended || this.id === 0 || this.#received < initialWindow / 2) return
    this.#connection?.openWindow(this.id, this.#received)
    this.#received = 0
  }

  /** The answer is complete, without the rest of the request if there is any. */
  #complete(): void {
    const transaction = this.#transaction
    this.#transaction = undefined
    this.#close(this.#endSent ? undefined : errorCodes.CANCEL)
    transaction?.onEnd(this.#answerTrailers)
  }

  /** The stream is over without a complete answer; the request may go on with another one. */
  #abandonStream(fault: Error, refused: boolean): void {
    this.#release()
    if (!this.#transaction) return
    if (refused && !this.#answerBegun && this.#mayKeep && this.#refusals < maxRefusals) this.#repeat()
    else this.#fail(refused ? new StreamRefused() : fault)
  }

  #repeat(): void {
    this.#refusals += 1
    this.#unsent = undefined
    this.#unsentBytes = 0
    this.#endSent = false
    this.#source.seek(this)
  }

  #fail(error: Error): void {
    const transaction = this.#transaction
    this.#transaction = undefined
    this.#close(error instanceof StreamReset ? error.errorCode : errorCodes.CANCEL)
    transaction?.onError(error)
  }

  /** `code`: of the reset, if the stream has not ended. */
  #close(code: number | undefined): void {
    this.#keepNoMore()
    this.#body = undefined
    this.#source.forget(this)
    this.#release(code)
  }

  /** The connection has room for another stream. */
  #release(code?: number): void {
    const connection = this.#connection
    if (this.id !== 0) connection?.over(this, code)
    this.due = Number.POSITIVE_INFINITY
    this.id = 0
    this.#connection = undefined
    connection?.release()
  }
}

const noBytes = Buffer.alloc(0)
