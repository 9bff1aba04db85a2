import type { Milliseconds } from '../../../shared/time/duration.ts'

/** Below the 5 s after which a Node upstream closes an idle connection: a request must not meet a closing one. */
const defaultTimeout: Milliseconds = 4_000
/** Subtracted from the timeout that an upstream announces, for latency. */
const margin: Milliseconds = 2_000
const maxTimeout: Milliseconds = 600_000

/** How long a connection has been idle, and how long it may be. Times are those of `performance.now()`. */
export class Idleness {
  #allowed = defaultTimeout
  #since = 0

  /**
   * The connection is idle from now on; `announced`: the upstream's own timeout. False: too short to keep the
   * connection.
   */
  begin(announced: Milliseconds | undefined): boolean {
    this.#allowed = announced === undefined ? defaultTimeout : Math.min(announced - margin, maxTimeout)
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
