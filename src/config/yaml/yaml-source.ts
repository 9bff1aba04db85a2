/** YAML text as a tree with positions. Syntax errors end here; what the tree says is read by evaluate.ts. */
import type { Document, Node, Pair, YAMLMap } from 'yaml'
import { isAlias, isScalar, LineCounter, parseDocument } from 'yaml'
import type { Problem, Report, SourcePosition } from '../diagnostics.ts'
import { quoteIt, syntaxProblems } from './yaml-mistakes.ts'
import { walk } from './yaml-walk.ts'

export interface YamlSource {
  readonly root: Node | null
  positionOf(node: Node): SourcePosition
  /**
   * The node that an alias refers to, any other node itself; undefined (and reported) once the file expands too far.
   */
  follow(node: Node, depth: number): Node | undefined
  /** Whether that happened: then what was read is incomplete. */
  expandsTooFar(): boolean
}

export interface YamlEntry {
  readonly key: string
  readonly keyAt: SourcePosition
  /** null: nothing follows the key. */
  readonly value: Node | null
}

// Only for files whose aliases multiply ("billion laughs"): without aliases there is at most one node per character,
// however long the file is.
const maxAliasNodes = 1_000_000
const maxDepth = 50
/**
 * In characters. This size, 130,000 routes, takes 2 GB to read: a longer file could run out of memory without a
 * message.
 */
const maxLength = 8_388_608

/** Undefined if the text is not YAML. A duplicate key is reported and the rest is still read, to find more mistakes. */
export function parseYaml(file: string, text: string, report: Report): YamlSource | undefined {
  const lines = new LineCounter()
  const start: SourcePosition = { file, line: 1, column: 1 }
  if (text.length > maxLength) {
    report(tooLong(start, text.length))
    return undefined
  }
  const position = (offset: number): SourcePosition => {
    const { line, col } = lines.linePos(offset)
    // An empty file has no line at all.
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  const document = parse(text, lines)
  if (typeof document === 'number') {
    report(tooDeep(position(document)))
    return undefined
  }
  for (const problem of syntaxProblems(document, text, position)) report(problem)
  if (document.errors.length > 0) return undefined
  const { targets, duplicates } = walk(document.contents)
  for (const key of duplicates) report(duplicateKey(text, position(offsetOf(key)), offsetOf(key)))

  const maxNodes = text.length + maxAliasNodes
  let nodes = 0
  let tooFar = false
  return {
    root: document.contents,
    positionOf: (node) => position(offsetOf(node)),
    follow(node, depth) {
      nodes += 1
      if (tooFar) return undefined
      const target = isAlias(node) ? targets.get(node) : node
      const at = () => position(offsetOf(node))
      if (!target) report(unknownAnchor(at(), node, text))
      else if (isAlias(node) && contains(target, node)) report(endless(at()))
      else if (nodes > maxNodes) report(expanded(at()))
      else if (depth > maxDepth) report(tooDeep(at()))
      else return target
      // An unknown anchor affects one place only; after the others nothing is complete.
      tooFar = target !== undefined
      return undefined
    },
    expandsTooFar: () => tooFar,
  }
}

/** The entries of a mapping in their order; a key that is not a plain word is reported and left out. */
export function entriesOf(source: YamlSource, mapping: YAMLMap, report: Report): readonly YamlEntry[] {
  return (mapping.items as Pair<Node, Node | null>[]).flatMap(({ key, value }) => {
    const keyAt = source.positionOf(key)
    const name = isScalar(key) ? (key.source ?? String(key.value)) : undefined
    // zod silently skips `__proto__`, which is special in JavaScript.
    if (name !== undefined && name !== '__proto__') return [{ key: name, keyAt, value }]
    report({ code: 'yaml-syntax', at: keyAt, message: 'this cannot be a key', hint: 'write keys as plain words' })
    return []
  })
}

/** The document, or the offset at which the nesting exceeds the parser's stack. */
function parse(text: string, lineCounter: LineCounter): Document<Node> | number {
  try {
    const document = parseDocument<Node>(text, { lineCounter, prettyErrors: false, uniqueKeys: false })
    // Part of the parser catches what it throws.
    const overflow = document.errors.find(({ message }) => message === stackOverflow)
    return overflow ? overflow.pos[0] : document
  } catch (error) {
    if (error instanceof RangeError) return 0
    throw error
  }
}

/** V8's message. */
const stackOverflow = 'Maximum call stack size exceeded'

function offsetOf(node: Node): number {
  return node.range?.[0] ?? 0
}

/** An alias can only be endless inside its own anchor, since anchors come before their aliases. */
function contains(target: Node, alias: Node): boolean {
  const [start = 0, , end = 0] = target.range ?? []
  return start <= offsetOf(alias) && offsetOf(alias) < end
}

function duplicateKey(text: string, at: SourcePosition, offset: number): Problem {
  const key = /^[^\s:]*/.exec(text.slice(offset, offset + 1_000))?.[0] ?? ''
  const message = `duplicate key \`${key}\` in this mapping`
  return { code: 'duplicate-key', at, message, hint: 'keep one of the two' }
}

function unknownAnchor(at: SourcePosition, alias: Node, text: string): Problem {
  const name = isAlias(alias) ? alias.source : ''
  const message = `\`*\` at the beginning of a value refers to an anchor, but there is no \`&${name}\` before this`
  return { code: 'yaml-syntax', at, message, hint: quoteIt(text, offsetOf(alias)) }
}

function endless(at: SourcePosition): Problem {
  const message = 'this alias is inside its own anchor and would expand without end'
  return { code: 'yaml-too-large', at, message, hint: 'refer to an anchor that does not contain it' }
}

function expanded(at: SourcePosition): Problem {
  const message = `the aliases of the file expand to more than ${maxAliasNodes} values`
  return { code: 'yaml-too-large', at, message, hint: 'use fewer aliases of aliases' }
}

function tooDeep(at: SourcePosition): Problem {
  const message = `the file is nested more than ${maxDepth} levels deep here`
  return { code: 'yaml-too-large', at, message, hint: 'flatten it: no option needs a tenth of that' }
}

function tooLong(at: SourcePosition, length: number): Problem {
  const message = `the file has ${length} characters; at most ${maxLength} are allowed`
  return {
    code: 'yaml-too-large',
    at,
    message,
    hint: 'move long content to other files, such as pages and environment files',
  }
}
