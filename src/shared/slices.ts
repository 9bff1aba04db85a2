import { setImmediate as turn } from 'node:timers/promises'
import type { Milliseconds } from './time/duration.ts'

/** Long enough that turns cost nothing, short enough to go unnoticed. */
const longest: Milliseconds = 10

/** Splits long work on the main thread into slices, so that probes and restarts run in between. */
export class Slices {
  #since = performance.now()

  /** To be awaited before each step. Resolves at once within a slice, else after one turn of the event loop. */
  async next(): Promise<void> {
    if (performance.now() - this.#since < longest) return
    await turn()
    this.#since = performance.now()
  }

  /** Runs a generator that yields after each small step, and resolves with what it returns. */
  async of<T>(work: Generator<void, T>): Promise<T> {
    for (;;) {
      const { done, value } = work.next()
      if (done) return value
      await this.next()
    }
  }
}
