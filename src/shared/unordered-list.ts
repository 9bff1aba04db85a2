/** What a list of this kind keeps: each object is in one such list at most. */
export interface Listed {
  /** Its place in the list; -1: in none. */
  place: number
}

/**
 * A set of objects that come and go all the time. A `Set` of them would cost a quarter of the CPU of a busy gateway: it
 * makes a new table for every few dozen additions, and a table that has become old, even if it is garbage, keeps all
 * that it refers to alive until the next full collection.
 */
export class UnorderedList<T extends Listed> {
  readonly #items: T[] = []

  get size(): number {
    return this.#items.length
  }

  add(item: T): void {
    item.place = this.#items.push(item) - 1
  }

  /** Nothing happens if it is not in the list. */
  remove(item: T): void {
    if (this.#items[item.place] !== item) return
    const last = this.#items.pop() as T
    if (last !== item) {
      this.#items[item.place] = last
      last.place = item.place
    }
    item.place = -1
  }

  /** Those that are in the list at this moment. */
  all(): T[] {
    return [...this.#items]
  }
}
