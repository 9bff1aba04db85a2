/**
 * How often each key was seen in its window, in memory that all gateway threads share: a table of fixed size, so that no
 * flood of keys can grow it. A key has one bucket of a few slots; whoever counts holds the bucket's lock for that moment,
 * which makes a limit exact whichever threads its requests arrive at.
 */
import { randomBytes } from 'node:crypto'
import type { Milliseconds } from '../../../shared/time/duration.ts'
import { type Hash64, keyedHash } from './keyed-hash.ts'

const buckets = 8_192
const slotsOfBucket = 8
const slots = buckets * slotsOfBucket

const offset = { key: 0, locks: 8, hashes: 8 + 4 * buckets, counts: 8 + 4 * buckets + 8 * slots, ends: 0 }
offset.ends = offset.counts + 4 * slots

/** A lock is held for less than a microsecond. One that is held so long belongs to a thread that was ended meanwhile. */
const abandoned: Milliseconds = 1_000
const spins = 200

/** 1.3 MB of zeros with a secret key in front: for 65,536 keys at a time. Made once, by the main thread. */
export function createRateLimitMemory(): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(offset.ends + 8 * slots)
  new Uint8Array(memory).set(randomBytes(8), offset.key)
  return memory
}

export interface Allowance {
  /** So many within each window. */
  readonly requests: number
  readonly window: Milliseconds
}

export class RateLimitTable {
  readonly #key: Hash64
  readonly #locks: Int32Array
  readonly #hashes: Int32Array
  readonly #counts: Int32Array
  /** When the window of each slot is over; 0: the slot was never used. */
  readonly #ends: Float64Array
  readonly #hash: Hash64 = { high: 0, low: 0 }

  constructor(memory: SharedArrayBuffer) {
    const [low = 0, high = 0] = new Int32Array(memory, offset.key, 2)
    this.#key = { high, low }
    this.#locks = new Int32Array(memory, offset.locks, buckets)
    this.#hashes = new Int32Array(memory, offset.hashes, 2 * slots)
    this.#counts = new Int32Array(memory, offset.counts, slots)
    this.#ends = new Float64Array(memory, offset.ends, slots)
  }

  /**
   * Counts one request. 0: it is within the allowance; else the milliseconds until the key's window is over. A window begins
   * with the first request of its key; what is refused is not counted.
   */
  take(key: string, { requests, window }: Allowance): Milliseconds {
    const bucket = this.#bucketOf(key)
    const token = this.#lock(bucket)
    const now = sharedNow()
    const slot = this.#slotFor(bucket, now)
    let wait = 0
    if (!this.#isOpen(slot, now)) this.#open(slot, now + window, 1)
    else if (this.#times(slot) >= requests) wait = this.#end(slot) - now
    else this.#counts[slot] = this.#times(slot) + 1
    this.#unlock(bucket, token)
    return wait
  }

  /** The milliseconds until a window that is used up is over; 0: it is not. Counts nothing. */
  left(key: string, { requests }: Allowance): Milliseconds {
    const bucket = this.#bucketOf(key)
    const token = this.#lock(bucket)
    const now = sharedNow()
    const slot = this.#slotFor(bucket, now)
    const left = this.#isOpen(slot, now) && this.#times(slot) >= requests ? this.#end(slot) - now : 0
    this.#unlock(bucket, token)
    return left
  }

  /** Somebody else, who counts for more than this table, has seen a key so often in a window that ends then (`sharedNow`). */
  learn(key: string, count: number, end: Milliseconds): void {
    const bucket = this.#bucketOf(key)
    const token = this.#lock(bucket)
    const now = sharedNow()
    const slot = this.#slotFor(bucket, now)
    // Words of several threads may come in another order than they were said.
    if (this.#isOpen(slot, now)) {
      this.#counts[slot] = Math.max(this.#times(slot), count)
      this.#ends[slot] = Math.max(this.#end(slot), end)
    } else if (end > now) this.#open(slot, end, count)
    this.#unlock(bucket, token)
  }

  #bucketOf(key: string): number {
    keyedHash(key, this.#key, this.#hash)
    return this.#hash.low & (buckets - 1)
  }

  /** That of the key, or the one that is worth least. */
  #slotFor(bucket: number, now: Milliseconds): number {
    const first = bucket * slotsOfBucket
    let victim = first
    for (let slot = first; slot < first + slotsOfBucket; slot += 1) {
      if (this.#isOpen(slot, now)) return slot
      if (this.#isWorthLess(slot, victim, now)) victim = slot
    }
    return victim
  }

  /** Whether the key's window is the one in this slot. */
  #isOpen(slot: number, now: Milliseconds): boolean {
    const { high, low } = this.#hash
    return this.#hashes[2 * slot] === low && this.#hashes[2 * slot + 1] === high && this.#end(slot) > now
  }

  #open(slot: number, end: Milliseconds, count: number): void {
    this.#hashes[2 * slot] = this.#hash.low
    this.#hashes[2 * slot + 1] = this.#hash.high
    this.#ends[slot] = end
    this.#counts[slot] = count
  }

  /** Windows that are over go first. Then keys that were seen least: a flood of new ones pushes out itself, not the heavy ones. */
  #isWorthLess(slot: number, other: number, now: Milliseconds): boolean {
    const over = this.#end(slot) <= now
    if (over !== this.#end(other) <= now) return over
    return this.#times(slot) < this.#times(other)
  }

  #end(slot: number): Milliseconds {
    return this.#ends[slot] as number
  }

  #times(slot: number): number {
    return this.#counts[slot] as number
  }

  #lock(bucket: number): number {
    for (let tries = 1; ; tries += 1) {
      // When it was taken, as a number other than 0, which is a free lock.
      const token = (Math.floor(sharedNow()) & 0x7fffffff) | 1
      const held = Atomics.compareExchange(this.#locks, bucket, 0, token)
      if (held === 0) return token
      if (timeFrom(held, token) > abandoned && this.#takeOver(bucket, held, token)) return token
      // Its holder is waiting for a CPU, perhaps for this one.
      if (tries % spins === 0) Atomics.wait(this.#locks, bucket, held, 1)
    }
  }

  #unlock(bucket: number, token: number): void {
    // Not if another thread thought this one dead and took the lock.
    Atomics.compareExchange(this.#locks, bucket, token, 0)
  }

  #takeOver(bucket: number, held: number, token: number): boolean {
    return Atomics.compareExchange(this.#locks, bucket, held, token) === held
  }
}

/**
 * Between two tokens, over the end of their 31 bits. Negative, and no reason to take a lock from anybody, where this thread was put
 * aside between its look at the clock and its look at the lock, which another has taken meanwhile.
 */
function timeFrom(held: number, token: number): Milliseconds {
  return ((token - held) << 1) >> 1
}

/** Milliseconds of a clock that never jumps and is the same in every thread, as `performance.now()` is not. */
export function sharedNow(): Milliseconds {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1_000 + nanoseconds / 1_000_000
}
