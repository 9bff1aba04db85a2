/** What a client may do so often at once, and so often per second from then on. */
export interface Allowance {
  readonly burst: number
  /** Per second. */
  readonly rate: number
}

export class Budget {
  readonly #allowance: Allowance
  /** Uses that are not paid for by time yet. */
  #used = 0
  #at = performance.now()

  constructor(allowance: Allowance) {
    this.#allowance = allowance
  }

  /** Uses it once; false if it was used up. */
  use(): boolean {
    const { burst, rate } = this.#allowance
    const now = performance.now()
    this.#used = Math.max(0, this.#used - ((now - this.#at) / 1_000) * rate) + 1
    this.#at = now
    return this.#used <= burst
  }
}
