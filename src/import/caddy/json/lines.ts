/** Parts of JSON as lines of a Caddyfile, which keep their places: then one reader is enough for both. */
import type { Place } from '../notes.ts'
import type { Token } from '../syntax/tokens.ts'
import type { Directive } from '../syntax/tree.ts'
import type { Json } from './tree.ts'

/** A word that stands where this part does. */
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

/** JSON has durations as nanoseconds or as text. */
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
