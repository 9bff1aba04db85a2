/** Findings about a Caddyfile and their places. */
import type { Finding } from '../reading.ts'
import type { Place } from '../reports.ts'

export type { Place }

/** Collects findings. A line that is read several times, such as one in a snippet, is reported once. */
export class Notes {
  readonly #found = new Map<string, Finding>()

  untranslated(at: Place, message: string): void {
    this.#add(at, 'untranslated', message)
  }

  changed(at: Place, message: string): void {
    this.#add(at, 'changed', message)
  }

  note(at: Place, message: string): void {
    this.#add(at, 'note', message)
  }

  /** In the order in which files were read, then of their lines. */
  list(): readonly Finding[] {
    const files = [...new Set([...this.#found.values()].map(({ file }) => file))]
    return [...this.#found.values()].sort(
      (a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column,
    )
  }

  #add({ file, line, column }: Place, severity: Finding['severity'], message: string): void {
    const key = `${file}:${line}:${column}:${message}`
    if (!this.#found.has(key)) this.#found.set(key, { file, line, column, severity, message })
  }
}

/** A mistake after which the rest of the file cannot be read. */
export class Unreadable extends Error {
  readonly at: Place

  constructor(at: Place, message: string) {
    super(message)
    this.at = at
  }
}
