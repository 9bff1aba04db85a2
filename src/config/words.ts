/**
 * Splits text into words as a POSIX shell would (XCU 2.2 Quoting), and does nothing else that a shell does: no
 * expansion, no operators, no comments. `$`, `*`, `;` and `#` are ordinary characters.
 *
 *   -Da=1  "two words"  it\'s  'as $it is'   →   -Da=1 · two words · it's · as $it is
 */
export type Words =
  | { readonly ok: true; readonly words: readonly string[] }
  /** `unclosed`: the quote that is never closed, or `\` for one at the end. */
  | { readonly ok: false; readonly unclosed: "'" | '"' | '\\' }

const blank = /[ \t\n\r]/
/** The characters a backslash escapes inside double quotes; before any other it is literal. */
const escapable = /[$`"\\]/

export function splitWords(text: string): Words {
  const words: string[] = []
  // Undefined between words: `''` is an empty word.
  let word: string | undefined
  let position = 0
  while (position < text.length) {
    const character = text.charAt(position)
    if (blank.test(character)) {
      if (word !== undefined) words.push(word)
      word = undefined
      position += 1
      continue
    }
    if (text.startsWith('\\\n', position)) {
      // A line continuation is not part of a word.
      position += 2
      continue
    }
    const piece = pieceAt(text, position)
    if (typeof piece === 'string') return { ok: false, unclosed: piece }
    word = (word ?? '') + piece.text
    position = piece.end
  }
  if (word !== undefined) words.push(word)
  return { ok: true, words }
}

/** A character or a quoted part without its quotes; or the quote that is never closed. */
function pieceAt(text: string, start: number): { text: string; end: number } | "'" | '"' | '\\' {
  const character = text.charAt(start)
  if (character === '\\') {
    if (start + 1 === text.length) return '\\'
    return { text: text.charAt(start + 1), end: start + 2 }
  }
  if (character === "'") {
    const end = text.indexOf("'", start + 1)
    return end === -1 ? "'" : { text: text.slice(start + 1, end), end: end + 1 }
  }
  return character === '"' ? doubleQuoted(text, start) : { text: character, end: start + 1 }
}

function doubleQuoted(text: string, start: number): { text: string; end: number } | '"' {
  let read = ''
  for (let position = start + 1; position < text.length; position += 1) {
    const character = text.charAt(position)
    if (character === '"') return { text: read, end: position + 1 }
    const next = text.charAt(position + 1)
    if (character === '\\' && (escapable.test(next) || next === '\n')) {
      if (next !== '\n') read += next
      position += 1
    } else read += character
  }
  return '"'
}
