/**
 * A cache of recently used values, bounded by weight. It has two maps instead of a list in the order of use: used
 * entries move to the young map; when that has reached half the budget, it becomes the old map, and entries of the
 * former old map that were not used are dropped. So a flood of keys that are used once evicts nothing that is in
 * constant use.
 */
export class Recent<V> {
  readonly #half: number
  #young = new Map<string, Weighed<V>>()
  #old = new Map<string, Weighed<V>>()
  #youngWeight = 0

  /** `budget` in bytes. */
  constructor(budget: number) {
    this.#half = budget / 2
  }

  get(key: string): V | undefined {
    const young = this.#young.get(key)
    if (young) return young.value
    const old = this.#old.get(key)
    if (!old) return undefined
    this.#old.delete(key)
    this.#put(key, old)
    return old.value
  }

  /** Replaces the value. */
  set(key: string, value: V, weight: number): void {
    this.delete(key)
    this.#put(key, { value, weight })
  }

  /** Adds to the weight of an entry, if it is still there. */
  grow(key: string, weight: number): void {
    const kept = this.#young.get(key) ?? this.#old.get(key)
    if (kept) this.set(key, kept.value, kept.weight + weight)
  }

  delete(key: string): void {
    this.#youngWeight -= this.#young.get(key)?.weight ?? 0
    this.#young.delete(key)
    this.#old.delete(key)
  }

  #put(key: string, weighed: Weighed<V>): void {
    // It would evict everything else.
    if (weighed.weight > this.#half) return
    if (this.#youngWeight + weighed.weight > this.#half) {
      this.#old = this.#young
      this.#young = new Map()
      this.#youngWeight = 0
    }
    this.#young.set(key, weighed)
    this.#youngWeight += weighed.weight
  }
}

interface Weighed<V> {
  readonly value: V
  readonly weight: number
}
