/** The open streams of a connection, by their ids. */

/** A power of two, above the number of streams of a connection at a time. */
const slots = 256

/**
 * Not a Map, which makes a new table for every few dozen streams and keeps what its old ones refer to alive. Ids
 * increase, so each has a slot; one whose slot is taken by a stream that lasts long is left out (RFC 9113 §5.1.1).
 */
export class StreamTable<T> {
  readonly #ids = new Int32Array(slots)
  readonly #streams: (T | undefined)[] = Array.from({ length: slots }, () => undefined)
  #last = -1

  /** The last id that was given; -1 before. */
  get last(): number {
    return this.#last
  }

  /** Gives the stream an odd id. There must be fewer than 256 streams, and ids up to 2^31. */
  add(stream: T): number {
    do this.#last += 2
    while (this.#streams[slotOf(this.#last)] !== undefined)
    const slot = slotOf(this.#last)
    this.#ids[slot] = this.#last
    this.#streams[slot] = stream
    return this.#last
  }

  get(id: number): T | undefined {
    const slot = slotOf(id)
    return this.#ids[slot] === id ? this.#streams[slot] : undefined
  }

  remove(id: number): void {
    const slot = slotOf(id)
    if (this.#ids[slot] === id) this.#streams[slot] = undefined
  }

  /** Those that are open at this moment. */
  all(): T[] {
    return this.#streams.filter((stream): stream is T & {} => stream !== undefined)
  }
}

function slotOf(id: number): number {
  return (id >> 1) & (slots - 1)
}
