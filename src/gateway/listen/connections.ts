import type { Socket } from 'node:net'
import type { Log } from '../../shared/log.ts'
import { isOfReserve } from '../../shared/system/descriptors.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { sleep as pause } from '../../shared/time/timer.ts'

/** Warns at most this often, so that a flood of connections does not flood the log too. */
const warnEvery: Milliseconds = 10_000

/** The first request usually follows its connection within this time. */
const firstRequestTime: Milliseconds = 100

/** The connections of one thread, over all its listeners. Those beyond the limit are refused at once. */
export class Connections {
  limit = Number.POSITIVE_INFINITY
  readonly #log: Log
  #open = 0
  #refused = 0
  #lastAdmitted = Number.NEGATIVE_INFINITY
  #warned = Number.NEGATIVE_INFINITY

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
      this.#refuse(socket, 'hardly any file descriptors are left (raise the limit of open files, `ulimit -n`)')
      return false
    }
    this.#open += 1
    this.#lastAdmitted = performance.now()
    socket.once('close', () => {
      this.#open -= 1
    })
    return true
  }

  /** Waits until the latest connection had time to send its first request. */
  async firstRequests(): Promise<void> {
    const left = this.#lastAdmitted + firstRequestTime - performance.now()
    if (left > 0) await pause(left)
  }

  #refuse(socket: Socket, why: string): void {
    this.#refused += 1
    // A reset leaves no state behind; an orderly close would leave the port in TIME_WAIT.
    socket.resetAndDestroy()
    const now = performance.now()
    if (now - this.#warned < warnEvery) return
    this.#warned = now
    this.#log.warn(`refusing connections: ${why} (${this.#refused} so far)`)
  }
}
