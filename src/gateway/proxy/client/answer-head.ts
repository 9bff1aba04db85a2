/** A strict parser for the heads of answers: the status line and the fields (RFC 9112 §4 and §5). */
import type { Milliseconds } from '../../../shared/time/duration.ts'
import { AnswerFault } from './faults.ts'

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
/**
 * RFC 9110 §5.6.2. No space before the colon, and none before the name, which would be a folded line (RFC 9112 §5.2).
 */
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** Control characters, and any CR or LF on its own (RFC 9110 §5.5, RFC 9112 §2.2). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it matches control characters
const forbidden = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?<!\r)\n/

/** Reads a head, up to and with the empty line that ends it. Throws an AnswerFault. */
export function readAnswerHead(text: string): AnswerHead {
  if (forbidden.test(text)) throw new AnswerFault('a control character in its head')
  const lineEnd = text.indexOf('\r\n')
  const line = statusLine.exec(text.slice(0, lineEnd))
  if (!line) throw new AnswerFault(`it begins with ${JSON.stringify(text.slice(0, Math.min(lineEnd, 40)))}`)
  return new HeadReader(Number(line[2]), line[1] === '0').read(text, lineEnd + 2)
}

/** Reads fields, one per line, up to and with an empty line. Throws an AnswerFault. */
export function readTrailers(text: string): readonly string[] {
  if (forbidden.test(text)) throw new AnswerFault('a control character in its trailers')
  const fields: string[] = []
  eachField(text, 0, (name, value) => fields.push(name, value))
  return fields
}

function eachField(text: string, start: number, visit: (name: string, value: string) => void): void {
  const end = text.length - 2
  let at = start
  while (at < end) {
    const lineEnd = text.indexOf('\r\n', at)
    const colon = text.indexOf(':', at)
    // Without a colon in its line, the name has the CR of the line's end.
    const name = text.slice(at, colon)
    if (!token.test(name)) {
      throw new AnswerFault(`the line ${JSON.stringify(text.slice(at, Math.min(lineEnd, at + 40)))} is no header field`)
    }
    visit(name, trimmed(text, colon + 1, lineEnd))
    at = lineEnd + 2
  }
}

/** The members of a list (RFC 9110 §5.6.1). */
function membersOf(value: string): string[] {
  return value.split(',').map((member) => trimmed(member, 0, member.length))
}

/** Strips the whitespace around a value (RFC 9110 §5.5). Not `trim()`, which also strips some bytes above 0x7f. */
function trimmed(text: string, start: number, end: number): string {
  let from = start
  let to = end
  while (from < to && isBlank(text.charCodeAt(from))) from += 1
  while (to > from && isBlank(text.charCodeAt(to - 1))) to -= 1
  return text.slice(from, to)
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
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
    eachField(text, start, (name, value) => this.#take(name, value))
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
