/** Memory in which the bodies of answers wait for their clients: bounded for a connection, and for all of a thread. */
import type { Bytes } from '../../shared/bytes.ts'
import type { Exchange } from '../request/exchange.ts'

/** What one answer gets while there is enough; small pieces cost a fast download a fifth more. */
const large: Bytes = 256 * 1024
/** What it gets in any case: it must go on, however many stand still. */
const small: Bytes = 16 * 1024
/** So much is lent in large pieces to the streams of one h2 connection, and to all answers of a thread. */
const ofConnection: Bytes = 2 * 1024 * 1024
const ofThread: Bytes = 48 * 1024 * 1024

let lent: Bytes = 0
const lentTo = new WeakMap<object, Bytes>()

/** For the time that an answer takes. */
export interface Loan {
  readonly size: Bytes
  /** To be called once. */
  giveBack(): void
}

/**
 * How much of a body of this length may be read ahead of its client. A client that opens thousands of streams and takes nothing
 * (RFC 9113 §10.5) holds the small size for each, beyond the first few.
 */
export function lendMemory({ connection }: Exchange, length: Bytes): Loan {
  const taken = lentTo.get(connection) ?? 0
  const enough = taken + large <= ofConnection && lent + large <= ofThread
  const size = Math.min(length, enough ? large : small)
  lent += size
  lentTo.set(connection, taken + size)
  return {
    size,
    giveBack() {
      lent -= size
      lentTo.set(connection, (lentTo.get(connection) ?? 0) - size)
    },
  }
}
