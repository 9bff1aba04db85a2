/** What has the id of a stream. */
interface Identified {
  readonly stream: { readonly id: number }
}

/**
 * The open streams of a connection. Clients open them in the order of their ids (RFC 9113 §5.1.1), so an array stays
 * sorted. A Map that streams enter and leave all the time would keep closed ones alive; see shared/unordered-list.ts.
 */
export class OpenStreams<T extends Identified> {
  readonly #sorted: T[] = []

  get size(): number {
    return this.#sorted.length
  }

  /** Its id must be above those of all that were added before. */
  add(one: T): void {
    this.#sorted.push(one)
  }

  get(id: number): T | undefined {
    const at = this.#search(id)
    return at === -1 ? undefined : this.#sorted[at]
  }

  delete(id: number): void {
    const at = this.#search(id)
    if (at === -1) return
    this.#sorted.copyWithin(at, at + 1)
    this.#sorted.pop()
  }

  /** Those that are open at this moment. */
  all(): T[] {
    return [...this.#sorted]
  }

  /** -1: not there. */
  #search(id: number): number {
    let [low, high] = [0, this.#sorted.length - 1]
    while (low <= high) {
      const middle = (low + high) >> 1
      const found = (this.#sorted[middle] as T).stream.id
      if (found === id) return middle
      if (found < id) low = middle + 1
      else high = middle - 1
    }
    return -1
  }
}
