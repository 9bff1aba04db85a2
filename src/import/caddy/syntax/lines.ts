/** The input of a directive's reader, and what readers share. */
import type { MatcherReading } from '../directives/matchers.ts'
import type { RequestIds } from '../directives/request-ids.ts'
import type { Notes, Place } from '../notes.ts'
import type { StepAction } from '../routes/steps.ts'
import { ourText } from './texts.ts'
import type { Token } from './tokens.ts'
import type { Directive } from './tree.ts'

/** Shared by all directives of a file. */
export interface Scope {
  readonly notes: Notes
  readonly order: readonly string[]
  /** Of the block and the blocks around it, by name with `@`. */
  readonly matchers: ReadonlyMap<string, MatcherReading>
  readonly requestIds: RequestIds
  readonly gathered: Gathered
}

/** Options of sites that apply to the whole gateway. */
export interface Gathered {
  /** The encodings of `encode`, in order. */
  compression?: readonly string[]
  /** For `users`: key → name. */
  readonly users: Map<string, string>
  /** Password hashes, by the same keys. */
  readonly hashes: Map<string, string>
}

/** A directive without its matcher. */
export interface Line {
  readonly name: string
  readonly at: Place
  readonly values: readonly Token[]
  readonly block: readonly Directive[]
  readonly matcher: MatcherReading | undefined
  readonly scope: Scope
}

/** Returns the actions in order; none, and reported, if the line cannot be translated. */
export type Reader = (line: Line) => readonly StepAction[]

/** A value that may hold our placeholders; undefined, and reported, if it holds others. */
export function valueWithPlaceholders(token: Token, notes: Notes): string | undefined {
  const { text, unknown: placeholders } = ourText(token.text)
  // Braces around a word are one of our placeholders, even after a `$`.
  const unknown = [...placeholders, ...(text.match(/\$\$\{\w+\}/g) ?? []).map((literal) => literal.slice(1))]
  if (unknown.length === 0) return text
  notes.untranslated(
    token.at,
    `${unknown.map((one) => `\`${one}\``).join(', ')}: the known placeholders are {host}, {uri}, {path}, {scheme}, {client}, {request_id} and environment variables`,
  )
  return undefined
}

/** A value that may hold environment variables, but no placeholders; undefined, and reported, otherwise. */
export function fixedValue(token: Token, notes: Notes): string | undefined {
  const { text, unknown } = ourText(token.text)
  const request = unknown[0] ?? /(?<!\$)\{(?:host|uri|path|scheme|client|request_id)\}/.exec(text)?.[0]
  // An empty value makes no sense here: without one, the new file is refused with a message.
  if (request === undefined) return required(text)
  notes.untranslated(token.at, `\`${request}\`: this is known only per request; write a fixed value`)
  return undefined
}

/** Makes variables required: `${NAME:-}` becomes `${NAME}`. */
export function required(text: string): string {
  return text.replaceAll(/\$\{(\w+):-\}/g, '${$1}')
}

/** Reports an option as untranslated, with the nearest alternative. */
export function reportUnsupported(directive: Directive, notes: Notes, nearest: string): void {
  notes.untranslated(directive.words[0].at, `\`${directive.words[0].text}\`: ${nearest}`)
}
