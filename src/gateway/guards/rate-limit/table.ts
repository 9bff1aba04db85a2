/**
 * Counts requests per key and window, in memory that all gateway threads share: a table of fixed size, so that a flood
 * of keys cannot grow it. A key has one bucket of a few slots, whose lock is held while it is counted, so that limits
 * are exact across threads.
 */
import { randomBytes } from 'node:crypto'
import type { Milliseconds } from '../../../shared/time/duration.ts'
import { type Hash64, keyedHash } from './keyed-hash.ts'

const buckets = 8_192
const slotsOfBucket = 8
const slots = buckets * slotsOfBucket

const offset = { key: 0, locks: 8, hashes: 8 + 4 * buckets, counts: 8 + 4 * buckets + 8 * slots, ends: 0 }
offset.ends = offset.counts + 4 * slots

/**
 * A lock is held for less than a microsecond. One that is held for this long belongs to a thread that was terminated.
 */
const abandoned: Milliseconds = 1_000
const spins = 200

/** 1.3 MB of zeros after a secret key: for 65,536 keys at a time. Created once, by the main thread. */
export function createRateLimitMemory(): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(offset.ends + 8 * slots)
  new Uint8Array(memory).set(randomBytes(8), offset.key)
  return memory
}

export interface Allowance {
  /** Requests within each window. */
  readonly requests: number
  readonly window: Milliseconds
}

export class RateLimitTable {
  readonly #key: Hash64
  readonly #locks: Int32Array
  readonly #hashes: Int32Array
  readonly #counts: Int32Array
  /** When the window of each slot ends; 0: the slot was never used. */
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
   * Counts one request. 0: it is within the limit; else the milliseconds until the key's window ends. A window begins
   * with the first request of its key; refused requests are not counted.
   */
  take(key: string, { requests, window }: Allowance): Milliseconds {
    const bucket = this.#bucketOf(key)
    const token = this.#lock(bucket)
    const now = sharedNow()
    const slot = this.#slotFor(bucket, now)
    let wait = 0
    if (!this.#isOpen(slot, now)) this.#open(slot, now + window, 1)
    else if (this.#count(slot) >= requests) wait = this.#end(slot) - now
    else this.#counts[slot] = this.#count(slot) + 1
    this.#unlock(bucket, token)
    return wait
  }

  /** The milliseconds until an exhausted window ends; 0: it is not exhausted. Counts nothing. */
  left(key: string, { requests }: Allowance): Milliseconds {
    const bucket = this.#bucketOf(key)
    const token = this.#lock(bucket)
    const now = sharedNow()
    const slot = this.#slotFor(bucket, now)
    const left = this.#isOpen(slot, now) && this.#count(slot) >= requests ? this.#end(slot) - now : 0
    this.#unlock(bucket, token)
    return left
  }

  /** Takes over a count from the shared store, of a window that ends at `end` (`sharedNow`). */
  learn(key: string, count: number, end: Milliseconds): void {
    const bucket = this.#bucketOf(key)
    const token = this.#lock(bucket)
    const now = sharedNow()
    const slot = this.#slotFor(bucket, now)
    // Updates from several threads may arrive out of order.
    if (this.#isOpen(slot, now)) {
      this.#counts[slot] = Math.max(this.#count(slot), count)
      this.#ends[slot] = Math.max(this.#end(slot), end)
    } else if (end > now) this.#open(slot, end, count)
    this.#unlock(bucket, token)
  }

  #bucketOf(key: string): number {
    keyedHash(key, this.#key, this.#hash)
    return this.#hash.low & (buckets - 1)
  }

  /** The key's slot, or the one to evict. */
  #slotFor(bucket: number, now: Milliseconds): number {
    const first = bucket * slotsOfBucket
    let victim = first
    for (let slot = first; slot < first + slotsOfBucket; slot += 1) {
      if (this.#isOpen(slot, now)) return slot
      if (this.#isEvictedBefore(slot, victim, now)) victim = slot
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

  /**
   * Ended windows are evicted first, then the keys with the fewest requests: a flood of new keys evicts itself, not the
   * heavy ones.
   */
  #isEvictedBefore(slot: number, other: number, now: Milliseconds): boolean {
    const over = this.#end(slot) <= now
    if (over !== this.#end(other) <= now) return over
    return this.#count(slot) < this.#count(other)
  }

  #end(slot: number): Milliseconds {
    return this.#ends[slot] as number
  }

  #count(slot: number): number {
    return this.#counts[slot] as number
  }

  #lock(bucket: number): number {
    for (let tries = 1; ; tries += 1) {
      // The time it was taken, never 0, which is a free lock.
      const token = (Math.floor(sharedNow()) & 0x7fffffff) | 1
      const held = Atomics.compareExchange(this.#locks, bucket, 0, token)
      if (held === 0) return token
      if (timeFrom(held, token) > abandoned && this.#takeOver(bucket, held, token)) return token
      // The holder may be waiting for this CPU.
      if (tries % spins === 0) Atomics.wait(this.#locks, bucket, held, 1)
    }
  }

  #unlock(bucket: number, token: number): void {
    // Not if another thread took this one for dead and took over the lock.
    Atomics.compareExchange(this.#locks, bucket, token, 0)
  }

  #takeOver(bucket: number, held: number, token: number): boolean {
    return Atomics.compareExchange(this.#locks, bucket, held, token) === held
  }
}

/**
 * The time between two tokens, with wraparound of their 31 bits. Negative if this thread was preempted between reading
 * the clock and reading the lock, which another thread has taken meanwhile: then the lock is not abandoned.
 */
function timeFrom(held: number, token: number): Milliseconds {
  return ((token - held) << 1) >> 1
}

/** Milliseconds of a monotonic clock that is the same in every thread, unlike `performance.now()`. */
export function sharedNow(): Milliseconds {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1_000 + nanoseconds / 1_000_000
}
