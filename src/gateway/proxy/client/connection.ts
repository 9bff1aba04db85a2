/** One connection to an upstream, which carries one request at a time. */
import type { Socket } from 'node:net'
import type { Bytes } from '../../../shared/bytes.ts'
import type { Milliseconds } from '../../../shared/time/duration.ts'
import { writeAtTurnEnd } from '../../http1/turn-end.ts'
import { keepPieces, releasePiece } from '../../upstream/body-pieces.ts'
import type { AnswerHead } from './answer-head.ts'
import { AnswerParser } from './answer-parser.ts'
import { Deadline } from './deadline.ts'
import { FairReading } from './fair-reading.ts'
import { ConnectionClosed, UpstreamTimeout } from './faults.ts'
import { Idleness } from './idleness.ts'
import { keepFromWriteErrors } from './socket.ts'
import type { Sent, Transaction, UpstreamStream } from './transaction.ts'

/** Chunks up to this length are written as one text with their size: Node only joins texts. */
const oneWrite: Bytes = 8_192
/** How long an upstream that reads no more of a request may take to answer. */
const answerAfterRefusal: Milliseconds = 1_000

/** Keeps the connection while it is idle. */
export interface ConnectionOwner {
  /** The connection can carry another request. */
  free(connection: Connection): void
  closed(connection: Connection): void
}

/** Created when the socket is connected; used until it is closed, or handed over to an upgrade. */
export class Connection implements UpstreamStream {
  readonly idleness = new Idleness()
  readonly #socket: Socket
  readonly #owner: ConnectionOwner
  #transaction: Transaction | undefined
  #parser: AnswerParser | undefined
  /** The head of a request, until it is written at the end of the turn. */
  #unsent: string | undefined
  #requests = 0
  #bodySent = true
  #headPassed = false
  #answerBegun = false
  readonly #reading: FairReading
  #ended = false
  #destroyed = false
  /** Why no more of the request can be written. */
  #writeError: Error | undefined
  #timeout: Milliseconds = 0
  /** For the head of the answer. */
  readonly #deadline = new Deadline(() => this.#passDeadline())

