/** Splits a stream of bytes into lines, in bounded memory whatever a program writes. */

/** Longer lines are cut here. */
export const longestLine = 64 * 1024

export interface LineSplitter {
  write(chunk: Uint8Array): void
  /** Emits the last line if it has no line end. */
  end(): void
}

const lineFeed = 0x0a
const carriageReturn = 0x0d

/**
 * Lines end with LF or CR LF and are decoded as UTF-8; invalid bytes become U+FFFD. What exceeds `longestLine` bytes is
 * dropped as it comes; the number of dropped bytes is appended to the line.
 */
export function splitLines(line: (text: string) => void): LineSplitter {
  let held = Buffer.alloc(0)
  let length = 0
  let dropped = 0

  // Grows by doubling, so that a program that writes byte by byte does not cost a copy per byte.
  const hold = (part: Buffer) => {
    const kept = part.subarray(0, longestLine - length)
    if (length + kept.length > held.length) {
      const larger = Buffer.alloc(Math.min(Math.max(held.length * 2, length + kept.length), longestLine))
      held.copy(larger, 0, 0, length)
      held = larger
    }
    kept.copy(held, length)
    length += kept.length
    dropped += part.length - kept.length
  }

  const flush = () => {
    const [bytes, cut] = [held.subarray(0, length), dropped]
    held = Buffer.alloc(0)
    length = 0
    dropped = 0
    line(cut === 0 ? textOf(bytes) : `${startOf(bytes)}… [cut: ${cut} bytes]`)
  }

  return {
    write(chunk) {
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
      let start = 0
      for (;;) {
        const end = bytes.indexOf(lineFeed, start)
        const part = bytes.subarray(start, end === -1 ? undefined : end)
        if (end === -1) {
          if (part.length > 0) hold(part)
          return
        }
        if (length === 0 && part.length <= longestLine) line(textOf(part))
        else {
          hold(part)
          flush()
        }
        start = end + 1
      }
    },
    end() {
      if (length > 0) flush()
    },
  }
}

function textOf(bytes: Buffer): string {
  return bytes.toString('utf8', 0, bytes.at(-1) === carriageReturn ? bytes.length - 1 : bytes.length)
}

/** In streaming mode a character that was cut in two is omitted instead of replaced. */
function startOf(bytes: Buffer): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes, { stream: true })
}

/** How much of a program's last output is kept, to explain why it died. */
const keptLines = 10
const keptCharacters = 500

export class LastLines {
  readonly #lines: string[] = []

  add(text: string): void {
    this.#lines.push(text.length > keptCharacters ? `${text.slice(0, keptCharacters)}…` : text)
    if (this.#lines.length > keptLines) this.#lines.shift()
  }

  get lines(): readonly string[] {
    return [...this.#lines]
  }
}
