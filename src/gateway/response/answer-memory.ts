/** Buffer memory for the bodies of answers: bounded per connection and per thread. */
import type { Bytes } from '../../shared/bytes.ts'
import type { Exchange } from '../request/exchange.ts'

/** For one answer while there is enough memory; small buffers make a fast download a fifth more expensive. */
const large: Bytes = 256 * 1024
/** For one answer in any case, so that it progresses however many others are stalled. */
const small: Bytes = 16 * 1024
/** Lent in large buffers at most: to the streams of one h2 connection, and to all answers of a thread. */
const maxPerConnection: Bytes = 2 * 1024 * 1024
const maxPerThread: Bytes = 48 * 1024 * 1024

let lent: Bytes = 0
const lentTo = new WeakMap<object, Bytes>()

/** Held while an answer is sent. */
export interface Loan {
  readonly size: Bytes
  /** To be called once. */
  giveBack(): void
}

/**
 * How much of a body of this length may be read ahead of its client. A client that opens thousands of streams and reads
 * nothing (RFC 9113 §10.5) gets the small size for all but the first few.
 */
export function lendMemory({ connection }: Exchange, length: Bytes): Loan {
  const taken = lentTo.get(connection) ?? 0
  const enough = taken + large <= maxPerConnection && lent + large <= maxPerThread
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
