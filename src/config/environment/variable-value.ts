/** One value of a file of variables, as a POSIX shell reads it in an assignment (XCU 2.2 Quoting). */

export interface ValueProblem {
  /** Continues "line 3 ...". */
  readonly problem: string
  readonly hint: string
  /** The value read differs from the one written: nothing may run with it. */
  readonly unusable: boolean
}

export interface ReadValue {
  readonly text: string
  /** The line end after it and its comment, or the end of the file. */
  readonly end: number
  /** In the order of the file. */
  readonly problems: readonly { readonly offset: number; readonly problem: ValueProblem }[]
  /** It has a quote that is never closed. */
  readonly open: boolean
}

/** The characters a backslash escapes inside double quotes; before any other it is literal. */
const escapable = /[$`"\\]/
const operator = /[;&|<>()]/
/** After a `$`: a parameter, a command or arithmetic. */
const expansion = /[A-Za-z0-9_{([@*#?$!-]|\\\n/y
const lineEnd = /\r?(?:\n|$)/y
/** The rest of a line, whose outermost quotes are a pair of the same kind. */
const outermost = /^(['"])(.*)\1[ \t]*(?:[ \t]#.*)?\r?$/

/** `acrossLines`: quotes may be closed in a later line. */
export function readValue(text: string, start: number, { acrossLines }: { acrossLines: boolean }): ReadValue {
  const backquoted = inBackquotes(text, start)
  if (backquoted) return backquoted
  const reading = new Reading(text, start, acrossLines)
  for (;;) {
    const outcome = reading.next()
    if (outcome === 'more') continue
    return outcome === 'open' ? wholeLine(text, start, reading.offset) : reading.finished()
  }
}

/**
 * A shell refuses such a file, so this is a guess: an unclosed quote is part of the value, which ends with its line.
 */
function wholeLine(text: string, start: number, offset: number): ReadValue {
  const end = endOfLine(text, start)
  const line = text.slice(start, end)
  const inside = outermost.exec(line)?.[2]
  const value = inside ?? line.replace(/[ \t]#.*$/, '').replace(/[ \t\r]+$/, '')
  return { text: value, end, problems: [{ offset, problem: openQuote }], open: true }
}

/** Some programs treat backquotes as quotes. */
function inBackquotes(text: string, start: number): ReadValue | undefined {
  if (text[start] !== '`') return undefined
  const close = text.indexOf('`', start + 1)
  const end = endOfLine(text, close)
  if (close === -1 || !/^[ \t]*(?:[ \t]#.*)?\r?$/.test(text.slice(close + 1, end))) return undefined
  const problems = [{ offset: start, problem: backquotes }]
  return { text: text.slice(start + 1, close), end, problems, open: false }
}

class Reading {
  readonly #text: string
  readonly #acrossLines: boolean
  readonly #problems = new Map<ValueProblem, number>()
  #value = ''
  #position: number
  /** Whether `~` would be a folder here: at the beginning and after a `:`. */
  #tilde = true
  /** The kind of the last quoted part, while nothing but plain characters has followed it. */
  #closed: string | undefined
  readonly #lineEnd: number
  /** Where the last quoted part of the first line began. */
  offset: number

  constructor(text: string, start: number, acrossLines: boolean) {
    this.#text = text
    this.#position = start
    this.offset = start
    this.#lineEnd = endOfLine(text, start)
    this.#acrossLines = acrossLines
  }

  finished(): ReadValue {
    const problems = [...this.#problems].map(([problem, offset]) => ({ offset, problem }))
    return { text: this.#value, end: this.#position, problems, open: false }
  }

  next(): 'more' | 'end' | 'open' {
    const text = this.#text
    const at = this.#position
    const character = text.charAt(at)
    lineEnd.lastIndex = at
    if (lineEnd.test(text)) {
      this.#position = endOfLine(text, at)
      return 'end'
    }
    if (character === ' ' || character === '\t') return this.#blanks()
    if (character === "'" || character === '"') return this.#quoted(character)
    if (character === '\\') return this.#escaped()
    if (character === '$') this.#dollar(at, /['"]/)
    else if (character === '`') this.#report(backquote, at)
    else if (character === '\r') this.#report(carriageReturn, at)
    else if (character === '~' && this.#tilde) this.#report(tilde, at)
    else if (operator.test(character)) this.#report(operators, at)
    this.#take(character)
    this.#tilde = character === ':'
    return 'more'
  }

  #blanks(): 'more' {
    const text = this.#text
    let end = this.#position
    while (text[end] === ' ' || text[end] === '\t') end += 1
    lineEnd.lastIndex = end
    if (text[end] === '#') end = endOfLine(text, end)
    else if (!lineEnd.test(text)) {
      this.#report(blank, this.#position)
      this.#value += text.slice(this.#position, end)
    }
    this.#position = end
    return 'more'
  }

  #quoted(quote: "'" | '"'): 'more' | 'open' {
    const start = this.#position
    if (start < this.#lineEnd) this.offset = start
    const isJson = quote === '"' && /^[{[]/.test(this.#value) && this.#closed === undefined
    if (this.#closed === quote || isJson) this.#report(reopened, start)
    for (let at = start + 1; at < this.#text.length; at += 1) {
      const character = this.#text.charAt(at)
      if (character === quote) {
        this.#position = at + 1
        this.#closed = quote
        this.#tilde = false
        return 'more'
      }
      if (character === '\n' && !this.#acrossLines) return 'open'
      if (quote === '"' && character === '\\') {
        const next = this.#text.charAt(at + 1)
        if (escapable.test(next) || next === '\n') {
          if (next !== '\n') this.#value += next
          at += 1
          continue
        }
      }
      if (quote === '"' && character === '$') this.#dollar(at)
      if (quote === '"' && character === '`') this.#report(backquote, at)
      this.#value += character
    }
    return 'open'
  }

  #escaped(): 'more' {
    const at = this.#position
    const next = this.#text.charAt(at + 1)
    if (next === '\n') {
      // A line continuation is not part of the value.
      this.#position = at + 2
      return 'more'
    }
    if (next === '') this.#report(lastBackslash, at)
    if (/[A-Za-z0-9]/.test(next)) this.#report(backslash, at)
    this.#take(next || '\\')
    this.#position = at + (next === '' ? 1 : 2)
    this.#closed = undefined
    this.#tilde = false
    return 'more'
  }

  /** `quotes`: those that are special after it in some shells. */
  #dollar(at: number, quotes?: RegExp): void {
    expansion.lastIndex = at + 1
    if (expansion.test(this.#text) || quotes?.test(this.#text.charAt(at + 1))) this.#report(reference, at)
  }

  #take(character: string): void {
    this.#value += character
    this.#position += 1
  }

  /** Once for each kind. */
  #report(problem: ValueProblem, offset: number): void {
    if (!this.#problems.has(problem)) this.#problems.set(problem, offset)
  }
}

function endOfLine(text: string, start: number): number {
  const end = text.indexOf('\n', start)
  return end === -1 ? text.length : end
}

const inQuotes = 'put the value in single quotes'

const openQuote: ValueProblem = {
  problem: 'has an unclosed quote, which is read as part of the value',
  hint: 'close it, or write the quote itself as `\\\'` or `\\"`',
  unusable: false,
}
const reopened: ValueProblem = {
  problem: 'has quotes within quotes or within JSON: as in a shell, they are not part of the value',
  hint: `${inQuotes}, or write \`\\"\` for a quote that belongs to it`,
  unusable: false,
}
const blank: ValueProblem = {
  problem: 'has a space outside quotes, where a shell would end the value: here it is part of the value',
  hint: inQuotes,
  unusable: false,
}
const operators: ValueProblem = {
  problem: 'has one of `; & | < > ( )` outside quotes, where a shell would end the value: here it is part of the value',
  hint: inQuotes,
  unusable: false,
}
const reference: ValueProblem = {
  problem: 'has a `$` that a shell would expand: here it stays as written',
  hint: 'write the value out, or put it in single quotes to keep the `$`',
  unusable: false,
}
const backquote: ValueProblem = {
  problem: 'has a backquote, with which a shell would run a command: here it stays as written',
  hint: inQuotes,
  unusable: false,
}
const backquotes: ValueProblem = {
  problem: 'has its value in backquotes, which a shell would run as a command: here they are quotes',
  hint: inQuotes,
  unusable: false,
}
const tilde: ValueProblem = {
  problem: 'has a `~` that a shell would expand: here it stays as written',
  hint: 'write the path out, or put the value in single quotes',
  unusable: false,
}
const carriageReturn: ValueProblem = {
  problem: 'has a carriage return in its value',
  hint: 'save the file with consistent line endings',
  unusable: false,
}
const backslash: ValueProblem = {
  problem: 'has a backslash before a letter or digit: as in a shell, it is not part of the value',
  hint: `write it twice, or ${inQuotes}`,
  unusable: false,
}
/** bash removes it, dash keeps it. */
const lastBackslash: ValueProblem = {
  problem: 'ends with a lone backslash, which shells read differently: here it is part of the value',
  hint: `write it twice, or ${inQuotes}`,
  unusable: false,
}
