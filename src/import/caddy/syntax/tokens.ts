/** Splits the text of a Caddyfile into tokens, by Caddy's own rules ("Caddyfile concepts", structure). */
import { type Place, Unreadable } from '../notes.ts'

export interface Token {
  /** Without quotes; `{$NAME:default}` as written. */
  readonly text: string
  readonly at: Place
  /** It is the first of its line, not counting line continuations. */
  readonly first: boolean
  /** Braces in quotes open and close no block. */
  readonly quoted: boolean
}

/** Far above any real file. */
const maxCharacters = 4_000_000

const space = /[ \t\r\n\v\f]/

/** Throws Unreadable for an unclosed quote or heredoc. */
export function tokensOf(file: string, text: string): Token[] {
  const reader = new Reader(file, text)
  const tokens: Token[] = []
  for (let token = reader.next(); token; token = reader.next()) tokens.push(token)
  return tokens
}

class Reader {
  readonly #file: string
  readonly #text: string
  #position = 0
  #line = 1
  #lineStart = 0
  #first = true

  constructor(file: string, text: string) {
    this.#file = file
    // Drop a byte order mark and Windows line ends.
    this.#text = text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n')
    if (text.length > maxCharacters) throw new Unreadable(this.#place(), 'this file is too long for a Caddyfile')
  }

  next(): Token | undefined {
    this.#skipSpace()
    if (this.#position >= this.#text.length) return undefined
    const at = this.#place()
    const first = this.#first
    this.#first = false
    const mark = this.#text[this.#position]
    if (mark === '"' || mark === '`') return { text: this.#quoted(mark, at), at, first, quoted: true }
    const heredoc = this.#heredoc(at)
    if (heredoc !== undefined) return { text: heredoc, at, first, quoted: true }
    return { text: this.#bare(), at, first, quoted: false }
  }

  #skipSpace(): void {
    while (this.#position < this.#text.length) {
      const character = this.#text[this.#position]
      if (character === '\n') {
        this.#first = true
        this.#step()
      } else if (character === '\\' && this.#text[this.#position + 1] === '\n') {
        this.#step()
        this.#step()
      } else if (character === '#') {
        while (this.#position < this.#text.length && this.#text[this.#position] !== '\n') this.#step()
      } else if (space.test(character ?? '')) this.#step()
      else return
    }
  }

  /** In double quotes `\"` is a quote and every other backslash is itself; in backticks nothing is escaped. */
  #quoted(mark: string, at: Place): string {
    let text = ''
    this.#step()
    for (;;) {
      const character = this.#text[this.#position]
      if (character === undefined) throw new Unreadable(at, `this quote (${mark}) is never closed`)
      if (character === '\\' && mark === '"' && this.#text[this.#position + 1] === '"') {
        text += '"'
        this.#step()
      } else if (character === mark) {
        this.#step()
        return text
      } else text += character
      this.#step()
    }
  }

  #bare(): string {
    let text = ''
    for (;;) {
      const character = this.#text[this.#position]
      if (character === undefined || space.test(character)) return text
      if (character === '\\' && this.#text[this.#position + 1] === '\n') return text
      if (this.#text.startsWith('{$', this.#position)) text += this.#variable()
      else {
        text += character
        this.#step()
      }
    }
  }

  /** The default of `{$NAME:default}` may hold spaces, but ends with its line at the latest. */
  #variable(): string {
    const end = this.#text.indexOf('}', this.#position)
    const written = end === -1 ? '' : this.#text.slice(this.#position, end + 1)
    const taken = written === '' || written.includes('\n') ? '{$' : written
    for (const _ of taken) this.#step()
    return taken
  }

  /** `<<MARKER`, then lines up to one with the marker, whose indentation is taken from all. */
  #heredoc(at: Place): string | undefined {
    const [opening, marker = ''] =
      /^<<([A-Za-z0-9_-]{1,64})\n/.exec(this.#text.slice(this.#position, this.#position + 70)) ?? []
    if (opening === undefined) return undefined
    const lines: string[] = []
    let position = this.#position + opening.length
    for (;;) {
      if (position >= this.#text.length) throw new Unreadable(at, `this heredoc is never closed by ${marker}`)
      const end = this.#text.indexOf('\n', position)
      const line = this.#text.slice(position, end === -1 ? undefined : end)
      const indent = line.length - line.trimStart().length
      if (line.trimStart() === marker || line.trimStart().startsWith(`${marker} `)) {
        this.#advanceTo(position + indent + marker.length)
        return lines.map((one) => one.slice(Math.min(indent, one.length - one.trimStart().length))).join('\n')
      }
      lines.push(line)
      position = end === -1 ? this.#text.length : end + 1
    }
  }

  #advanceTo(position: number): void {
    while (this.#position < position) this.#step()
  }

  #step(): void {
    if (this.#text[this.#position] === '\n') {
      this.#line += 1
      this.#lineStart = this.#position + 1
    }
    this.#position += 1
  }

  #place(): Place {
    return { file: this.#file, line: this.#line, column: this.#position - this.#lineStart + 1 }
  }
}
