/** YAML text as a tree with positions. Syntax errors end here; what the tree says is read by evaluate.ts. */
import type { Document, Node, Pair, YAMLMap } from 'yaml'
import { isAlias, isScalar, LineCounter, parseDocument, type YAMLError } from 'yaml'
import type { Problem, Report, SourcePosition } from './diagnostics.ts'

export interface YamlSource {
  readonly root: Node | null
  positionOf(node: Node): SourcePosition
  /** The node that an alias stands for, any other node itself; undefined (and reported) once the file expands too far. */
  follow(node: Node, depth: number): Node | undefined
}

export interface YamlEntry {
  readonly key: string
  readonly keyAt: SourcePosition
  /** null: nothing was written behind the key. */
  readonly value: Node | null
}

// Far above any real file: they only end a file whose aliases multiply ("billion laughs") or contain themselves.
const mostNodes = 50_000
const greatestDepth = 50

/** Undefined if the text is not YAML. A duplicate key is reported and the rest is still read, to find more mistakes. */
export function parseYaml(file: string, text: string, report: Report): YamlSource | undefined {
  const lines = new LineCounter()
  const document = parseDocument<Node>(text, { lineCounter: lines, prettyErrors: false })
  const position = (offset: number): SourcePosition => {
    const { line, col } = lines.linePos(offset)
    // An empty file has no line at all.
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  for (const error of [...document.errors, ...document.warnings]) report(problemOf(error, position(error.pos[0])))
  if (document.errors.some(({ code }) => code !== 'DUPLICATE_KEY')) return undefined

  let nodes = 0
  return {
    root: document.contents,
    positionOf: (node) => position(node.range?.[0] ?? 0),
    follow(node, depth) {
      nodes += 1
      if (nodes > mostNodes || depth > greatestDepth) {
        if (nodes < Number.POSITIVE_INFINITY) report(tooLarge(position(node.range?.[0] ?? 0)))
        nodes = Number.POSITIVE_INFINITY
        return undefined
      }
      return resolveAlias(document, node, (problem) => report({ ...problem, at: position(node.range?.[0] ?? 0) }))
    },
  }
}

/** The entries of a mapping in their order; a key that is not a plain word is reported and left out. */
export function entriesOf(source: YamlSource, mapping: YAMLMap, report: Report): readonly YamlEntry[] {
  return (mapping.items as Pair<Node, Node | null>[]).flatMap(({ key, value }) => {
    const keyAt = source.positionOf(key)
    if (isScalar(key)) return [{ key: key.source ?? String(key.value), keyAt, value }]
    report({ code: 'yaml-syntax', at: keyAt, message: 'a key must be a word', mend: 'write keys as plain text' })
    return []
  })
}

function problemOf(error: YAMLError, at: SourcePosition): Problem {
  if (error.code === 'DUPLICATE_KEY')
    return {
      code: 'duplicate-key',
      at,
      message: 'this key stands twice in the same mapping',
      mend: 'keep one of the two',
    }
  if (error.code === 'TAB_AS_INDENT')
    return { code: 'yaml-syntax', at, message: 'a tab is used for indentation', mend: 'YAML indents with spaces' }
  if (error.code === 'MULTIPLE_DOCS')
    return { code: 'yaml-syntax', at, message: 'a second document begins here', mend: 'one file holds one document' }
  const severity = error.name === 'YAMLWarning' ? 'warning' : 'error'
  return { severity, code: 'yaml-syntax', at, message: `not YAML: ${error.message}` }
}

function resolveAlias(
  document: Document<Node>,
  node: Node,
  report: (problem: Omit<Problem, 'at'>) => void,
): Node | undefined {
  if (!isAlias(node)) return node
  const target = document.contents ? node.resolve(document) : undefined
  if (!target)
    report({
      code: 'yaml-syntax',
      message: `no anchor \`&${node.source}\` stands before this`,
      mend: 'name an earlier anchor',
    })
  return target
}

function tooLarge(at: SourcePosition): Problem {
  return {
    code: 'yaml-too-large',
    at,
    message: 'the file is nested too deeply or its aliases expand too far',
    mend: 'an alias must not stand inside its own anchor; repeat less',
  }
}
