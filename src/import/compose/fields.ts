/** Reads the keys of a mapping one by one and knows which were never read. */
import { longestDuration } from '../../shared/time/duration.ts'
import { hasVariable, written } from '../marked.ts'
import type { Place, Report } from '../reports.ts'
import type { Mapping, Node } from './tree.ts'

export interface Field<T> {
  readonly value: T
  readonly at: Place
}

/** Each returns undefined if the key is absent, or, with a report, if its value is invalid. */
export interface Fields {
  readonly at: Place
  /** At the key. */
  placeOf(key: string): Place
  node(key: string): Node | undefined
  /** With its variables marked. */
  text(key: string): Field<string> | undefined
  boolean(key: string): Field<boolean> | undefined
  number(key: string): Field<number> | undefined
  /** As our file writes it. */
  duration(key: string): Field<string> | undefined
  fields(key: string): Fields | undefined
  unread(): readonly { readonly key: string; readonly at: Place; readonly value: Node }[]
}

export function fieldsOf(mapping: Mapping, report: Report): Fields {
  const asked = new Set<string>()
  const placeOf = (key: string) => mapping.entries.get(key)?.at ?? mapping.at
  const node = (key: string): Node | undefined => {
    asked.add(key)
    const value = mapping.entries.get(key)?.value
    return value?.kind === 'scalar' && value.absent ? undefined : value
  }
  const text = (key: string): Field<string> | undefined => {
    const found = node(key)
    if (!found) return undefined
    if (found.kind === 'scalar') return { value: found.text, at: placeOf(key) }
    report(placeOf(key), 'untranslated', `\`${key}\` is not one text`)
    return undefined
  }
  const typed =
    <T>(expected: string, read: (text: string) => T | undefined) =>
    (key: string): Field<T> | undefined => {
      const found = text(key)
      const value = found && !hasVariable(found.value) ? read(found.value) : undefined
      if (found && value === undefined) report(found.at, 'untranslated', `\`${key}\` is not ${expected}`)
      return found && value !== undefined ? { value, at: found.at } : undefined
    }
  return {
    at: mapping.at,
    placeOf,
    node,
    text,
    boolean: typed('`true` or `false`', (text) =>
      /^(true|yes|on)$/i.test(text) ? true : /^(false|no|off)$/i.test(text) ? false : undefined,
    ),
    number: typed('a number', (text) => (/^-?\d+(\.\d+)?$/.test(text) ? Number(text) : undefined)),
    duration(key) {
      const found = text(key)
      // The value of a variable is known only at startup; Compose's durations are close to ours.
      if (found && hasVariable(found.value)) return { value: written(found.value), at: found.at }
      const span = found && durationWritten(found.value)
      if (found && span === undefined)
        report(found.at, 'untranslated', `\`${key}\` is not a duration such as \`1m30s\``)
      return found && span !== undefined ? { value: span, at: found.at } : undefined
    },
    fields(key) {
      const found = node(key)
      if (found?.kind === 'mapping') return fieldsOf(found, report)
      if (found) report(placeOf(key), 'untranslated', `\`${key}\` is not a mapping`)
      return undefined
    },
    unread: () => [...mapping.entries].filter(([key]) => !asked.has(key)).map(([key, entry]) => ({ key, ...entry })),
  }
}

const unitInMilliseconds: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1, us: 0.001 }

/** `1m30s` as `90s`. */
function durationWritten(text: string): string | undefined {
  if (!/^(\d+(\.\d+)?(h|ms|us|m|s))+$/.test(text)) return undefined
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(h|ms|us|m|s)/g)]
  const exact = parts.reduce((sum, [, number, unit = '']) => sum + Number(number) * (unitInMilliseconds[unit] ?? 0), 0)
  const span = Math.min(Math.round(exact), longestDuration)
  return span % 1_000 === 0 ? `${span / 1_000}s` : `${span}ms`
}
