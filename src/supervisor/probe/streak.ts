import type { Milliseconds } from '../../shared/time/duration.ts'

/** Counts failed attempts in a row. */
export class Streak {
  /** The begin of the complaint, as a predicate: `failed its ready check`. */
  readonly #verb: string
  readonly #limit: number
  #failures = 0
  #passedAt: Milliseconds = performance.now()
  #complaint: string | undefined

  constructor(verb: string, limit: number) {
    this.#verb = verb
    this.#limit = limit
  }

  /** The last attempt failed, though the limit may not be reached yet. */
  get inDoubt(): boolean {
    return this.#failures > 0
  }

  /** If it has failed since: when it passed last (monotonic), or when it was spawned. */
  get silentSince(): Milliseconds | undefined {
    return this.#failures > 0 || this.#complaint !== undefined ? this.#passedAt : undefined
  }

  /** The complaint that stands until it passes an attempt; see `hold`. */
  get complaint(): string | undefined {
    return this.#complaint
  }

  /** Counts what an attempt found (undefined: passed); returns a complaint once the limit is reached. */
  add(found: string | undefined): string | undefined {
    if (found === undefined) {
      this.#failures = 0
      this.#complaint = undefined
      this.#passedAt = performance.now()
      return undefined
    }
    this.#failures += 1
    if (this.#failures < this.#limit) return undefined
    const often = this.#failures === 1 ? 'once' : `${this.#failures} times`
    return `${this.#verb} ${often}: ${found}`
  }

  /** Keeps this complaint until it passes an attempt. */
  hold(complaint: string): void {
    this.#complaint = complaint
  }

  /** Failures until now no longer count; a complaint stands until it passes an attempt. */
  resetFailures(): void {
    this.#failures = 0
  }
}
