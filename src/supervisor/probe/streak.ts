import type { Milliseconds } from '../../shared/time/duration.ts'

/** Counts failed attempts in a row. */
export class Streak {
  /** The begin of the problem, as a predicate: `failed its ready check`. */
  readonly #verb: string
  readonly #limit: number
  #failures = 0
  #passedAt: Milliseconds = performance.now()
  #problem: string | undefined

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
    return this.#failures > 0 || this.#problem !== undefined ? this.#passedAt : undefined
  }

  /** The problem that stands until it passes an attempt; see `hold`. */
  get problem(): string | undefined {
    return this.#problem
  }

  /** Counts what an attempt found (undefined: passed); returns a problem once the limit is reached. */
  add(found: string | undefined): string | undefined {
    if (found === undefined) {
      this.#failures = 0
      this.#problem = undefined
      this.#passedAt = performance.now()
      return undefined
    }
    this.#failures += 1
    if (this.#failures < this.#limit) return undefined
    const often = this.#failures === 1 ? 'once' : `${this.#failures} times`
    return `${this.#verb} ${often}: ${found}`
  }

  /** Keeps this problem until it passes an attempt. */
  hold(problem: string): void {
    this.#problem = problem
  }

  /** Failures until now no longer count; a problem stands until it passes an attempt. */
  resetFailures(): void {
    this.#failures = 0
  }
}
