/**
 * What was used lately, bounded by weight. Two maps instead of a list in the order of use: what is used moves to the young
 * one; when that has half the budget, it becomes the old one, and what was in the old one and was not used is let go. So a
 * flood of keys that are asked for once pushes out nothing that is asked for all the time.
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

  /** Keeps the value in place of the one before. */
  set(key: string, value: V, weight: number): void {
    this.delete(key)
    this.#put(key, { value, weight })
  }

  /** The value of this key has become so much heavier; one that was let go in the meantime stays so. */
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
    // What outweighs everything else would only push it out.
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
