import type { Milliseconds } from '../../../shared/time/duration.ts'
import { setTimeout } from '../../../shared/time/timer.ts'

/**
 * A timeout that is set for every request. Its one timer is restarted only when it has fired, or would fire too late.
 */
export class Deadline {
  readonly #passed: () => void
  #due = Number.POSITIVE_INFINITY
  #timer: NodeJS.Timeout | undefined
  #timerDue = 0

  /** `passed` is called when the time is over, with the deadline off. */
  constructor(passed: () => void) {
    this.#passed = passed
  }

  set(timeout: Milliseconds): void {
    this.#due = performance.now() + timeout
    if (this.#timer && this.#timerDue <= this.#due) return
    clearTimeout(this.#timer)
    this.#start(timeout)
  }

  off(): void {
    this.#due = Number.POSITIVE_INFINITY
  }

  /** For good. */
  destroy(): void {
    this.off()
    clearTimeout(this.#timer)
  }

  #start(timeout: Milliseconds): void {
    this.#timerDue = this.#due
    this.#timer = setTimeout(this.#onTimer, timeout).unref()
  }

  #onTimer = (): void => {
    this.#timer = undefined
    if (this.#due === Number.POSITIVE_INFINITY) return
    const left = this.#due - performance.now()
    if (left > 0) {
      this.#start(Math.ceil(left))
      return
    }
    this.off()
    this.#passed()
  }
}
