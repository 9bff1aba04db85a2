/** A body in chunks (RFC 9112 §7.1), with its trailers. */
import type { Bytes } from '../../shared/bytes.ts'
import type { FaultOf } from './fault.ts'
import { readFields } from './fields.ts'
import { Section } from './section.ts'

/** The line before a chunk: its size and extensions, which are ignored. */
const longestLine: Bytes = 4_096

const CR = 0x0d
const LF = 0x0a

type State = 'size' | 'blanks' | 'extension' | 'size-lf' | 'data' | 'data-cr' | 'data-lf' | 'trailers'

export class ChunkedBody {
  readonly #trailers: Section
  readonly #fault: FaultOf
  readonly #strict: boolean
  /** Set once the body is complete. */
  trailers: readonly string[] | undefined
  #state: State = 'size'
  #digits = 0
  /** Bytes so far of the line before a chunk. */
  #line = 0
  /** Bytes left of the chunk. */
  #left = 0

  /**
   * `limit`: the longest trailer section. `strict`: no whitespace after a chunk's size, which some servers pad, and no
   * trailer that frames the message.
   */
  constructor(limit: Bytes, fault: FaultOf, strict: boolean) {
    this.#strict = strict
    this.#trailers = new Section(limit, 'its trailers', fault)
    this.#fault = fault
  }

  /** Appends the pieces of the body to `pieces`; returns where it stopped: at the end of the bytes, or of the body. */
  take(bytes: Buffer, start: number, pieces: Buffer[]): number {
    let at = start
    while (at < bytes.length && this.trailers === undefined) {
      if (this.#state === 'data') {
        const end = Math.min(bytes.length, at + this.#left)
        pieces.push(bytes.subarray(at, end))
        this.#left -= end - at
        at = end
        if (this.#left === 0) this.#state = 'data-cr'
      } else if (this.#state === 'trailers') {
        at = this.#takeTrailers(bytes, at)
      } else {
        this.#step(bytes[at] as number)
        at += 1
      }
    }
    return at
  }

  #takeTrailers(bytes: Buffer, at: number): number {
    const end = this.#trailers.take(bytes, at)
    if (this.#trailers.text === undefined) return end
    const trailers = readFields(this.#trailers.text, 'its trailers', this.#fault)
    if (this.#strict && trailers.some((name, i) => i % 2 === 0 && /^(?:content-length|transfer-encoding)$/i.test(name)))
      throw this.#fault('a trailer that frames the message')
    this.trailers = trailers
    return end
  }

  /** One byte between chunks. */
  #step(byte: number): void {
    switch (this.#state) {
      case 'size':
        if (this.#takeDigit(byte)) return
        if (this.#digits === 0) throw this.#fault('a chunk without a size')
        this.#behindSize(byte)
        return
      case 'blanks':
        this.#behindSize(byte)
        return
      case 'extension':
        this.#countLine()
        if (byte === CR) this.#state = 'size-lf'
        else if ((byte < 0x20 && byte !== 0x09) || byte === 0x7f) {
          throw this.#fault('a control character in a chunk extension')
        }
        return
      case 'size-lf':
        if (byte !== LF) throw this.#fault('a chunk size whose line does not end with CRLF')
        this.#state = this.#left === 0 ? 'trailers' : 'data'
        return
      case 'data-cr':
        if (byte !== CR) throw this.#fault('a chunk longer than its size')
        this.#state = 'data-lf'
        return
      case 'data-lf':
        if (byte !== LF) throw this.#fault('a chunk longer than its size')
        this.#state = 'size'
        this.#digits = 0
        this.#line = 0
        this.#left = 0
    }
  }

  /**
   * Whitespace after the size is bad, but common (RFC 9112 §7.1.1: BWS before an extension; some servers pad the size).
   */
  #behindSize(byte: number): void {
    this.#countLine()
    if (byte === CR) this.#state = 'size-lf'
    else if (byte === 0x3b) this.#state = 'extension'
    else if ((byte === 0x20 || byte === 0x09) && !this.#strict) this.#state = 'blanks'
    else throw this.#fault('an invalid chunk size')
  }

  #countLine(): void {
    this.#line += 1
    if (this.#line > longestLine)
      throw this.#fault(`a chunk extension of more than ${longestLine} bytes`, 'extension-too-long')
  }

  #takeDigit(byte: number): boolean {
    const digit = hexadecimal(byte)
    if (digit === -1) return false
    this.#digits += 1
    this.#left = this.#left * 16 + digit
    // The number of digits is bounded as well: leading zeros could be endless.
    if (this.#digits > 16 || this.#left > Number.MAX_SAFE_INTEGER) throw this.#fault('a chunk size that is too large')
    return true
  }
}

function hexadecimal(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const letter = byte | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}
