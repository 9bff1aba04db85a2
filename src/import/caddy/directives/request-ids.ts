/** Request ids: several lines in a Caddyfile, `gateway.requestId` in our file. */

import type { Notes, Place } from '../notes.ts'
import type { Written } from '../routes/steps.ts'
import type { MatcherReading } from './matchers.ts'

export class RequestIds {
  readonly #notes: Notes
  #header: string | undefined
  #invalid: string | undefined
  #internal: string | undefined

  constructor(notes: Notes) {
    this.#notes = notes
  }

  /** Lower-case names of the headers that no other rule may set. */
  get names(): readonly string[] {
    return [this.#header ?? 'X-Request-Id', this.#internal].flatMap((name) =>
      name === undefined ? [] : [name.toLowerCase()],
    )
  }

  /** A header gets a generated id. */
  generate(name: string, at: Place): void {
    if (this.#internal === undefined || this.#internal.toLowerCase() === name.toLowerCase()) this.#internal ??= name
    else
      this.#notes.untranslated(
        at,
        `\`${name}\`: only one header can hold a generated id (\`requestId.internal\`), and that is ${this.#internal}`,
      )
  }

  /**
   * A header is set if the client's id is, or is not, a UUID. Returns whether `requestId` does the same: it keeps a
   * valid id and replaces any other by one fixed text.
   */
  judge(name: string, value: string, matcher: NonNullable<MatcherReading['requestId']>): boolean {
    if (name.toLowerCase() !== matcher.header.toLowerCase()) return false
    if (this.#header !== undefined && this.#header.toLowerCase() !== name.toLowerCase()) return false
    if (matcher.valid && !isHeaderItself(value, name)) return false
    if (!matcher.valid && this.#invalid !== undefined && this.#invalid !== value) return false
    this.#header ??= matcher.header
    if (!matcher.valid) this.#invalid = value
    return true
  }

  entry(): Written | undefined {
    if (this.#header === undefined && this.#internal === undefined) return undefined
    return {
      ...(this.#header !== undefined && { header: this.#header, accept: 'uuid-v4' }),
      ...(this.#invalid !== undefined && { invalid: this.#invalid }),
      ...(this.#internal !== undefined && { internal: this.#internal }),
    }
  }
}

function isHeaderItself(value: string, name: string): boolean {
  const [, read = ''] = /^\{(?:http\.request\.)?header\.([\w-]+)\}$/.exec(value) ?? []
  return read.toLowerCase() === name.toLowerCase()
}
