/** Snippets and `import`: Caddy replaces the line by tokens before it parses the structure. */
import { dirname, isAbsolute, join } from 'node:path'
import { type Notes, type Place, Unreadable } from '../notes.ts'
import { textNow } from './texts.ts'
import { type Token, tokensOf } from './tokens.ts'
import { isClosing, isOpening } from './tree.ts'

/** Access to imported files. Paths are absolute, or relative to the working directory. */
export interface Folder {
  /** Undefined: there is no such file. */
  readonly readFile: (path: string) => string | undefined
  /** Files that match a shell pattern, sorted by name. */
  readonly glob: (pattern: string) => readonly string[]
  readonly environment: Readonly<Record<string, string>>
}

/** They stop a file that imports itself, or snippets that multiply. */
const maxDepth = 20
const maxTokens = 200_000

interface Imports {
  readonly snippets: Map<string, readonly Token[]>
  readonly folder: Folder
  readonly notes: Notes
  count: number
}

/** The tokens of a file with its snippets and imports expanded. */
export function withImports(tokens: readonly Token[], folder: Folder, notes: Notes): Token[] {
  return expand(tokens, { snippets: new Map(), folder, notes, count: 0 }, 0)
}

function expand(tokens: readonly Token[], imports: Imports, depth: number): Token[] {
  const expanded: Token[] = []
  let level = 0
  for (let position = 0; position < tokens.length; position += 1) {
    const token = tokens[position] as Token
    imports.count += 1
    if (imports.count > maxTokens) throw new Unreadable(token.at, 'this file is too long with everything it imports')
    const snippet = level === 0 && token.first && !token.quoted ? /^\((.+)\)$/.exec(token.text)?.[1] : undefined
    if (snippet !== undefined) {
      const end = closingOf(tokens, position + 1, token.at)
      imports.snippets.set(snippet, tokens.slice(position + 2, end))
      position = end
    } else if (token.first && token.text === 'import' && !token.quoted) {
      const words = lineBehind(tokens, position)
      const last = position + words.length
      const isBlock = isOpening(tokens[last])
      const end = isBlock ? closingOf(tokens, last, token.at) : last
      const args: ImportArguments = {
        words: isBlock ? words.slice(0, -1) : words,
        block: isBlock ? tokens.slice(last + 1, end) : [],
      }
      if (depth >= maxDepth) throw new Unreadable(token.at, `imports are nested more than ${maxDepth} deep`)
      expanded.push(...expand(imported(token, args, imports), imports, depth + 1))
      position = end
    } else {
      if (isOpening(token)) level += 1
      if (isClosing(token)) level -= 1
      expanded.push(token)
    }
  }
  return expanded
}

function lineBehind(tokens: readonly Token[], position: number): readonly Token[] {
  let end = position + 1
  while (end < tokens.length && !tokens[end]?.first) end += 1
  return tokens.slice(position + 1, end)
}

function closingOf(tokens: readonly Token[], opening: number, at: Place): number {
  if (!isOpening(tokens[opening])) throw new Unreadable(at, 'a snippet needs a block: `(name) {`')
  let level = 0
  for (let position = opening; position < tokens.length; position += 1) {
    if (isOpening(tokens[position])) level += 1
    if (isClosing(tokens[position])) level -= 1
    if (level === 0) return position
  }
  throw new Unreadable(at, 'the brace of this snippet is never closed')
}

/** The arguments of `import`: its words and its block. */
interface ImportArguments {
  readonly words: readonly Token[]
  readonly block: readonly Token[]
}

function imported(at: Token, { words, block }: ImportArguments, { snippets, folder, notes }: Imports): Token[] {
  const [name, ...values] = words
  const filled = (token: Token) => (token.text === '{block}' ? block : withArguments(token, values))
  if (name === undefined) throw new Unreadable(at.at, '`import` needs the name of a snippet or a file')
  const snippet = snippets.get(name.text)
  if (snippet) return snippet.flatMap(filled)
  const written = textNow(name.text, folder.environment)
  const path = isAbsolute(written) ? written : join(dirname(at.at.file), written)
  const files = /[*?[]/.test(path) ? folder.glob(path) : [path]
  // Caddy accepts a pattern without matches; on another machine whole sites would be missing.
  if (files.length === 0) notes.untranslated(name.at, `no file matches \`${name.text}\``)
  return files.flatMap((file) => {
    const text = folder.readFile(file)
    if (text === undefined) throw new Unreadable(name.at, `there is neither a snippet nor a file ${name.text}`)
    return tokensOf(file, text).flatMap(filled)
  })
}

/** `{args[0]}` and the older `{args.0}`; `{args[:]}` as a separate word becomes all of them. */
function withArguments(token: Token, args: readonly Token[]): Token[] {
  if (!token.text.includes('{args')) return [token]
  const range = /^\{args\[(\d*):(\d*)\]\}$/.exec(token.text)
  if (range) {
    const all = args.slice(Number(range[1] || 0), range[2] ? Number(range[2]) : undefined)
    return all.map((one, index) => ({ ...token, text: one.text, first: token.first && index === 0 }))
  }
  const text = token.text.replaceAll(/\{args(?:\[(\d+)\]|\.(\d+))\}/g, (written, index, older) => {
    return args[Number(index ?? older)]?.text ?? written
  })
  return [{ ...token, text }]
}
