/**
 * Files with lines `NAME=value`, read as a POSIX shell reads assignments (XCU 2.2 Quoting, 2.9.1), without its other
 * features: nothing is expanded and nothing runs. A line either has the value that a shell would give it, or is
 * reported with its line and column, never with its value.
 */
import type { Variables } from './interpolate.ts'
import { readValue, type ValueProblem } from './variable-value.ts'

export interface VariableFile {
  readonly variables: Variables
  /** In the order of the file. */
  readonly problems: readonly LineProblem[]
}

export interface LineProblem extends ValueProblem {
  /** Both count from 1. */
  readonly line: number
  readonly column: number
}

const byteOrderMark = /^\uFEFF/
/** More than shells accept: Compose allows `A = 1` and names with dots; both are reported. */
const assignment = /[ \t]*(?:export[ \t]+)?([\w.-]+)([ \t]*=|:(?=[ \t]))([ \t]*)/y
const blankLine = /[ \t]*(?:#[^\n]*|\r)?(?:\n|$)/y
const shellName = /^[A-Za-z_]\w*$/

// Each makes the reader search the rest of the file for its end, and a shell accepts no file with even one.
const maxOpenQuotes = 20

export function readVariables(written: string): VariableFile {
  const text = withPlainLineEnds(written.replace(byteOrderMark, ''))
  const variables: Record<string, string> = {}
  const firstLines = new Map<string, number>()
  const problems: LineProblem[] = unreadableLines(text)
  let openQuotes = 0
  let line = 1
  let start = 0
  while (start < text.length) {
    const at = (offset: number) => placeOf(text, { line, start }, offset)
    blankLine.lastIndex = start
    assignment.lastIndex = start
    let end = endOfLine(text, start)
    const [head, name = '', sign = '', gap = ''] = assignment.exec(text) ?? []
    if (head !== undefined) {
      const valueAt = start + head.length
      // `#` begins a comment only after a space.
      const value = readValue(text, text[valueAt] === '#' ? valueAt - gap.length : valueAt, {
        acrossLines: openQuotes < maxOpenQuotes,
      })
      if (value.open) openQuotes += 1
      const nameAt = valueAt - gap.length - sign.length - name.length
      if (!shellName.test(name)) problems.push({ ...at(nameAt), ...oddName })
      const first = firstLines.get(name)
      if (first !== undefined) problems.push({ ...at(nameAt), ...again(name, first) })
      else firstLines.set(name, line)
      if (sign !== '=' || (gap !== '' && value.text !== ''))
        problems.push({ ...at(nameAt + name.length), ...(sign === ':' ? colon : spaced) })
      for (const { offset, problem } of value.problems) problems.push({ ...at(offset), ...problem })
      // fromEntries and spreads keep own properties only, so that `__proto__` is a name like any other.
      Object.defineProperty(variables, name, {
        value: value.text,
        enumerable: true,
        configurable: true,
        writable: true,
      })
      end = value.end
    } else if (!blankLine.test(text)) {
      problems.push({ ...at(start + Math.max(text.slice(start, end).search(/[^ \t]/), 0)), ...noAssignment })
    }
    line += linesIn(text, start, end) + 1
    start = end + 1
  }
  return { variables, problems: problems.sort((a, b) => a.line - b.line || a.column - b.column) }
}

/**
 * In a Windows file all line ends are `\r\n`, within quotes too. In any other file a `\r` within quotes is part of the
 * value, as in a shell; before the end of a line it never is, unlike in a shell.
 */
function withPlainLineEnds(text: string): string {
  return /(?<!\r)\n/.test(text) ? text : text.replaceAll('\r\n', '\n')
}

/** Where `offset` is, in or below the line that starts at `start`. */
function placeOf(
  text: string,
  { line, start }: { line: number; start: number },
  offset: number,
): { line: number; column: number } {
  const lineStart = text.lastIndexOf('\n', offset - 1) + 1
  return { line: line + linesIn(text, start, lineStart), column: offset - Math.max(lineStart, start) + 1 }
}

function linesIn(text: string, start: number, end: number): number {
  let lines = 0
  for (let at = text.indexOf('\n', start); at !== -1 && at < end; at = text.indexOf('\n', at + 1)) lines += 1
  return lines
}

function endOfLine(text: string, start: number): number {
  const end = text.indexOf('\n', start)
  return end === -1 ? text.length : end
}

function unreadableLines(text: string): LineProblem[] {
  if (!/[\0\uFFFD]/.test(text)) return []
  return text.split('\n').flatMap((content, index) => {
    const place = { line: index + 1, column: content.search(/[\0\uFFFD]/) + 1 }
    if (place.column === 0) return []
    return [{ ...place, ...(content.includes('\uFFFD') ? notUtf8 : withNul) }]
  })
}

const noAssignment: ValueProblem = {
  problem: 'is not an assignment and is ignored',
  hint: 'write `NAME=value`; a comment begins with `#`',
  unusable: false,
}
const oddName: ValueProblem = {
  problem: 'has a name that no shell can set; it is set anyway',
  hint: 'use letters, digits and `_`, not beginning with a digit',
  unusable: false,
}
const spaced: ValueProblem = {
  problem: 'has a space next to `=`, so a shell would not read it as an assignment; Gatehouse does',
  hint: 'write `NAME=value`',
  unusable: false,
}
const colon: ValueProblem = {
  problem: 'has `:` instead of `=`, so a shell would not read it as an assignment; Gatehouse does',
  hint: 'write `NAME=value`',
  unusable: false,
}
const notUtf8: ValueProblem = {
  problem: 'contains bytes that are not UTF-8',
  hint: 'save the file as UTF-8',
  unusable: true,
}
const withNul: ValueProblem = {
  problem: 'contains a NUL character',
  hint: 'remove it: environment variables cannot contain NUL',
  unusable: true,
}

function again(name: string, first: number): ValueProblem {
  const problem = `sets ${name} again, overriding line ${first}`
  return { problem, hint: 'keep one of the two', unusable: false }
}
