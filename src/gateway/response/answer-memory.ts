/** Buffer memory for the bodies of answers: bounded per connection and per thread. */
import type { Bytes } from '../../shared/bytes.ts'
import type { Exchange } from '../request/exchange.ts'

/** For one answer while there is enough memory; small buffers make a fast download a fifth more expensive. */
const large: Bytes = 256 * 1024
/** For one answer in any case, so that it progresses however many others are stalled. */
const small: Bytes = 16 * 1024
/** Leased in large buffers at most: to the streams of one h2 connection, and to all answers of a thread. */
const maxPerConnection: Bytes = 2 * 1024 * 1024
const maxPerThread: Bytes = 48 * 1024 * 1024

let leased: Bytes = 0
const leasedTo = new WeakMap<object, Bytes>()

/** Held while an answer is sent. */
export interface MemoryLease {
  readonly size: Bytes
  /** To be called once. */
  release(): void
}

/**
 * How much of a body of this length may be read ahead of its client. A client that opens thousands of streams and reads
 * nothing (RFC 9113 §10.5) gets the small size for all but the first few.
 */
export function leaseMemory({ connection }: Exchange, length: Bytes): MemoryLease {
  const taken = leasedTo.get(connection) ?? 0
  const enough = taken + large <= maxPerConnection && leased + large <= maxPerThread
  const size = Math.min(length, enough ? large : small)
  leased += size
  leasedTo.set(connection, taken + size)
  return {
    size,
    release() {
      leased -= size
      leasedTo.set(connection, (leasedTo.get(connection) ?? 0) - size)
    },
  }
}
