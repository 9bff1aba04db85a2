/** A line of Gatehouse's JSON log, or of anything else it prints; then `message` is all of it. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly message: string }

/** The fields a line must have. A regular expression is for text; a function decides by itself. */
export type LinePattern = Readonly<Record<string, unknown>> | ((line: LogLine) => boolean)

export function parseLine(text: string): LogLine {
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed === 'object' && parsed !== null && 'message' in parsed && typeof parsed.message === 'string')
      return parsed as LogLine
  } catch {
    // Not from the log: usage, a stack trace, or a file that was printed.
  }
  return { message: text }
}

export function matches(line: LogLine, pattern: LinePattern): boolean {
  if (typeof pattern === 'function') return pattern(line)
  return Object.entries(pattern).every(([field, wanted]) => {
    const actual = line[field]
    return wanted instanceof RegExp ? typeof actual === 'string' && wanted.test(actual) : actual === wanted
  })
}

interface Waiter {
  readonly pattern: LinePattern
  resolve(line: LogLine): void
  reject(why: string): void
}

/** All lines so far, and those who wait for one to come. */
export class LineRecord {
  readonly lines: LogLine[] = []
  readonly #waiters = new Set<Waiter>()
  #ended: string | undefined

  add(line: LogLine): void {
    this.lines.push(line)
    for (const waiter of [...this.#waiters]) if (matches(line, waiter.pattern)) waiter.resolve(line)
  }

  /** No line will come any more: rejects what still waits, with the reason. */
  end(why: string): void {
    this.#ended = why
    for (const waiter of [...this.#waiters]) waiter.reject(why)
  }

  /** The first line from index `after` on that matches. Rejects at the end of the output or after `timeout` ms. */
  waitFor(pattern: LinePattern, after: number, timeout: number): Promise<LogLine> {
    const known = this.lines.slice(after).find((line) => matches(line, pattern))
    if (known) return Promise.resolve(known)
    // The trace of this moment: the test's own line is in it, where that of a timer or an event would not be.
    const failure = new Error()
    const fail = (why: string) => {
      failure.message = `${why} before a line with ${describe(pattern)} came; the last lines were:\n${this.tail()}`
      return failure
    }
    if (this.#ended) return Promise.reject(fail(this.#ended))
    return new Promise((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer)
        this.#waiters.delete(waiter)
      }
      const waiter: Waiter = {
        pattern,
        resolve: (line) => {
          settle()
          resolve(line)
        },
        reject: (why) => {
          settle()
          reject(fail(why))
        },
      }
      const timer = setTimeout(() => waiter.reject(`${timeout} ms went by`), timeout)
      this.#waiters.add(waiter)
    })
  }

  tail(count = 40): string {
    return this.lines
      .slice(-count)
      .map((line) => `  ${JSON.stringify(line)}`)
      .join('\n')
  }
}

function describe(pattern: LinePattern): string {
  if (typeof pattern === 'function') return String(pattern)
  return Object.entries(pattern)
    .map(([field, wanted]) => `${field}: ${wanted instanceof RegExp ? wanted : JSON.stringify(wanted)}`)
    .join(', ')
}
