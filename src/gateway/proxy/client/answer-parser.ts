/**
 * Reads one answer after another off a connection: strict, resumable at every byte, bounded everywhere. Framing is where
 * requests are smuggled, so whatever two readers could read in two ways is a fault.
 */
import type { Bytes } from '../../../shared/bytes.ts'
import { type AnswerHead, type Framing, readAnswerHead } from './answer-head.ts'
import { ChunkedBody } from './chunked-body.ts'
import { AnswerFault, ConnectionClosed } from './faults.ts'
import { Section } from './section.ts'

/** What must be known of a request to read its answer. */
export interface Expected {
  readonly method: string
  /** The protocol that the request asked to switch to, in lower case. */
  readonly upgrade?: string | undefined
  /** Longest head; that of all interim answers together; longest trailers. */
  readonly headLimit: Bytes
}

const beginning = Buffer.from('HTTP/1.')
const noTrailers: readonly string[] = []

export class AnswerParser {
  /** Interim answers (RFC 9110 §15.2) that were read and not yet taken out. */
  readonly interim: AnswerHead[] = []
  /** Of the final answer, once it was read; with status 101, what follows is no HTTP any more. */
  head: AnswerHead | undefined
  /** Pieces of the body that were read and not yet taken out: views of the bytes given. */
  readonly body: Buffer[] = []
  /** Once the answer is complete; empty where there are none. */
  trailers: readonly string[] | undefined
  readonly #expected: Expected
  readonly #section: Section
  #framing: Framing = 0
  /** Of a body of known length, bytes to come. */
  #left = 0
  #chunks: ChunkedBody | undefined
  #interimBytes = 0

  constructor(expected: Expected) {
    this.#expected = expected
    this.#section = new Section(expected.headLimit, 'its header fields')
  }

  get complete(): boolean {
    return this.trailers !== undefined
  }

  /** Reads the bytes; returns how many of them belong to the answer. Throws an AnswerFault, and must not be used again. */
  take(bytes: Buffer): number {
    let at = 0
    while (at < bytes.length && !this.complete) {
      at = this.head ? this.#takeBody(bytes, at) : this.#takeHead(bytes, at)
    }
    return at
  }

  /** The connection was closed in good order: the end of a body that has no other; throws if it is too early. */
  end(): void {
    if (this.complete) return
    if (!this.head) throw new ConnectionClosed('the connection was closed before an answer')
    if (this.#framing !== 'close') throw new ConnectionClosed('the connection was closed in the midst of the answer')
    this.trailers = noTrailers
  }

  #takeHead(bytes: Buffer, start: number): number {
    const end = this.#section.take(bytes, start)
    const { text } = this.#section
    if (text === undefined) {
      this.#section.mustBeginWith(beginning)
      return end
    }
    this.#section.begin()
    const head = readAnswerHead(text)
    if (head.status < 200) this.#takeInterim(head, text.length)
    else this.#begin(head)
    return end
  }

  #takeInterim(head: AnswerHead, size: Bytes): void {
    if (head.status === 101) {
      const { upgrade } = this.#expected
      if (upgrade === undefined || head.upgrade !== upgrade) {
        throw new AnswerFault('it switches to a protocol that was not asked for')
      }
      this.head = head
      this.trailers = noTrailers
      return
    }
    this.#interimBytes += size
    if (this.#interimBytes > this.#expected.headLimit) {
      throw new AnswerFault(`interim answers of more than ${this.#expected.headLimit} bytes`)
    }
    this.interim.push(head)
  }

  #begin(head: AnswerHead): void {
    this.head = head
    this.#framing = this.#isBodyless(head.status) ? 0 : head.framing
    if (this.#framing === 'chunked') this.#chunks = new ChunkedBody(this.#expected.headLimit)
    else if (this.#framing === 0) this.trailers = noTrailers
    else if (this.#framing !== 'close') this.#left = this.#framing
  }

  /** RFC 9112 §6.3: these end with their head, whatever it says of a length. */
  #isBodyless(status: number): boolean {
    return this.#expected.method === 'HEAD' || status === 204 || status === 304
  }

  #takeBody(bytes: Buffer, start: number): number {
    if (this.#chunks) {
      const end = this.#chunks.take(bytes, start, this.body)
      this.trailers = this.#chunks.trailers
      return end
    }
    const end = this.#framing === 'close' ? bytes.length : Math.min(bytes.length, start + this.#left)
    this.body.push(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end))
    if (this.#framing !== 'close') {
      this.#left -= end - start
      if (this.#left === 0) this.trailers = noTrailers
    }
    return end
  }
}
