import type { Milliseconds } from '../../shared/time/duration.ts'

/** Failed attempts in a row. */
export class Streak {
  /** Continues what is said of the process: `failed its ready check`. */
  readonly #verb: string
  readonly #limit: number
  #failures = 0
  #wellAt: Milliseconds = performance.now()
  #complaint: string | undefined

  constructor(verb: string, limit: number) {
    this.#verb = verb
    this.#limit = limit
  }

  /** The last attempt failed, but not yet so many that something follows from it. */
  get inDoubt(): boolean {
    return this.#failures > 0
  }

  /** When it answered last (monotonic), if it has failed since; before any answer, when it was spawned. */
  get silentSince(): Milliseconds | undefined {
    return this.#failures > 0 || this.#complaint !== undefined ? this.#wellAt : undefined
  }

  /** What is held against it until it answers again; see `hold`. */
  get complaint(): string | undefined {
    return this.#complaint
  }

  /** Takes in what an attempt found, undefined if all was well; returns what to complain of once the limit is reached. */
  add(found: string | undefined): string | undefined {
    if (found === undefined) {
      this.#failures = 0
      this.#complaint = undefined
      this.#wellAt = performance.now()
      return undefined
    }
    this.#failures += 1
    if (this.#failures < this.#limit) return undefined
    const often = this.#failures === 1 ? 'once' : `${this.#failures} times`
    return `${this.#verb} ${often}: ${found}`
  }

  hold(complaint: string): void {
    this.#complaint = complaint
  }

  /** What has failed does not count any more; what was held against it stays until it answers. */
  countAnew(): void {
    this.#failures = 0
  }
}
