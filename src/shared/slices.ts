import { setImmediate as turn } from 'node:timers/promises'
import type { Milliseconds } from './time/duration.ts'

/** Long enough that turns cost nothing, and short enough that nobody notices a slice. */
const longest: Milliseconds = 10

/** Long work on the main thread in slices: whatever else is due there, such as a probe or a restart, comes in between. */
export class Slices {
  #since = performance.now()

  /** To be awaited before each step. Resolves at once while the slice lasts, else when all else that was due has been done. */
  async next(): Promise<void> {
    if (performance.now() - this.#since < longest) return
    await turn()
    this.#since = performance.now()
  }

  /** Does work that comes in small steps, and resolves with what it returns. */
  async of<T>(work: Generator<void, T>): Promise<T> {
    for (;;) {
      const { done, value } = work.next()
      if (done) return value
      await this.next()
    }
  }
}
