import type { Milliseconds } from '../../shared/time/duration.ts'

/** How long one run has been ready. Times are on the monotonic clock. */
export class ReadyTime {
  readonly #spawned: Milliseconds
  #first: Milliseconds | undefined
  #since: Milliseconds | undefined
  #longest = 0

  constructor(spawned: Milliseconds) {
    this.#spawned = spawned
  }

  begin(): void {
    this.#since ??= performance.now()
    this.#first ??= this.#since
  }

  /** `at`: when it answered last, if it has not since. */
  end(at: Milliseconds = performance.now()): void {
    if (this.#since === undefined) return
    this.#longest = Math.max(this.#longest, at - this.#since)
    this.#since = undefined
  }

  /** From the spawn until it was ready for the first time; undefined if it never was. */
  get start(): Milliseconds | undefined {
    return this.#first === undefined ? undefined : this.#first - this.#spawned
  }

  /** The longest uninterrupted time. */
  get longest(): Milliseconds {
    return this.#since === undefined ? this.#longest : Math.max(this.#longest, performance.now() - this.#since)
  }
}
