import type { Socket } from 'node:net'
import type { Log } from '../../shared/log.ts'
import { isOfReserve } from '../../shared/system/descriptors.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { sleep as pause } from '../../shared/time/timer.ts'

/** How often it is said at most that connections are refused: a flood must not flood the log too. */
const sayEvery = 10_000

/** The first request follows a connection at once, and is on its way when that is accepted. */
const firstRequest: Milliseconds = 100

/** The connections of one thread, over all its listeners. Those beyond the limit are refused at once. */
export class Connections {
  limit = Number.POSITIVE_INFINITY
  readonly #log: Log
  #open = 0
  #refused = 0
  #lastAdmitted = Number.NEGATIVE_INFINITY
  #said = Number.NEGATIVE_INFINITY

  constructor(log: Log) {
    this.#log = log
  }

  /** Counts the connection until it is closed; false if it was refused and is gone. */
  admit(socket: Socket): boolean {
    if (this.#open >= this.limit) {
      this.#refuse(socket, `${this.#open} are open, the limit of this thread`)
      return false
    }
    if (isOfReserve(socket)) {
      this.#refuse(socket, 'hardly any descriptors are left (raise the limit of open files, `ulimit -n`)')
      return false
    }
    this.#open += 1
    this.#lastAdmitted = performance.now()
    socket.once('close', () => {
      this.#open -= 1
    })
    return true
  }

  /** Until the latest connection had the time to say what it wants. */
  async firstRequests(): Promise<void> {
    const left = this.#lastAdmitted + firstRequest - performance.now()
    if (left > 0) await pause(left)
  }

  #refuse(socket: Socket, why: string): void {
    this.#refused += 1
    // A reset leaves nothing behind; an orderly close would keep the port in TIME_WAIT.
    socket.resetAndDestroy()
    const now = performance.now()
    if (now - this.#said < sayEvery) return
    this.#said = now
    this.#log.warn(`connections are refused: ${why} (${this.#refused} so far)`)
  }
}
