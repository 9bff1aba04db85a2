/**
 * How often each key was seen in its window, in memory that all gateway threads share: a table of fixed size, so that no
 * flood of keys can grow it. A key has one bucket of a few slots; whoever counts holds the bucket's lock for that moment,
 * which makes a limit exact whichever threads its requests arrive at.
 */
import { randomBytes } from 'node:crypto'
import type { Milliseconds } from '../../../shared/duration.ts'
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
  take(key: string, allowance: Allowance): Milliseconds {
    keyedHash(key, this.#key, this.#hash)
    const bucket = this.#hash.low & (buckets - 1)
    const token = this.#lock(bucket)
    const wait = this.#count(bucket, allowance)
    // Not if another thread thought this one dead and took the lock.
    Atomics.compareExchange(this.#locks, bucket, token, 0)
    return wait
  }

  #count(bucket: number, { requests, window }: Allowance): Milliseconds {
    const { high, low } = this.#hash
    const now = sharedNow()
    const first = bucket * slotsOfBucket
    let victim = first
    for (let slot = first; slot < first + slotsOfBucket; slot += 1) {
      if (this.#hashes[2 * slot] === low && this.#hashes[2 * slot + 1] === high && this.#end(slot) > now) {
        if (this.#times(slot) >= requests) return this.#end(slot) - now
        this.#counts[slot] = this.#times(slot) + 1
        return 0
      }
      if (this.#isWorthLess(slot, victim, now)) victim = slot
    }
    this.#hashes[2 * victim] = low
    this.#hashes[2 * victim + 1] = high
    this.#ends[victim] = now + window
    this.#counts[victim] = 1
    return 0
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
      if (((token - held) & 0x7fffffff) > abandoned && this.#takeOver(bucket, held, token)) return token
      // Its holder is waiting for a CPU, perhaps for this one.
      if (tries % spins === 0) Atomics.wait(this.#locks, bucket, held, 1)
    }
  }

  #takeOver(bucket: number, held: number, token: number): boolean {
    return Atomics.compareExchange(this.#locks, bucket, held, token) === held
  }
}

/** Milliseconds of a clock that never jumps and is the same in every thread, as `performance.now()` is not. */
function sharedNow(): Milliseconds {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1_000 + nanoseconds / 1_000_000
}
