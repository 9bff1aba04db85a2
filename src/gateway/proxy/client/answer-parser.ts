/**
 * Parses an answer: strict, resumable at every byte, bounded everywhere. Ambiguous framing enables request smuggling,
 * so anything that two parsers could read in two ways is an error.
 */
import type { Bytes } from '../../../shared/bytes.ts'
import { ChunkedBody } from '../../http1/chunked-body.ts'
import { Section } from '../../http1/section.ts'
import { type AnswerHead, type Framing, readAnswerHead } from './answer-head.ts'
import { AnswerFault, answerFault, ConnectionClosed } from './faults.ts'

/** What the parser needs to know about the request. */
export interface Expected {
  readonly method: string
  /** The protocol that the request asked to switch to, in lower case. */
  readonly upgrade?: string | undefined
  /** Limits the head, all interim answers together, and the trailers. */
  readonly headLimit: Bytes
}

const beginning = Buffer.from('HTTP/1.')
const noTrailers: readonly string[] = []

export class AnswerParser {
  /** Interim answers (RFC 9110 §15.2) that the caller has yet to remove. */
  readonly interim: AnswerHead[] = []
  /** Head of the final answer, once it is read; after status 101 the bytes are no HTTP any more. */
  head: AnswerHead | undefined
  /** Pieces of the body that the caller has yet to remove: views of the bytes given to `take`. */
  readonly body: Buffer[] = []
  /** Set once the answer is complete; empty if there are none. */
  trailers: readonly string[] | undefined
  readonly #expected: Expected
  readonly #section: Section
  #framing: Framing = 0
  /** Bytes left of a body of known length. */
  #left = 0
  #chunks: ChunkedBody | undefined
  #interimBytes = 0

  constructor(expected: Expected) {
    this.#expected = expected
    this.#section = new Section(expected.headLimit, 'its header fields', answerFault)
  }

  get complete(): boolean {
    return this.trailers !== undefined
  }

  /**
   * Returns how many of the bytes belong to the answer. After it has thrown an AnswerFault, it must not be used again.
   */
  take(bytes: Buffer): number {
    let at = 0
    while (at < bytes.length && !this.complete) {
      at = this.head ? this.#takeBody(bytes, at) : this.#takeHead(bytes, at)
    }
    return at
  }

  /**
   * The connection was closed in good order, which ends a body without other framing. Throws if the answer is
   * incomplete.
   */
  end(): void {
    if (this.complete) return
    if (!this.head) throw new ConnectionClosed('the connection was closed before the answer')
    if (this.#framing !== 'close') throw new ConnectionClosed('the connection was closed in the middle of the answer')
    this.trailers = noTrailers
  }

  #takeHead(bytes: Buffer, start: number): number {
    const end = this.#section.take(bytes, start)
    const { text } = this.#section
    if (text === undefined) {
      this.#mustBeAnswer()
      return end
    }
    this.#section.begin()
    const head = readAnswerHead(text)
    if (head.status < 200) this.#takeInterim(head, text.length)
    else this.#begin(head)
    return end
  }

  /** Refuses another protocol as soon as its first bytes have come. */
  #mustBeAnswer(): void {
    const begun = this.#section.incomplete as Buffer
    const length = Math.min(begun.length, beginning.length)
    if (begun.compare(beginning, 0, length, 0, length) === 0) return
    throw new AnswerFault(`it begins with ${JSON.stringify(begun.toString('latin1', 0, 40))}`)
  }

  #takeInterim(head: AnswerHead, size: Bytes): void {
    if (head.status === 101) {
      const { upgrade } = this.#expected
      if (upgrade === undefined || head.upgrade !== upgrade) {
        throw new AnswerFault('it switches to a protocol that was not requested')
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
    if (this.#framing === 'chunked') this.#chunks = new ChunkedBody(this.#expected.headLimit, answerFault, false)
    else if (this.#framing === 0) this.trailers = noTrailers
    else if (this.#framing !== 'close') this.#left = this.#framing
  }

  /** RFC 9112 §6.3: these have no body, whatever length their head announces. */
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
