import type { Socket } from 'node:net'
import type { Bytes } from '../../../shared/bytes.ts'
import { inTurn, mayContinue } from '../../response/fair-turns.ts'

/** Pauses the reading of a connection while its client is slower, and until it is its turn (fair-turns.ts). */
export class FairReading {
  readonly #socket: Socket
  #paused = false
  #held = false

  constructor(socket: Socket) {
    this.#socket = socket
  }

  pause(): void {
    if (this.#paused) return
    this.#paused = true
    if (!this.#held) this.#socket.pause()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    if (!this.#held) this.#socket.resume()
  }

  /** To be called with every piece that was read and is not the last. */
  count(length: Bytes): void {
    if (this.#held || mayContinue(length)) return
    this.#held = true
    if (!this.#paused) this.#socket.pause()
    inTurn(this.#release)
  }

  #release = (): void => {
    this.#held = false
    if (!this.#paused) this.#socket.resume()
  }
}
