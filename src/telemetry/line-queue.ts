import type { Bytes } from '../shared/bytes.ts'

/** What one of several writers has in a queue. */
export interface Share {
  waiting: Bytes
}

/** Lines, each with its end, on their way to a file descriptor. */
export class LineQueue {
  #lines: string[] = []
  /** Of each line: whose it is, if that is counted. */
  #shares: (Share | undefined)[] = []
  #first = 0

  get empty(): boolean {
    return this.#first === this.#lines.length
  }

  push(line: string, share?: Share): void {
    this.#lines.push(line)
    this.#shares.push(share)
    if (share) share.waiting += Buffer.byteLength(line)
  }

  /** As many lines as fit into so many bytes; one at least. */
  take(most: Bytes): string {
    let taken = ''
    let length = 0
    do {
      const line = this.#lines[this.#first] ?? ''
      const bytes = Buffer.byteLength(line)
      length += bytes
      if (taken !== '' && length > most) break
      taken += line
      const share = this.#shares[this.#first]
      if (share) share.waiting -= bytes
      this.#first += 1
    } while (!this.empty)
    // Cut off what was taken now and then, rather than moving the whole queue each time.
    if (this.empty || this.#first > 1_000) {
      this.#lines = this.#lines.slice(this.#first)
      this.#shares = this.#shares.slice(this.#first)
      this.#first = 0
    }
    return taken
  }
}
