/**
 * Files of lines `NAME=value`. dotenv reads them; it steps over what it does not understand without a word, so what a person
 * would want to be told of is found here. Nothing that is said of a line repeats any of its value.
 */
import { parse } from 'dotenv'
import type { Variables } from './interpolate.ts'

export interface VariableFile {
  readonly variables: Variables
  /** In the order of the file. */
  readonly oddities: readonly Oddity[]
}

export interface Oddity {
  /** From 1 on. */
  readonly line: number
  /** Continues "line 3 ...". */
  readonly problem: string
  readonly mend: string
  /** What was read is not what was written: nothing may run with it. */
  readonly unusable: boolean
}

const assignment = /^\s*(?:export\s+)?([\w.-]+)(?:\s*=|:(?=\s))\s*/
/** From its first quote to the end of a value; the quote may be closed many lines later. */
const quoted = /(['"`])(?:\\\1|(?!\1)[\s\S])*\1[^\S\n]*(?:#.*)?$/my
/**
 * `'it'"'"'s'` and `'it'\''s'`: how programs write a quote for a shell to read. Quotes of one kind alone are not meant, since
 * `"{"a":"b"}"` is often written by hand.
 */
const joined = /^((?=(?:'[^']*')*[\\"]|(?:"[^"]*")+')(?:'[^']*'|"[^"\\$`]*"|\\')+)\s*(?:#.*)?$/

/** Where a shell would put the value of another variable. */
const reference = /(?<!\\)\$\{?([A-Za-z_]\w*)/g
/** What a backslash takes its meaning from within double quotes, for shells and for Compose; dotenv knows the last two alone. */
const escaped = /\\([\\"$`nr])/g

export function readVariables(text: string): VariableFile {
  const { own, oddities } = walk(text.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n'))
  return { variables: { ...parse(text), ...own }, oddities }
}

/** `own`: what dotenv reads as something else. */
function walk(text: string): { readonly own: Variables; readonly oddities: readonly Oddity[] } {
  const oddities: Oddity[] = unreadableLines(text)
  const own = new Map<string, string>()
  const firstLines = new Map<string, number>()
  const references: (readonly [name: string, line: number])[] = []
  let start = 0
  for (let line = 1; start <= text.length; line += 1) {
    const end = endOfLine(text, start)
    const content = text.slice(start, end)
    const [head, name = ''] = assignment.exec(content) ?? []
    let valueEnd = end
    if (head === undefined) {
      if (!/^\s*(#|$)/.test(content)) oddities.push({ line, ...noAssignment })
    } else {
      const first = firstLines.get(name)
      if (first !== undefined) oddities.push({ line, ...again(name, first) })
      else firstLines.set(name, line)
      const value = valueAt(text, start + head.length, end)
      if (value.odd) oddities.push({ line, ...value.odd })
      if (value.own === undefined) own.delete(name)
      else own.set(name, value.own)
      valueEnd = value.end
      const written = text.slice(start + head.length, valueEnd).replace(/\s#.*$/, '')
      const found = written.startsWith("'") ? [] : written.matchAll(reference)
      for (const [, other = ''] of found) references.push([other, line])
    }
    line += text.slice(start, valueEnd).split('\n').length - 1
    start = valueEnd + 1
  }
  const referring = references.flatMap(([name, line]) => (firstLines.has(name) ? [line] : []))
  for (const line of new Set(referring)) oddities.push({ line, ...unexpanded })
  return { own: Object.fromEntries(own), oddities: oddities.sort((a, b) => a.line - b.line) }
}

type Remark = Omit<Oddity, 'line'>

const noAssignment: Remark = {
  problem: 'is no assignment, and is left out',
  mend: 'write `NAME=value`; a comment begins with `#`',
  unusable: false,
}
const openQuote: Remark = {
  problem: 'has a quote that does not enclose its value, and so is part of it',
  mend: 'close it at the end of the value, or put the value in other quotes',
  unusable: false,
}
const unexpanded: Remark = {
  problem: 'has `$` and the name of another line in its value, for which a shell would put that value: here it stays',
  mend: 'write out what is meant; within single quotes it is no reference',
  unusable: false,
}
const notUtf8: Remark = {
  problem: 'has bytes that are not UTF-8',
  mend: 'save the file as UTF-8',
  unusable: true,
}
const withNul: Remark = {
  problem: 'has a NUL character',
  mend: 'remove it: no environment can hold one',
  unusable: true,
}

function again(name: string, first: number): Remark {
  const problem = `gives ${name} again, and wins over line ${first}`
  return { problem, mend: 'keep one of the two', unusable: false }
}

interface Value {
  readonly end: number
  readonly odd?: Remark
  /** Where dotenv reads something else. */
  readonly own?: string
}

function valueAt(text: string, start: number, lineEnd: number): Value {
  const rest = text.slice(start, lineEnd)
  const quote = /^['"`]/.exec(rest)?.[0]
  if (quote === undefined) {
    // A comment begins behind a space, as shells and Docker have it; dotenv cuts `abc#def`, which is often a password.
    const whole = /^(\S+(?:\s+[^\s#]\S*)*)\s*(?:#.*)?$/.exec(rest)?.[1]
    const isComment = rest.startsWith('#') && /\s/.test(text.charAt(start - 1))
    return whole !== undefined && !isComment && /#|\\\$/.test(whole)
      ? { end: lineEnd, own: whole.replaceAll('\\$', '$') }
      : { end: lineEnd }
  }
  quoted.lastIndex = start
  const enclosed = quoted.exec(text)
  if (enclosed) {
    const end = start + enclosed[0].length
    const inside = /^"((?:\\"|[^"])*)"/.exec(enclosed[0])?.[1]
    return inside === undefined
      ? { end }
      : { end, own: inside.replaceAll(escaped, (_, of: string) => unescaped[of] ?? of) }
  }
  const parts = joined.exec(rest)?.[1]
  if (parts !== undefined)
    return {
      end: lineEnd,
      own: parts.replaceAll(/'([^']*)'|"([^"]*)"|\\(')/g, (_, a = '', b = '', c = '') => a + b + c),
    }
  return rest.length > 1 && rest.trimEnd().endsWith(quote) && !rest.includes('#')
    ? { end: lineEnd }
    : { end: lineEnd, odd: openQuote }
}

const unescaped: Readonly<Record<string, string>> = { n: '\n', r: '\r' }

function unreadableLines(text: string): Oddity[] {
  return text.split('\n').flatMap((content, index) => {
    const line = index + 1
    if (content.includes('\uFFFD')) return [{ line, ...notUtf8 }]
    return content.includes('\0') ? [{ line, ...withNul }] : []
  })
}

function endOfLine(text: string, start: number): number {
  const end = text.indexOf('\n', start)
  return end === -1 ? text.length : end
}

/** The text of such a file, which reads back as exactly these. Throws for a value that `writable` refuses. */
export function writeVariables(variables: Variables): string {
  return Object.entries(variables)
    .map(([name, value]) => {
      const written = quoteValue(value)
      if (written === undefined) throw new Error(`${name} has a value that cannot be written`)
      return `${name}=${written}\n`
    })
    .join('')
}

/** Whether there is a way to write a value: none has room for all kinds of quotes in it and a line end or `#` besides. */
export function writable(value: string): boolean {
  return quoteValue(value) !== undefined
}

/**
 * Only forms that mean the same whatever lines stand around them: a quote inside of its own kind, or behind a backslash, would
 * make the reader look for its end in other lines. In double quotes alone a backslash may mean something.
 */
function quoteValue(value: string): string | undefined {
  if (/[\0\uFFFD]/.test(value) || !value.isWellFormed()) return undefined
  if (/^[\w./:@%+,=~-]*$/.test(value)) return value
  if (!value.endsWith('\\')) {
    for (const quote of ["'", '"', '`']) {
      const isLiteral = quote !== '"' || value.search(escaped) === -1
      if (isLiteral && !value.includes(quote) && !value.includes('\r')) return `${quote}${value}${quote}`
    }
    if (!value.includes('"') && !/\\[\n\r]/.test(value) && value.search(escaped) === -1)
      return `"${value.replaceAll('\n', '\\n').replaceAll('\r', '\\r')}"`
  }
  const isPlain = value.trim() === value && !/[\r\n\u2028\u2029#]|\\\$|^['"`]|['"`]$/.test(value)
  return isPlain ? value : undefined
}
