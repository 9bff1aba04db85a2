/** A strict parser for the heads of answers: the status line and the fields (RFC 9112 §4 and §5). */
import type { Milliseconds } from '../../../shared/time/duration.ts'
import { eachField, forbidden, membersOf } from '../../http1/fields.ts'
import { AnswerFault, answerFault } from './faults.ts'

/** How a body ends: after this many bytes, with its last chunk, or with the connection. */
export type Framing = number | 'chunked' | 'close'

export interface AnswerHead {
  /** 100 to 999. */
  readonly status: number
  /** Name and value in turn, as received, without whitespace around values; bytes as latin1. */
  readonly fields: readonly string[]
  /** By the fields alone; whether there is a body depends on the status and the request as well. */
  readonly framing: Framing
  /** Whether the connection may carry another request. */
  readonly keepAlive: boolean
  /** How long the upstream keeps an idle connection open, if it announces that. */
  readonly idleTimeout: Milliseconds | undefined
  /** The value of Upgrade, in lower case. */
  readonly upgrade: string | undefined
}

// HTTP/1.0 and HTTP/1.1 only, and no other protocol (RTSP, ICY, HTTP/2). The space before an empty reason is required
// by RFC 9112 §4, but often missing.
const statusLine = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: .*)?$/
/** Reads a head, up to and with the empty line that ends it. Throws an AnswerFault. */
export function readAnswerHead(text: string): AnswerHead {
  if (forbidden.test(text)) throw new AnswerFault('a control character in its head')
  const lineEnd = text.indexOf('\r\n')
  const line = statusLine.exec(text.slice(0, lineEnd))
  if (!line) throw new AnswerFault(`it begins with ${JSON.stringify(text.slice(0, Math.min(lineEnd, 40)))}`)
  return new HeadReader(Number(line[2]), line[1] === '0').read(text, lineEnd + 2)
}

/** Collects the fields of a head, and what they say about its body and its connection. */
class HeadReader implements AnswerHead {
  readonly status: number
  readonly fields: string[] = []
  keepAlive: boolean
  idleTimeout: Milliseconds | undefined
  upgrade: string | undefined
  readonly #http10: boolean
  #length: number | undefined
  #chunked = false
  #close = false

  constructor(status: number, http10: boolean) {
    this.status = status
    this.#http10 = http10
    this.keepAlive = !http10
  }

  get framing(): Framing {
    return this.#chunked ? 'chunked' : (this.#length ?? 'close')
  }

  read(text: string, start: number): AnswerHead {
    eachField(text, start, answerFault, (name, value) => this.#take(name, value))
    // RFC 9112 §6.3: the two framings disagree, and parsers differ in which one they use.
    if (this.#chunked && this.#length !== undefined) {
      throw new AnswerFault('both Content-Length and Transfer-Encoding')
    }
    // RFC 9112 §6.1: in HTTP/1.0 the framing is faulty, so the connection is not used again.
    if (this.#close || (this.#http10 && this.#chunked)) this.keepAlive = false
    return this
  }

  /** Switches on the length of the name first, which rules out most fields cheaply. */
  #take(name: string, value: string): void {
    switch (name.length) {
      case 7:
        if (name.toLowerCase() === 'upgrade') this.upgrade = value.toLowerCase()
        break
      case 10:
        this.#takeConnection(name.toLowerCase(), value.toLowerCase())
        break
      case 14:
        if (name.toLowerCase() === 'content-length') {
          this.#takeLength(name, value)
          return
        }
        break
      case 17:
        if (name.toLowerCase() === 'transfer-encoding') {
          // No other coding can be decoded, alone or before `chunked`.
          if (this.#chunked || value.toLowerCase() !== 'chunked') throw new AnswerFault('an unknown Transfer-Encoding')
          this.#chunked = true
        }
    }
    this.fields.push(name, value)
  }

  #takeConnection(name: string, value: string): void {
    if (name === 'connection') {
      for (const word of membersOf(value)) {
        if (word === 'close') this.#close = true
        else if (word === 'keep-alive') this.keepAlive = true
      }
    } else if (name === 'keep-alive') {
      const seconds = /(?:^|[\s,;])timeout=(\d{1,6})/.exec(value)?.[1]
      if (seconds !== undefined) this.idleTimeout = Number(seconds) * 1_000
    }
  }

  /** Equal lengths count as one (RFC 9110 §8.6), and are sent on once. */
  #takeLength(name: string, value: string): void {
    for (const digits of membersOf(value)) {
      const length = /^\d{1,16}$/.test(digits) ? Number(digits) : Number.NaN
      if (!Number.isSafeInteger(length)) throw new AnswerFault('an invalid Content-Length')
      if (this.#length === undefined) this.fields.push(name, String(length))
      else if (this.#length !== length) throw new AnswerFault('two different Content-Lengths')
      this.#length = length
    }
  }
}
