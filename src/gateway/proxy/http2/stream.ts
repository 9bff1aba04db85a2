/** One request to an upstream, and its answer, on a stream of an HTTP/2 connection. */
import { type ClientHttp2Stream, constants, type IncomingHttpHeaders } from 'node:http2'
import type { Bytes } from '../../../shared/bytes.ts'
import { messageOf } from '../../../shared/errors.ts'
import type { Milliseconds } from '../../../shared/time/duration.ts'
import { Deadline } from '../client/deadline.ts'
import type { Waiter } from '../client/dialling.ts'
import { AnswerFault, UnsendableRequest, UpstreamTimeout } from '../client/faults.ts'
import type { Sent, Transaction, UpstreamStream } from '../client/transaction.ts'
import type { AcquireOptions } from '../pool.ts'
import type { Http2Connection } from './connection.ts'
import { StreamRefused, StreamReset } from './faults.ts'
import { type ReceivedHead, readHead, sizeOf } from './head.ts'

const { NGHTTP2_CANCEL, NGHTTP2_REFUSED_STREAM, NGHTTP2_FLAG_END_STREAM } = constants

/** A request whose body so far is not longer is kept, to be sent again if its stream is refused. */
const maxKept: Bytes = 65_536
/** How often a request is sent again. */
const maxRefusals = 2

/** Finds connections for streams. */
export interface ConnectionSource {
  /** Calls `take` or `onNoConnection` of the stream. */
  seek(stream: Http2Stream, options?: AcquireOptions): void
  /** The stream seeks no connection any more. */
  forget(stream: Http2Stream): void
}

/**
 * A stream that is refused (REFUSED_STREAM, or beyond the last one that a GOAWAY names) was not processed, so its
 * request is sent again whatever its method, as far as it is kept. gRPC needs that: each of its requests has a body, and
 * servers end connections by GOAWAY to balance load.
 */
export class Http2Stream implements UpstreamStream {
  readonly #source: ConnectionSource
  readonly #waiter: Waiter<Http2Stream>
  #connection: Http2Connection | undefined
  #stream: ClientHttp2Stream | undefined
  /** Undefined until it is sent. */
  #head: readonly string[] | undefined
  #headLimit: Bytes = 0
  #timeout: Milliseconds = 0
  #transaction: Transaction | undefined
  /** The body so far; undefined if it is not kept any more. */
  #kept: Buffer[] | undefined = []
  #keptBytes: Bytes = 0
  #refusals = 0
  #bodySent = true
  #trailers: readonly string[] = []
  #reused = false
  #answerBegun = false
  #headPassed = false
  #interimBytes: Bytes = 0
  /** Data that Node passes on before the head that it has read earlier. */
  #early: Buffer[] = []
  #bodyBegun = false
  #answerTrailers: readonly string[] = []
  /** The upstream has ended its side of the stream, rather than reset it. */
  #ended = false
  #error: Error | undefined
  readonly #deadline = new Deadline(() => this.#passDeadline())

  constructor(source: ConnectionSource, waiter: Waiter<Http2Stream>) {
    this.#source = source
    this.#waiter = waiter
  }

  get reused(): boolean {
    return this.#reused
  }

  get answerBegun(): boolean {
    return this.#answerBegun
  }

