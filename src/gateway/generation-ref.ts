import type { AccessLog } from '../telemetry/access-log.ts'
import type { Generation } from './generation.ts'
import type { Exchange } from './request/exchange.ts'

/**
 * A generation's time in office: until the next one takes over and the last answer it began was given. Tunnels and event
 * streams need nothing of it once they run, so a WebSocket that stays for days keeps no old generation in memory.
 */
export class GenerationRef {
  readonly generation: Generation
  readonly log: AccessLog
  #answering = 0
  #onOver: (() => void) | undefined

  constructor(generation: Generation, log: AccessLog) {
    this.generation = generation
    this.log = log
  }

  begin(exchange: Exchange): void {
    this.#answering += 1
    exchange.onSettled(() => {
      this.#answering -= 1
      this.#endIfDone()
    })
  }

  /** It gets no more requests. `onOver` is called once, when it has none left. */
  retire(onOver: () => void): void {
    this.#onOver = onOver
    this.#endIfDone()
  }

  #endIfDone(): void {
    if (this.#answering > 0) return
    this.#onOver?.()
    this.#onOver = undefined
  }
}
