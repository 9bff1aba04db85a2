import type { Milliseconds } from '../../../shared/time/duration.ts'

/** Below the 5 s after which a Node upstream closes an idle connection: a request must not meet a closing one. */
const defaultTime: Milliseconds = 4_000
/** What an upstream says of its own time is believed less this, for the way, and up to the most. */
const wayTime: Milliseconds = 2_000
const longestTime: Milliseconds = 600_000

/** How long a connection has carried no request, and how long it may do so. Times are those of `performance.now()`. */
export class Idleness {
  #allowed = defaultTime
  #since = 0

  /** Begins; `told` is how long the upstream says that it waits. False: too short to be worth it. */
  begin(told: Milliseconds | undefined): boolean {
    this.#allowed = told === undefined ? defaultTime : Math.min(told - wayTime, longestTime)
    this.#since = performance.now()
    return this.#allowed > 0
  }

  lasted(now: Milliseconds): Milliseconds {
    return now - this.#since
  }

  /** Whether the upstream may have closed the connection by now. */
  expired(now: Milliseconds): boolean {
    return this.lasted(now) >= this.#allowed
  }
}
