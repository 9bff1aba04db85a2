/** From tokens to the structure of a Caddyfile: sites and directives. */
import { type Place, Unreadable } from '../notes.ts'
import type { Token } from './tokens.ts'

/** One line: its words, and the lines in its block. */
export interface Directive {
  readonly words: readonly [Token, ...Token[]]
  /** Absent: it has no block. */
  readonly block?: readonly Directive[]
}

export interface Site {
  readonly addresses: readonly Token[]
  readonly body: readonly Directive[]
  readonly at: Place
}

export interface Tree {
  /** The options in the first block, if it has no address. */
  readonly options: readonly Directive[]
  readonly sites: readonly Site[]
}

/** Each level is a recursive call. */
const maxDepth = 50

export function directiveName({ words }: Directive): string {
  return words[0].text
}

/** The words after the name of the directive. */
export function argumentsOf({ words }: Directive): readonly Token[] {
  return words.slice(1)
}

export function isOpening(token: Token | undefined): boolean {
  return token?.text === '{' && !token.quoted
}

export function isClosing(token: Token | undefined): boolean {
  return token?.text === '}' && !token.quoted
}

export function treeOf(tokens: readonly Token[]): Tree {
  const sites: Site[] = []
  let options: readonly Directive[] = []
  let position = 0
  while (position < tokens.length) {
    const start = tokens[position] as Token
    if (isOpening(start)) {
      if (position > 0) throw new Unreadable(start.at, 'a block without an address must be the first in the file')
      const read = blockAt(tokens, position + 1, { opened: start.at, depth: 1 })
      options = read.directives
      position = read.end
      continue
    }
    if (isClosing(start)) throw new Unreadable(start.at, 'this brace closes nothing')
    const { addresses, end } = addressesAt(tokens, position)
    // A file may be one site without braces, whose body is the rest of the file.
    const bare = !isOpening(tokens[end])
    const { directives, end: after } = bare
      ? blockAt(tokens, end, { depth: 1 })
      : blockAt(tokens, end + 1, { opened: (tokens[end] as Token).at, depth: 1 })
    if (bare && sites.length > 0)
      throw new Unreadable(start.at, 'a site after another one needs braces around its directives')
    sites.push({ addresses, body: directives, at: start.at })
    position = after
  }
  return { options, sites }
}

/** A comma at the end of an address continues the list on the next line. */
function addressesAt(tokens: readonly Token[], start: number): { addresses: Token[]; end: number } {
  const addresses: Token[] = []
  let position = start
  let isContinued = true
  for (
    let token = tokens[position];
    token && !isOpening(token) && (!token.first || isContinued);
    token = tokens[position]
  ) {
    isContinued = token.text.endsWith(',')
    addresses.push(...token.text.split(',').flatMap((text) => (text === '' ? [] : [{ ...token, text }])))
    position += 1
  }
  return { addresses, end: position }
}

interface BlockContext {
  /** Of the brace that is to be closed; absent: the end of the file ends it. */
  readonly opened?: Place
  readonly depth: number
}

function blockAt(
  tokens: readonly Token[],
  start: number,
  { opened, depth }: BlockContext,
): { directives: Directive[]; end: number } {
  if (opened && depth > maxDepth) throw new Unreadable(opened, `blocks are nested more than ${maxDepth} deep`)
  const directives: Directive[] = []
  let position = start
  for (;;) {
    const token = tokens[position]
    if (token === undefined) {
      if (opened) throw new Unreadable(opened, 'this brace is never closed')
      return { directives, end: position }
    }
    if (isClosing(token)) {
      if (!opened) throw new Unreadable(token.at, 'this brace closes nothing')
      return { directives, end: position + 1 }
    }
    if (isOpening(token)) throw new Unreadable(token.at, 'a block needs a directive in front of it, on the same line')
    const words: [Token, ...Token[]] = [token]
    for (position += 1; !endsWords(tokens[position]); position += 1) words.push(tokens[position] as Token)
    const brace = tokens[position]
    if (brace && isOpening(brace) && !brace.first) {
      const inner = blockAt(tokens, position + 1, { opened: brace.at, depth: depth + 1 })
      directives.push({ words, block: inner.directives })
      position = inner.end
    } else directives.push({ words })
  }
}

function endsWords(token: Token | undefined): boolean {
  return token === undefined || token.first || isOpening(token) || isClosing(token)
}
