/** Parts of JSON as lines of a Caddyfile that keep their places, so that one reader handles both. */
import type { Place } from '../notes.ts'
import type { Token } from '../syntax/tokens.ts'
import type { Directive } from '../syntax/tree.ts'
import { entriesOf, itemsOf, type Json } from './tree.ts'

/** A word with the place of a part of the JSON. */
export interface Placed {
  readonly at: Place
  readonly text: string
}

export function line(
  name: Placed,
  words: readonly (Placed | Json | undefined)[] = [],
  block?: readonly Directive[],
): Directive {
  const further = words.flatMap((word): Token[] => (word?.text === undefined ? [] : [token(word.at, word.text)]))
  return { words: [token(name.at, name.text), ...further], ...(block && { block }) }
}

function token(at: Place, text: string): Token {
  return { at, text, first: false, quoted: false }
}

export function word({ at }: { readonly at: Place }, text: string): Placed {
  return { at, text }
}

/** A JSON duration is a number of nanoseconds or text. */
export function duration(json: Json | undefined): Placed | undefined {
  if (json?.text === undefined) return undefined
  return word(json, /^\d+$/.test(json.text) ? `${json.text}ns` : json.text)
}

/** Bytes, in the largest unit that leaves no fraction. */
export function size(json: Json | undefined): Placed | undefined {
  if (json?.text === undefined || !/^\d{1,15}$/.test(json.text)) return undefined
  const bytes = Number(json.text)
  const [unit, of] = (
    [
      ['GB', 1e9],
      ['MB', 1e6],
      ['KB', 1e3],
    ] as const
  ).find(([, one]) => bytes > 0 && bytes % one === 0) ?? ['', 1]
  return word(json, `${bytes / of}${unit}`)
}

/** `set`, `add`, `delete` and `replace` of one side as lines that begin with `name`. */
export function headerLines(name: string, operations: Json | undefined): readonly Directive[] {
  const lines = (key: 'set' | 'add', mark: string) =>
    entriesOf(operations, key).flatMap(([field, values]) =>
      (values.items ?? []).map((value, index) =>
        line(word(values, name), [word(values, `${index === 0 ? mark : '+'}${field}`), value]),
      ),
    )
  return [
    ...lines('set', ''),
    ...lines('add', '+'),
    ...itemsOf(operations, 'delete').map((field) => line(word(field, name), [word(field, `-${field.text ?? ''}`)])),
    ...entriesOf(operations, 'replace').map(([field, json]) =>
      line(word(json, name), [word(json, field), word(json, '...'), word(json, '...')]),
    ),
  ]
}
