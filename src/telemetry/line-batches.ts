import type { Bytes } from '../shared/bytes.ts'

/** The part of the waiting lines that belongs to one of several writers. */
export interface Share {
  waiting: Bytes
}

/**
 * Writes a line that stands for a value into a buffer, from `at` on. Returns where it ends, or a negative number if the
 * line has to be given as a string instead.
 */
export type Encode<Value> = (value: Value, buffer: Uint8Array, at: number) => number

/** Lines that are written together. */
interface Batch {
  readonly buffer: Buffer
  /** What is not written yet begins and ends here. */
  start: Bytes
  end: Bytes
  shares: { readonly share: Share; readonly bytes: Bytes }[] | undefined
}

/** Kept for the next lines, since an allocation costs as much as several lines. */
const spareLimit: Bytes = 128 * 1024

/**
 * Lines, with their line feeds, waiting for a file descriptor. They are encoded as they come, into the buffers that are
 * written: a busy gateway would otherwise keep thousands of strings, and measure and copy each of them several times.
 */
export class LineBatches {
  readonly #size: Bytes
  readonly #batches: Batch[] = []
  readonly #spares: Buffer[] = []
  #waiting: Bytes = 0

  /** `size`: the most that is written at once, unless a single line is longer. */
  constructor(size: Bytes) {
    this.#size = size
  }

  /** Bytes that are not written yet. */
  get waiting(): Bytes {
    return this.#waiting
  }

  push(line: string, share?: Share): void {
    const last = this.#batches.at(-1)
    const batch =
      last && fits(line, roomOf(last)) ? last : this.#open(fits(line, this.#size) ? 0 : Buffer.byteLength(line))
    const bytes = batch.buffer.write(line, batch.end)
    batch.end += bytes
    this.#waiting += bytes
    if (!share) return
    share.waiting += bytes
    batch.shares ??= []
    batch.shares.push({ share, bytes })
  }

  /** A line of at most `most` bytes, without a string; false if it has to be given as one. */
  encode<Value>(value: Value, most: Bytes, encode: Encode<Value>): boolean {
    const last = this.#batches.at(-1)
    const batch = last && most <= roomOf(last) ? last : this.#open(most)
    const end = encode(value, batch.buffer, batch.end)
    if (end < 0) {
      if (batch !== last) {
        this.#batches.pop()
        this.#keep(batch)
      }
      return false
    }
    this.#waiting += end - batch.end
    batch.end = end
    return true
  }

  /**
   * What is to be written next; undefined if nothing waits. More lines may follow it in its buffer, even while it is
   * being written.
   */
  get first(): { readonly buffer: Buffer; readonly start: Bytes; readonly end: Bytes } | undefined {
    return this.#batches[0]
  }

  /** So many bytes of the first batch are written. */
  written(bytes: Bytes): void {
    const batch = this.#batches[0]
    if (!batch) return
    batch.start += bytes
    this.#waiting -= bytes
    if (batch.start < batch.end) return
    for (const { share, bytes } of batch.shares ?? []) share.waiting -= bytes
    this.#batches.shift()
    this.#keep(batch)
  }

  /** A new batch for a line of so many bytes, and those that follow it. */
  #open(bytes: Bytes): Batch {
    const size = Math.max(bytes, this.#size)
    const buffer = (size === this.#size && this.#spares.pop()) || Buffer.allocUnsafeSlow(size)
    const batch: Batch = { buffer, start: 0, end: 0, shares: undefined }
    this.#batches.push(batch)
    return batch
  }

  /** Keeps the buffer of a batch that is done with for the next one. */
  #keep({ buffer }: Batch): void {
    if (buffer.length === this.#size && this.#spares.length * this.#size < spareLimit) this.#spares.push(buffer)
  }
}

function roomOf({ buffer, end }: Batch): Bytes {
  return buffer.length - end
}

/** Whether a line has at most so many bytes. A character takes up to three; they are counted only where it matters. */
export function fits(line: string, room: Bytes): boolean {
  return line.length * 3 <= room || (line.length <= room && Buffer.byteLength(line) <= room)
}