  /** There is a connection with room, for the first attempt or another one. */
  take(connection: Http2Connection): void {
    connection.reserve()
    this.#connection = connection
    this.#reused = connection.used
    if (this.#head) this.#open(this.#head, connection)
    else this.#waiter.onConnection(this)
  }

  onNoConnection(error: Error): void {
    if (this.#head) this.#fail(error)
    else this.#waiter.onNoConnection(error)
  }

  send({ head, headLimit, timeout }: Sent<readonly string[]>, transaction: Transaction, withBody: boolean): void {
    this.#head = head
    this.#headLimit = headLimit
    this.#timeout = timeout
    this.#transaction = transaction
    this.#bodySent = !withBody
    this.#deadline.set(timeout)
    if (!withBody) this.flush()
  }

  flush(): void {
    if (this.#transaction && this.#head && this.#connection && !this.#stream) this.#open(this.#head, this.#connection)
  }

  write(chunk: Buffer): boolean {
    if (!this.#transaction) return true
    if (!this.#headPassed) this.#deadline.set(this.#timeout)
    if (this.#kept) {
      this.#kept.push(chunk)
      this.#keptBytes += chunk.length
    }
    const mayContinue = this.#keptBytes < maxKept
    if (!this.#stream) return mayContinue
    if (!mayContinue) this.#kept = undefined
    return this.#stream.write(chunk)
  }

  writeChunk(chunk: Buffer): boolean {
    return this.write(chunk)
  }

  endBody(_chunked: boolean, trailers: readonly string[]): void {
    this.#bodySent = true
    this.#trailers = trailers
    this.#stream?.end()
  }

  pause(): void {
    this.#stream?.pause()
  }

  resume(): void {
    this.#stream?.resume()
  }

  destroy(): void {
    this.#transaction = undefined
    this.#close()
  }

  #open(head: readonly string[], connection: Http2Connection): void {
    const kept = this.#kept ?? []
    const whole = this.#bodySent
    const hasTrailers = this.#trailers.length > 0
    const endStream = whole && kept.length === 0 && !hasTrailers
    const waitForTrailers = whole ? hasTrailers : head.includes('trailer')
    let stream: ClientHttp2Stream
    try {
      stream = connection.request(head, { endStream, waitForTrailers })
    } catch (error) {
      this.#fail(new UnsendableRequest(messageOf(error)))
      return
    }
    this.#stream = stream
    this.#listen(stream)
    for (const chunk of kept) stream.write(chunk)
    if (this.#keptBytes >= maxKept) this.#kept = undefined
    if (whole && !endStream) stream.end()
    if (!whole && !stream.writableNeedDrain) this.#transaction?.onDrain()
  }

  #listen(stream: ClientHttp2Stream): void {
    const guarded =
      <A extends unknown[]>(handle: (...received: A) => void) =>
      (...received: A): void => {
        if (this.#stream !== stream || !this.#transaction) return
        this.#connection?.heard()
        try {
          handle(...received)
        } catch (error) {
          // Whatever threw: a bad answer may fail its request, never the thread.
          this.#fail(error as Error)
        }
      }
    // Node ends the readable side of a stream that is reset, too; but then it has closed the stream before.
    const { push } = stream
    stream.push = (chunk, encoding) => {
      if (chunk === null && !stream.closed) this.#ended = true
      return push.call(stream, chunk, encoding)
    }
    stream.on(
      'headers',
      guarded((_headers, _flags, raw) => this.#onInterim(raw)),
    )
    stream.on(
      'response',
      guarded((_headers, flags, raw) => this.#onHead(raw, (flags & NGHTTP2_FLAG_END_STREAM) !== 0)),
    )
    stream.on(
      'data',
      guarded((chunk: Buffer) => this.#onData(chunk)),
    )
    stream.on(
      'trailers',
      guarded((_headers, _flags, raw) => this.#onTrailers(raw)),
    )
    stream.on(
      'end',
      guarded(() => this.#onEnd()),
    )
    stream.on(
      'drain',
      guarded(() => this.#transaction?.onDrain()),
    )
    stream.on('wantTrailers', () => this.#sendTrailers(stream))
    stream.on('error', (error: Error) => {
      if (this.#stream === stream) this.#error = error
    })
    stream.on('close', () => {
      if (this.#stream === stream) this.#onClose(stream)
    })
  }

  /** Even if the answer is complete: the stream is not, until the request is. */
  #sendTrailers(stream: ClientHttp2Stream): void {
    try {
      stream.sendTrailers(objectOf(this.#trailers))
    } catch (error) {
      this.#fail(new UnsendableRequest(messageOf(error)))
    }
  }

  #onInterim(raw: readonly string[]): void {
    const head = readHead(raw)
    this.#answerBegun = true
    this.#interimBytes += head.size
    if (this.#interimBytes > this.#headLimit)
      throw new AnswerFault(`interim answers of more than ${this.#headLimit} bytes`)
    this.#transaction?.onInterim(head)
  }

  #onHead(raw: readonly string[], last: boolean): void {
    const head = this.#checked(readHead(raw))
    this.#answerBegun = true
    this.#headPassed = true
    this.#kept = undefined
    this.#deadline.off()
    this.#transaction?.onHead(head, last)
    for (const chunk of this.#early.splice(0)) this.#onData(chunk)
    if (!last) setImmediate(() => this.#flushHead())
  }

  #checked(head: ReceivedHead): ReceivedHead {
    if (head.status < 200) throw new AnswerFault(`it ends with status ${head.status}`)
    if (head.size > this.#headLimit)
      throw new AnswerFault(`its header fields are longer than the limit of ${this.#headLimit} bytes`)
    return head
  }

  /** The first bytes of the body did not arrive with the head. */
  #flushHead(): void {
    if (!this.#bodyBegun) this.#transaction?.onPause()
  }

  #onData(chunk: Buffer): void {
    if (!this.#headPassed) {
      this.#early.push(chunk)
      return
    }
    this.#bodyBegun = true
    this.#transaction?.onBody(chunk, false)
  }

  #onTrailers(raw: readonly string[]): void {
    if (sizeOf(raw) > this.#headLimit)
      throw new AnswerFault(`its trailers are longer than the limit of ${this.#headLimit} bytes`)
    this.#answerTrailers = raw
  }

  /** Without the upstream's end, `close` follows, and its reason. */
  #onEnd(): void {
    if (!this.#ended || !this.#headPassed) return
    const transaction = this.#transaction
    this.#transaction = undefined
    this.#deadline.destroy()
    // The answer is complete without the rest of the request.
    if (!this.#bodySent) this.#cancel()
    transaction?.onEnd(this.#answerTrailers)
  }

  #onClose(stream: ClientHttp2Stream): void {
    const connection = this.#connection
    this.#release()
    if (!this.#transaction || !connection) return
    const refused = stream.rstCode === NGHTTP2_REFUSED_STREAM || connection.refuses(stream)
    if (refused && this.#mayRepeat()) this.#repeat()
    else this.#fail(refused ? new StreamRefused() : this.#faultOf(stream, connection))
  }

  #mayRepeat(): boolean {
    return !this.#answerBegun && this.#kept !== undefined && this.#refusals < maxRefusals
  }

  #repeat(): void {
    this.#refusals += 1
    this.#error = undefined
    this.#ended = false
    this.#source.seek(this)
  }

  #faultOf(stream: ClientHttp2Stream, connection: Http2Connection): Error {
    const { code, syscall }: Partial<NodeJS.ErrnoException> = this.#error ?? {}
    if (this.#error && syscall !== undefined) return this.#error
    // nghttp2's own: frames that break a rule of the connection.
    if (code === 'ERR_HTTP2_ERROR') return new AnswerFault(`invalid frames: ${messageOf(this.#error)}`)
    return connection.fault ?? new StreamReset(stream.rstCode)
  }

  #fail(error: Error): void {
    const transaction = this.#transaction
    this.#transaction = undefined
    this.#close()
    transaction?.onError(error)
  }

  #close(): void {
    this.#deadline.destroy()
    this.#kept = undefined
    this.#source.forget(this)
    // Its room is free when it is closed.
    if (this.#stream) this.#cancel()
    else this.#release()
  }

  /**
   * In the next turn of the event loop: while Node reads from the connection, it delays the reset, but may destroy the
   * stream before it, and then its own assertion in `OnTrailers` ends the process (Node 26.10).
   */
  #cancel(): void {
    const stream = this.#stream
    setImmediate(() => {
      if (stream && !stream.closed) stream.close(NGHTTP2_CANCEL)
    })
  }

  #release(): void {
    const connection = this.#connection
    this.#connection = undefined
    this.#stream = undefined
    connection?.release()
  }

  #passDeadline(): void {
    // The upstream waits for more of the request: the client is slow.
    if (!this.#bodySent && !this.#stream?.writableNeedDrain) this.#deadline.set(this.#timeout)
    else this.#fail(new UpstreamTimeout(`no answer within ${this.#timeout} ms`))
  }
}

/** Repeated names as an array. */
function objectOf(flat: readonly string[]): IncomingHttpHeaders {
  const fields: Record<string, string[]> = Object.create(null)
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i] as string
    fields[name] = [...(fields[name] ?? []), flat[i + 1] as string]
  }
  return fields
}
