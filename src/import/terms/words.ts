/** A command as Python's shlex.split splits it, and with it supervisord and Compose, after variables were put in. */
import { isVariable, written } from '../marked.ts'
import type { Value } from '../reading.ts'

export interface Word {
  /** Without its quotes. */
  readonly text: string
  /** As it stands there. */
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

/** In double quotes a backslash is itself, unless a quote or a backslash follows: POSIX, which ours obeys, has more. */
function unquoted(piece: string): string {
  if (piece.startsWith("'")) return piece.slice(1, -1)
  if (piece.startsWith('"')) return piece.slice(1, -1).replace(/\\(["\\])/g, '$1')
  return piece.startsWith('\\') ? piece.slice(1) : piece
}

/**
 * The items of our `command`. A variable alone, without quotes, may hold several words or none, so it is split after it was put in.
 * In part of a word, as in `$DIR/run`, blanks would tear it apart there: nobody relies on that, and here they don't.
 */
export function commandItems(words: readonly Word[]): readonly Value[] {
  return words.map(({ text, raw }) => (isVariable(raw) ? { words: written(raw) } : written(text)))
}