  /** The socket is connected. The caller reads it and calls `take`; its other events are handled here. */
  constructor(socket: Socket, owner: ConnectionOwner) {
    this.#socket = socket
    this.#owner = owner
    this.#reading = new FairReading(socket)
    keepFromWriteErrors(socket, this.#spare)
    socket.on('end', this.#onEnd)
    socket.on('error', this.#onError)
    socket.on('close', this.#onClose)
    socket.on('drain', this.#onDrain)
  }

  /** Whether it has carried a request before this one. */
  get reused(): boolean {
    return this.#requests > 1
  }

  /** Whether any byte of an answer to this request has arrived. */
  get answerBegun(): boolean {
    return this.#answerBegun
  }

  get open(): boolean {
    return !this.#destroyed && !this.#ended
  }

  send(sent: Sent, transaction: Transaction, withBody: boolean): void {
    this.#requests += 1
    this.#transaction = transaction
    this.#parser = new AnswerParser(sent)
    this.#answerBegun = false
    this.#headPassed = false
    this.#bodySent = !withBody
    this.#timeout = sent.timeout
    this.#deadline.set(sent.timeout)
    if (withBody) {
      this.#socket.cork()
      this.#socket.write(sent.head, 'latin1')
    } else {
      this.#unsent = sent.head
      writeAtTurnEnd(this)
    }
  }

  /** Writes the head of the request. */
  writeNow(): void {
    const head = this.#unsent
    this.#unsent = undefined
    if (head !== undefined && !this.#destroyed) this.#socket.write(head, 'latin1')
  }

  flush(): void {
    this.#socket.uncork()
  }

  write(chunk: Buffer): boolean {
    return !this.#takesMore || this.#writePiece(chunk)
  }

  writeChunk(chunk: Buffer): boolean {
    if (!this.#takesMore) return true
    const size = `${chunk.length.toString(16)}\r\n`
    if (chunk.length <= oneWrite) return this.#socket.write(`${size}${chunk.toString('latin1')}\r\n`, 'latin1')
    this.#socket.cork()
    this.#socket.write(size, 'latin1')
    this.#writePiece(chunk)
    const room = this.#socket.write('\r\n', 'latin1')
    this.#socket.uncork()
    return room
  }

  endBody(chunked: boolean): void {
    if (chunked && this.#takesMore) this.#socket.write('0\r\n\r\n', 'latin1')
    this.#bodySent = true
  }

  /** Whether the upstream may still read something of the request; if so, it has its time from now on. */
  get #takesMore(): boolean {
    if (this.#writeError || this.#destroyed) return false
    if (!this.#headPassed) this.#deadline.set(this.#timeout)
    return true
  }

  #writePiece(chunk: Buffer): boolean {
    return this.#socket.write(chunk, () => releasePiece(chunk))
  }

  pause(): void {
    this.#reading.pause()
  }

  resume(): void {
    this.#reading.resume()
  }

  destroy(): void {
    this.#transaction = undefined
    this.#close()
  }

  fail(error: Error): void {
    const transaction = this.#transaction
    this.#transaction = undefined
    this.#close()
    transaction?.onError(error)
  }

  /** Bytes read from the socket; valid during the call only. */
  take(bytes: Buffer): void {
    const parser = this.#parser
    // No request is in flight: these bytes would be taken for the answer to the next one.
    if (!this.#transaction || !parser) {
      this.#close()
      return
    }
    if (this.#unsent !== undefined) {
      // Nor are they the answer to this one. Nothing of it was sent, so it may be sent again.
      this.fail(new ConnectionClosed('the upstream answered before it was asked'))
      return
    }
    this.#answerBegun = true
    try {
      const used = parser.take(bytes)
      this.#passOn(parser, bytes.subarray(used))
      if (this.#transaction) this.#reading.count(bytes.length)
    } catch (error) {
      // Whatever threw: a bad answer may fail its request, never the thread.
      this.fail(error as Error)
    }
  }

  /** Each call may destroy the connection, after which the transaction is undefined. */
  #passOn(parser: AnswerParser, rest: Buffer): void {
    for (const head of parser.interim.splice(0)) this.#transaction?.onInterim(head)
    const { head } = parser
    if (head && !this.#headPassed) {
      this.#headPassed = true
      this.#deadline.off()
      if (head.status === 101) {
        this.#upgrade(head, rest)
        return
      }
      this.#transaction?.onHead(head)
    }
    if (parser.body.length > 0) {
      const piece = keepPieces(parser.body)
      parser.body.length = 0
      this.#transaction?.onBody(piece, parser.complete)
    }
    if (!this.#transaction) return
    if (parser.complete) this.#complete(parser, rest.length > 0)
    else this.#transaction.onPause()
  }

  /** `surplus`: bytes followed the answer, which belong to nothing. */
  #complete(parser: AnswerParser, surplus: boolean): void {
    const transaction = this.#transaction
    this.#transaction = undefined
    this.#parser = undefined
    const reusable = (parser.head?.keepAlive ?? false) && this.#bodySent && !this.#writeError && !surplus
    if (reusable && this.open && this.idleness.begin(parser.head?.idleTimeout)) {
      this.resume()
      this.#owner.free(this)
    } else {
      this.#close()
    }
    transaction?.onEnd(parser.trailers ?? [])
  }

  #upgrade(head: AnswerHead, rest: Buffer): void {
    const transaction = this.#transaction
    const socket = this.#socket
    this.#transaction = undefined
    this.#release()
    socket.removeAllListeners('data')
    socket.off('end', this.#onEnd)
    socket.off('error', this.#onError)
    socket.off('close', this.#onClose)
    socket.off('drain', this.#onDrain)
    transaction?.onUpgrade(head, socket, rest)
  }

  #onEnd = (): void => {
    this.#ended = true
    const parser = this.#parser
    if (!this.#transaction || !parser) {
      this.#close()
      return
    }
    try {
      parser.end()
    } catch (error) {
      this.fail(error as Error)
      return
    }
    this.#complete(parser, false)
  }

  #onError = (error: Error): void => this.fail(error)
  #onClose = (): void => this.fail(new ConnectionClosed('the connection was closed'))
  #onDrain = (): void => this.#transaction?.onDrain()

  /**
   * A write has failed. An upstream may answer, and close, without reading all of a request (RFC 9112 §9.6), so its
   * answer is still read. True: the socket stays open until its end is read.
   */
  #spare = (error: Error): boolean => {
    if (!this.#transaction || this.#ended || this.#destroyed) return false
    if (this.#writeError) return true
    this.#writeError = error
    if (!this.#headPassed) this.#deadline.set(answerAfterRefusal)
    this.#transaction.onBodyRefused()
    return true
  }

  #close(): void {
    if (this.#destroyed) return
    this.#release()
    this.#socket.destroy()
  }

  #release(): void {
    this.#destroyed = true
    this.#deadline.destroy()
    this.#owner.closed(this)
  }

  #passDeadline = (): void => {
    if (this.#writeError) this.fail(this.#writeError)
    // The upstream waits for more of the request: the client is slow.
    else if (!this.#bodySent && !this.#socket.writableNeedDrain) this.#deadline.set(this.#timeout)
    else this.fail(new UpstreamTimeout(`no answer within ${this.#timeout} ms`))
  }
}
