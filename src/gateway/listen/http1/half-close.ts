/**
 * h1 clients that end their side of the connection before they have their answer. Such an end does not say whether they
 * still read (`shutdown`) or are gone (`close`); that shows when they get the next bytes
 * (docs/adr/0017-h1-connections.md).
 */
import type { Socket } from 'node:net'
import type { Milliseconds } from '../../../shared/time/duration.ts'
import { setInterval } from '../../../shared/time/timer.ts'
import type { Http1Connection } from './connection.ts'

/** How often sockets are checked for a reset. */
const checkEvery: Milliseconds = 200
/** How long after the client's end it is probed whether it still reads. */
const probeAfter: Milliseconds = 1_000

/** Where Node keeps the connection below TLS. */
interface Layered {
  readonly _parent?: Socket | null
}

interface Ended {
  readonly at: Milliseconds
  probed: boolean
}

export class HalfClosed {
  readonly #connections = new Map<Http1Connection, Ended>()
  #timer: NodeJS.Timeout | undefined

  /** Checks the connection from now on, while an answer is in flight. */
  watch(connection: Http1Connection): void {
    this.#connections.set(connection, { at: performance.now(), probed: false })
    this.#timer ??= setInterval(() => this.#check(), checkEvery).unref()
  }

  #check(): void {
    const now = performance.now()
    for (const [connection, ended] of this.#connections) {
      const { socket, answer } = connection
      if (socket.destroyed || !answer) {
        this.#connections.delete(connection)
        continue
      }
      // An empty write sends nothing, but fails after a reset, which reading no longer reports once the client has
      // ended.
      const wire = (socket as Layered)._parent ?? socket
      wire.write('')
      if (ended.probed || now - ended.at < probeAfter) continue
      ended.probed = true
      answer.probe()
    }
    if (this.#connections.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
