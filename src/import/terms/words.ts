/** Splits a command as Python's shlex.split does, which supervisord and Compose use after interpolation. */
import { isVariable, written } from '../marked.ts'
import type { Value } from '../reading.ts'

export interface Word {
  /** Without its quotes. */
  readonly text: string
  /** As written. */
  readonly raw: string
}

export type Split =
  | { readonly ok: true; readonly words: readonly Word[] }
  | { readonly ok: false; readonly unclosed: string }

const pieces = /\s+|\ue000[^\ue001]*\ue001|'[^']*'|"(?:\\[\s\S]|[^"\\])*"|\\[\s\S]|[^\s'"\\\ue000]+/gy

export function splitCommand(text: string): Split {
  const words: Word[] = []
  let word: Word | undefined
  let end = 0
  for (const [piece] of text.matchAll(pieces)) {
    end += piece.length
    if (piece.trim() === '') {
      if (word) words.push(word)
      word = undefined
    } else {
      const { text: before = '', raw = '' } = word ?? {}
      word = { text: before + unquoted(piece), raw: raw + piece }
    }
  }
  if (end < text.length) return { ok: false, unclosed: text.charAt(end) }
  if (word) words.push(word)
  return { ok: true, words }
}

/** In double quotes a backslash is literal, unless a quote or a backslash follows. */
function unquoted(piece: string): string {
  if (piece.startsWith("'")) return piece.slice(1, -1)
  if (piece.startsWith('"')) return piece.slice(1, -1).replace(/\\(["\\])/g, '$1')
  return piece.startsWith('\\') ? piece.slice(1) : piece
}

/**
 * The items of our `command`. An unquoted variable alone may hold several words or none, so it is split at startup.
 * Part of a word, as in `$DIR/run`, is never split here, although blanks would split it there.
 */
export function commandItems(words: readonly Word[]): readonly Value[] {
  return words.map(({ text, raw }) => (isVariable(raw) ? { words: written(raw) } : written(text)))
}
