import type { Bytes } from '../shared/bytes.ts'

/** The part of a queue that belongs to one of several writers. */
export interface Share {
  waiting: Bytes
}

/** Lines, with their line feeds, waiting for a file descriptor. */
export class LineQueue {
  #lines: string[] = []
  /** The share of each line, if it is counted. */
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

  /** As many lines as fit into `most`; one at least. */
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
    // Now and then, rather than moving the whole queue each time.
    if (this.empty || this.#first > 1_000) {
      this.#lines = this.#lines.slice(this.#first)
      this.#shares = this.#shares.slice(this.#first)
      this.#first = 0
    }
    return taken
  }
}
