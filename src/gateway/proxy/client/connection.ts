/** One connection to an upstream: a request at a time, and the answer to it. */
import type { Socket } from 'node:net'
import type { Milliseconds } from '../../../shared/time/duration.ts'
import type { AnswerHead } from './answer-head.ts'
import { AnswerParser } from './answer-parser.ts'
import { Deadline } from './deadline.ts'
import { FairReading } from './fair-reading.ts'
import { ConnectionClosed, UpstreamTimeout } from './faults.ts'
import { Idleness } from './idleness.ts'
import { keepFromWriteErrors } from './socket.ts'
import type { Sent, Transaction } from './transaction.ts'

/** How long an upstream that takes no more of a request may go on with the answer that it may have begun. */
const lastWords: Milliseconds = 1_000

/** Who keeps it while it is idle. */
export interface ConnectionOwner {
  /** It can carry another request. */
  free(connection: Connection): void
  closed(connection: Connection): void
}

/** Made when the socket is connected; lives until it is closed, or handed over to an upgrade. */
export class Connection {
  readonly idleness = new Idleness()
  readonly #socket: Socket
  readonly #owner: ConnectionOwner
  #transaction: Transaction | undefined
  #parser: AnswerParser | undefined
  #requests = 0
  #bodySent = true
  #headTold = false
  #heard = false
  readonly #reading: FairReading
  #ended = false
  #destroyed = false
  /** Why no more of the request can be written. */
  #writeError: Error | undefined
  #timeout: Milliseconds = 0
  /** Of the head of the answer. */
  readonly #deadline = new Deadline(() => this.#passDeadline())

  /** The socket is connected, and whoever reads it calls `take`; all else is watched here. */
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

  /** Whether any byte of an answer to this request has come. */
  get heard(): boolean {
    return this.#heard
  }

  get open(): boolean {
    return !this.#destroyed && !this.#ended
  }

  /** Writes the head. With `withBody` the body follows: the head waits for what of it is there already, until `flush`. */
  send(sent: Sent, transaction: Transaction, withBody: boolean): void {
    this.#requests += 1
    this.#transaction = transaction
    this.#parser = new AnswerParser(sent)
    this.#heard = false
    this.#headTold = false
    this.#bodySent = !withBody
    this.#timeout = sent.timeout
    this.#deadline.set(sent.timeout)
    if (withBody) this.#socket.cork()
    this.#socket.write(sent.head, 'latin1')
  }

  flush(): void {
    this.#socket.uncork()
  }

  /** False: no more until `onDrain`. */
  write(chunk: Buffer | string): boolean {
    if (this.#writeError || this.#destroyed) return true
    if (!this.#headTold) this.#deadline.set(this.#timeout)
    return this.#socket.write(chunk, 'latin1')
  }

  /** As one chunk of a chunked body; must not be empty. */
  writeChunk(chunk: Buffer): boolean {
    this.#socket.cork()
    this.write(`${chunk.length.toString(16)}\r\n`)
    this.write(chunk)
    const room = this.write('\r\n')
    this.#socket.uncork()
    return room
  }

  /** The request is complete. */
  endBody(): void {
    this.#bodySent = true
  }

  /** Reads no more for now. */
  pause(): void {
    this.#reading.pause()
  }

  resume(): void {
    this.#reading.resume()
  }

  /** Without a word to the transaction. */
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

  /** What was read off the socket: valid during the call only. */
  take(bytes: Buffer): void {
    const parser = this.#parser
    // Nobody asked: it would be taken for the answer to the next request.
    if (!this.#transaction || !parser) {
      this.#close()
      return
    }
    this.#heard = true
    try {
      const used = parser.take(bytes)
      this.#tell(parser, bytes.subarray(used))
      if (this.#transaction) this.#reading.count(bytes.length)
    } catch (error) {
      // Whoever threw: an answer ends its request at the most, never the thread.
      this.fail(error as Error)
    }
  }

  /** Whoever is told may have had enough, and has destroyed the connection: then it is told no more. */
  #tell(parser: AnswerParser, rest: Buffer): void {
    for (const head of parser.interim.splice(0)) this.#transaction?.onInterim(head)
    const { head } = parser
    if (head && !this.#headTold) {
      this.#headTold = true
      this.#deadline.off()
      if (head.status === 101) {
        this.#upgrade(head, rest)
        return
      }
      this.#transaction?.onHead(head)
    }
    if (parser.body.length > 0) this.#transaction?.onBody(joined(parser.body), parser.complete)
    if (!this.#transaction) return
    if (parser.complete) this.#complete(parser, rest.length > 0)
    else this.#transaction.onPause()
  }

  /** `surplus`: bytes came behind the answer, in nobody's framing. */
  #complete(parser: AnswerParser, surplus: boolean): void {
    const transaction = this.#transaction
    this.#transaction = undefined
    this.#parser = undefined
    const sound = (parser.head?.keepAlive ?? false) && this.#bodySent && !this.#writeError && !surplus
    if (sound && this.open && this.idleness.begin(parser.head?.idleTimeout)) {
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
   * Writing failed. Nothing is lost by it that is there to be read: an upstream may answer, and close, without having read
   * all of a request (RFC 9112 §9.6). True: the socket stays, and ends by what is read of it.
   */
  #spare = (error: Error): boolean => {
    if (!this.#transaction || this.#ended || this.#destroyed) return false
    if (this.#writeError) return true
    this.#writeError = error
    if (!this.#headTold) this.#deadline.set(lastWords)
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
    // It would read more of the request if the client sent more: it is not the one that is slow.
    else if (!this.#bodySent && !this.#socket.writableNeedDrain) this.#deadline.set(this.#timeout)
    else this.fail(new UpstreamTimeout(`no answer within ${this.#timeout} ms`))
  }
}

/** A copy: the pieces are views of bytes that are read into again. */
function joined(pieces: Buffer[]): Buffer {
  const whole = pieces.length === 1 ? Buffer.from(pieces[0] as Buffer) : Buffer.concat(pieces)
  pieces.length = 0
  return whole
}
