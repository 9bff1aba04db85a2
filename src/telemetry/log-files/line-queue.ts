import type { Bytes } from '../../shared/bytes.ts'

/** Lines, with their line feeds, waiting for a log file. */
export class LineQueue {
  #lines: string[] = []
  #first = 0

  get empty(): boolean {
    return this.#first === this.#lines.length
  }

  push(line: string): void {
    this.#lines.push(line)
  }

  /** As many lines as fit into `most`; one at least. */
  take(most: Bytes): string {
    let taken = ''
    let length = 0
    do {
      const line = this.#lines[this.#first] ?? ''
      length += Buffer.byteLength(line)
      if (taken !== '' && length > most) break
      taken += line
      this.#first += 1
    } while (!this.empty)
    // Now and then, rather than moving the whole queue each time.
    if (this.empty || this.#first > 1_000) {
      this.#lines = this.#lines.slice(this.#first)
      this.#first = 0
    }
    return taken
  }
}
