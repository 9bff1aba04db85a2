/** Ids of requests: in a Caddyfile several lines that belong together, in our file `gateway.requestId`. */

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

  /** Names in lower case that are decided here, and that no other rule may set. */
  get names(): readonly string[] {
    return [this.#header ?? 'X-Request-Id', this.#internal].flatMap((name) =>
      name === undefined ? [] : [name.toLowerCase()],
    )
  }

  /** A header is given a new id of Caddy's. */
  mint(name: string, at: Place): void {
    if (this.#internal === undefined || this.#internal.toLowerCase() === name.toLowerCase()) this.#internal ??= name
    else
      this.#notes.untranslated(
        at,
        `\`${name}\`: one header holds an id of ours, \`requestId.internal\`, and that is ${this.#internal}`,
      )
  }

  /**
   * A header is set where the client's id is, or is not, a UUID. True if this is the way of `requestId`: a valid one is
   * kept, and another one replaced by the same text everywhere.
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
