import type { Milliseconds } from '../../shared/duration.ts'

/** So many failures in a row take a target out. */
const tolerated = 3
/** For so long; then the next request tries it, and a failure takes it out again at once. */
const pause: Milliseconds = 10_000

/**
 * What the requests of this thread say of a target (passive health). Active checks notice a target that is gone before a
 * request does; this notices one that fails requests although its check passes.
 */
export class Standing {
  #failures = 0
  #outUntil = 0

  /** It answered, and not with a fault of its own. */
  answered(): void {
    this.#failures = 0
    this.#outUntil = 0
  }

  failed(): void {
    this.#failures += 1
    if (this.#failures >= tolerated) this.#outUntil = performance.now() + pause
  }

  /** Whether it should be left alone for now. */
  get out(): boolean {
    return this.#outUntil !== 0 && performance.now() < this.#outUntil
  }
}
