/** Explains frequent YAML syntax errors, each with what to write. */
import type { Document, Node, YAMLError } from 'yaml'
import type { Problem, SourcePosition } from '../diagnostics.ts'
import { quotedFrom } from '../hints/unquoted.ts'

/** The syntax errors of a document, each where the mistake begins. */
export function syntaxProblems(
  document: Document<Node>,
  text: string,
  position: (offset: number) => SourcePosition,
): readonly Problem[] {
  return relevantErrors(document).map((error) => {
    const star = aliasBefore(error, text)
    if (star !== undefined) return unquotedStar(text, star, position(star))
    return lineMistake(error, text, position) ?? problemOf(error, text, position(error.pos[0]))
  })
}

/** After the first syntax error nothing is where it should be, so later errors mislead. */
function relevantErrors({ errors, warnings }: Document<Node>): readonly YAMLError[] {
  const [first] = [...errors].sort((a, b) => a.pos[0] - b.pos[0])
  return first ? [first] : [...errors, ...warnings]
}

/** Offset of an unquoted `*` at the start of a schedule: YAML reads an alias and refuses what follows it. */
function aliasBefore({ message, pos }: YAMLError, text: string): number | undefined {
  if (!message.endsWith('at node end')) return undefined
  const line = text.slice(text.lastIndexOf('\n', pos[0] - 1) + 1, pos[0])
  const start = /(?<![^\s[{,])\*\S*\s+$/.exec(line)?.index
  return start === undefined ? undefined : pos[0] - line.length + start
}

function unquotedStar(text: string, offset: number, at: SourcePosition): Problem {
  const message = '`*` at the beginning of a value is special in YAML'
  return { code: 'yaml-syntax', at, message, hint: quoteIt(text, offset) }
}

/** Frequent mistakes in plain words; for the rest, the parser's message. */
function problemOf(error: YAMLError, text: string, at: SourcePosition): Problem {
  const [offset, end] = error.pos
  const syntax = (message: string, hint?: string): Problem => ({ code: 'yaml-syntax', at, message, hint })
  if (error.code === 'TAB_AS_INDENT')
    return syntax('a tab is used for indentation', 'YAML indents with spaces: write two for each tab')
  const special = /^(?:[@`%*]|!(?!!)\S)/.exec(text.slice(offset))?.[0]
  if (
    special !== undefined &&
    (error.code === 'BAD_ALIAS' || error.code === 'TAG_RESOLVE_FAILED' || error.code === 'BAD_SCALAR_START')
  )
    return syntax(
      `${special === '`' ? 'a backquote' : `\`${special.charAt(0)}\``} at the beginning of a value is special in YAML`,
      quoteIt(text, offset),
    )
  const [, key, value] = /^([\w-]+):(\S.*)/.exec(text.slice(offset)) ?? []
  if (error.code === 'MISSING_CHAR' && key !== undefined)
    return syntax(`a space is missing after \`${key}:\``, `write \`${key}: ${value}\``)
  if (error.code === 'MULTIPLE_DOCS')
    return syntax('a second document begins here', 'a config file holds one document: remove the others')
  if (error.code === 'BLOCK_AS_IMPLICIT_KEY')
    return syntax('this line has a second `: `', 'put quotes around a value that contains `: `')
  if (text.slice(offset, end) === '{' && error.code !== 'BAD_INDENT')
    return syntax('a value that contains `{` needs quotes here', 'inside `[ ]` and `{ }`, write `"${NAME}"`')
  const [, unclosed] = /^Flow (sequence|map)/.exec(error.message) ?? []
  if (unclosed) {
    const [open, close] = unclosed === 'map' ? ['{', '}'] : ['[', ']']
    return syntax(
      `an earlier \`${open}\` is not closed`,
      `write \`${close}\` where it ends, and quote values that contain brackets`,
    )
  }
  if (error.message.includes('same column'))
    return syntax('this line is not indented like the keys around it', 'start all keys of a mapping in the same column')
  const [, missing] = /^Plain value cannot start with .* (\S)$/.exec(error.message) ?? []
  if (missing !== undefined) return syntax(`a value cannot begin with \`${missing}\` in YAML`, quoteIt(text, offset))
  return { ...syntax(`invalid YAML: ${error.message}`), severity: error.name === 'YAMLWarning' ? 'warning' : 'error' }
}

/** Mistakes that show in the line of the error, or in the one before, better than in the parser's message. */
function lineMistake(
  error: YAMLError,
  text: string,
  position: (offset: number) => SourcePosition,
): Problem | undefined {
  const [offset] = error.pos
  const start = text.lastIndexOf('\n', offset - 1) + 1
  const line = /[^\n]*/.exec(text.slice(start))?.[0] ?? ''
  const syntax = (place: number, message: string, hint: string): Problem => {
    return { code: 'yaml-syntax', at: position(place), message, hint }
  }
  const indent = line.search(/\S/)
  if (line.startsWith('//', indent))
    return syntax(start + indent, '`//` does not begin a comment in YAML', `write \`#${line.slice(indent + 2)}\``)
  const [, , item] = /^(\s*)-([\w-]+: .*)$/.exec(line) ?? []
  if (item !== undefined) return syntax(start + indent, 'a space is missing after `-`', `write \`- ${item}\``)
  if (error.message.startsWith('Missing closing')) {
    const open = openQuote(text)
    const mark = text.charAt(open)
    return syntax(open, `a \`${mark}\` is not closed`, `write \`${mark}\` where the text ends`)
  }
  if (/^Flow (?:sequence|map)/.test(error.message)) {
    const before = text.slice(0, offset).trimEnd()
    const last = before.slice(before.lastIndexOf('\n') + 1)
    const [head] = /^[^#]*[[{][^#]*?\s(?=#)/.exec(last) ?? []
    if (head !== undefined && /[\]}]/.test(last.slice(head.length)))
      return syntax(
        before.length - last.length + head.length,
        '` #` begins a comment that runs to the end of the line',
        'put quotes around a value that contains ` #`',
      )
  }
  if (error.code === 'BLOCK_IN_FLOW')
    return syntax(offset, 'one entry of `{ }` has a second `: `', 'write a comma between the entries')
  // A missing space after a key has its own message.
  if (error.code === 'MISSING_CHAR' && /^[\w-]+:\S/.test(text.slice(offset))) return undefined
  if (/^Implicit (?:map )?keys need/.test(error.message) || error.message === 'Unexpected scalar at node end')
    return syntax(
      offset,
      'this line is neither `key: value` nor `- item`',
      'write `key: value`, or put `#` before a comment',
    )
  return undefined
}

/** Offset of the last quote in the first line with an odd number of one kind. */
function openQuote(text: string): number {
  let start = 0
  for (const line of text.split('\n')) {
    for (const mark of ['"', "'"])
      if ((line.replaceAll(`\\${mark}`, '').split(mark).length - 1) % 2 === 1) return start + line.lastIndexOf(mark)
    start += line.length + 1
  }
  return Math.max(0, text.search(/["']/))
}

export function quoteIt(text: string, offset: number): string {
  return `quote it: write \`${quotedFrom(text, offset)}\``
}
