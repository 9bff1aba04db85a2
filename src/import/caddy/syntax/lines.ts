/** One directive on its way to become steps: what its reader sees, and what it may tell. */
import type { MatcherReading } from '../directives/matchers.ts'
import type { RequestIds } from '../directives/request-ids.ts'
import type { Notes, Place } from '../notes.ts'
import type { Deed } from '../routes/steps.ts'
import { ourText } from './texts.ts'
import type { Token } from './tokens.ts'
import type { Directive } from './tree.ts'

/** What all directives of a file share. */
export interface Scope {
  readonly notes: Notes
  readonly order: readonly string[]
  /** Those of the block and the blocks around it, by name with `@`. */
  readonly matchers: ReadonlyMap<string, MatcherReading>
  readonly requestIds: RequestIds
  readonly gathered: Gathered
}

/** What is said in sites and belongs to the whole gateway. */
export interface Gathered {
  /** Of `encode`, in its order. */
  compression?: readonly string[]
  /** For `users`: key → name. */
  readonly users: Map<string, string>
  /** Of their passwords, by the same keys. */
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

/** What is done, one after the other; empty: nothing that can be said here, which has been told. */
export type Reader = (line: Line) => readonly Deed[]

/** A value that may hold placeholders of ours; undefined, and told, if it holds others. */
export function liveValue(token: Token, notes: Notes): string | undefined {
  const { text, unknown: placeholders } = ourText(token.text)
  // Braces around a word are a placeholder of ours, whatever stands in front.
  const unknown = [...placeholders, ...(text.match(/\$\$\{\w+\}/g) ?? []).map((literal) => literal.slice(1))]
  if (unknown.length === 0) return text
  notes.untranslated(
    token.at,
    `${unknown.map((one) => `\`${one}\``).join(', ')}: known here are {host}, {uri}, {path}, {scheme}, {client}, {request_id} and variables of the environment`,
  )
  return undefined
}

/** A value in which no placeholder may stand, only variables of the environment. */
export function fixedValue(token: Token, notes: Notes): string | undefined {
  const { text, unknown } = ourText(token.text)
  const request = unknown[0] ?? /(?<!\$)\{(?:host|uri|path|scheme|client|request_id)\}/.exec(text)?.[0]
  // Empty it would be nothing that can be meant: without a value the new file is refused, and says so.
  if (request === undefined) return required(text)
  notes.untranslated(token.at, `\`${request}\`: this is known only when a request comes, and has to be fixed here`)
  return undefined
}

/** Variables without a default, that must have a value then. */
export function required(text: string): string {
  return text.replaceAll(/\$\{(\w+):-\}/g, '${$1}')
}

/** The option of a block is one that nothing of ours does. */
export function leftOut(directive: Directive, notes: Notes, nearest: string): void {
  notes.untranslated(directive.words[0].at, `\`${directive.words[0].text}\`: ${nearest}`)
}
