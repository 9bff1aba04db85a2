import type { Bytes } from '../../shared/bytes.ts'
import type { FaultOf } from './fault.ts'

const LF = 0x0a
const CR = 0x0d
const emptyLine = Buffer.from('\r\n\r\n')

/** Collects lines up to an empty one (a head or trailers) from the pieces in which they arrive. */
export class Section {
  readonly #limit: Bytes
  readonly #what: string
  readonly #fault: FaultOf
  /** The complete section as latin1, with its empty line; undefined before. */
  text: string | undefined
  #before: Buffer | undefined

  /** `take` throws a fault beyond `limit`; `what` names the section in the message. */
  constructor(limit: Bytes, what: string, fault: FaultOf) {
    this.#limit = limit
    this.#what = what
    this.#fault = fault
  }

  /** Starts the next section. */
  begin(): void {
    this.text = undefined
    this.#before = undefined
  }

  /** The bytes of an incomplete section so far, of which nothing may be changed. */
  get incomplete(): Buffer | undefined {
    return this.#before
  }

  /** Returns where it stopped: after the section, or at the end of the bytes. */
  take(bytes: Buffer, start: number): number {
    const before = this.#before
    const known = before?.length ?? 0
    // The rest of a section is at the beginning of the next bytes.
    const joined = before ? Buffer.concat([before, bytes]) : bytes
    const from = before ? 0 : start
    const end = endOf(joined, from, known)
    if ((end === -1 ? joined.length : end) - from > this.#limit) {
      throw this.#fault(`${this.#what} are longer than the limit of ${this.#limit} bytes`, 'too-long')
    }
    if (end !== -1) {
      this.text = joined.toString('latin1', from, end)
      this.#before = undefined
      return start + (end - from) - known
    }
    this.#judge(joined, from)
    // Copied, since the buffer is reused.
    this.#before = before ? joined : Buffer.from(joined.subarray(from))
    return bytes.length
  }

  /** Refuses malformed lines at once, and not only when the section is complete. */
  #judge(bytes: Buffer, start: number): void {
    for (let at = bytes.indexOf(LF, start); at !== -1; at = bytes.indexOf(LF, at + 1)) {
      // A section is the first thing, or follows an LF.
      if (bytes[at - 1] !== CR) throw this.#fault(`${this.#what} have a line that ends without CR`)
    }
  }
}

/**
 * Where the section ends, after its empty line; -1: not within these bytes, of which the first `known` were checked.
 */
function endOf(bytes: Buffer, start: number, known: number): number {
  // An empty section is an empty line.
  if (bytes[start] === CR && bytes[start + 1] === LF) return start + 2
  const found = bytes.indexOf(emptyLine, start + Math.max(0, known - 3))
  return found === -1 ? -1 : found + 4
}
