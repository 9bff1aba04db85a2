/** A Compose file as plain nodes with their places: aliases and merge keys resolved, variables marked. */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  parseDocument,
  type Node as YamlNode,
} from 'yaml'
import type { Place, Report } from '../reports.ts'
import { markVariables } from './interpolate.ts'

export type Node = Mapping | List | Scalar

export interface Mapping {
  readonly kind: 'mapping'
  readonly at: Place
  readonly entries: ReadonlyMap<string, { readonly at: Place; readonly value: Node }>
}

export interface List {
  readonly kind: 'list'
  readonly at: Place
  readonly items: readonly Node[]
}

export interface Scalar {
  readonly kind: 'scalar'
  readonly at: Place
  /** With its variables marked (marked.ts); empty for null. */
  readonly text: string
  /** The value is missing or `null`. */
  readonly absent: boolean
}

/** Undefined, and reported, if it is not YAML. */
export function readTree(file: string, text: string, report: Report): Node | undefined {
  const lines = new LineCounter()
  const document: Document<YamlNode> = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const placeOf = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  const [error] = document.errors
  if (error) {
    report(placeOf(error.pos[0]), 'untranslated', `not YAML: ${error.message}`)
    return undefined
  }
  if (!document.contents) return undefined
  return convert(document.contents, { document, placeOf, report, depth: 0, budget: { nodes: maxNodes } })
}

// Far above any real file: they stop aliases that multiply or contain themselves.
const maxNodes = 50_000
const maxDepth = 50

interface Conversion {
  readonly document: Document<YamlNode>
  readonly placeOf: (offset: number) => Place
  readonly report: Report
  readonly depth: number
  readonly budget: { nodes: number }
}

function convert(node: YamlNode | null, conversion: Conversion): Node {
  const { document, placeOf, report, depth, budget } = conversion
  const at = placeOf(node?.range?.[0] ?? 0)
  const nothing: Scalar = { kind: 'scalar', at, text: '', absent: true }
  budget.nodes -= 1
  if (budget.nodes < 0 || depth > maxDepth) {
    if (budget.nodes === -1 || depth === maxDepth + 1)
      report(at, 'untranslated', 'the file is nested too deeply or its aliases expand too far')
    return nothing
  }
  const deeper = { ...conversion, depth: depth + 1 }
  if (isAlias(node)) {
    const target = node.resolve(document)
    return target ? convert(target as YamlNode, deeper) : nothing
  }
  if (isSeq(node))
    return { kind: 'list', at, items: node.items.map((item) => convert(item as YamlNode | null, deeper)) }
  if (isMap(node))
    return { kind: 'mapping', at, entries: entriesOf(node.items as Pair<YamlNode, YamlNode | null>[], deeper) }
  if (!isScalar(node) || node.value === null) return nothing
  const written = typeof node.value === 'string' ? node.value : (node.source ?? String(node.value))
  return { kind: 'scalar', at, text: markVariables(written, at, report), absent: false }
}

/** Keys of the mapping win over those merged by `<<`; of several merged ones the first wins. */
function entriesOf(pairs: readonly Pair<YamlNode, YamlNode | null>[], conversion: Conversion): Mapping['entries'] {
  const own = new Map<string, { at: Place; value: Node }>()
  const merged = new Map<string, { at: Place; value: Node }>()
  for (const { key, value } of pairs) {
    const name = isScalar(key) ? String(key.value) : ''
    const converted = convert(value, conversion)
    if (name !== '<<') {
      const at = conversion.placeOf(key.range?.[0] ?? 0)
      // A missing value has no place of its own, so it gets that of its key.
      own.set(name, { at, value: value === null ? { ...converted, at } : converted })
      continue
    }
    for (const source of converted.kind === 'list' ? converted.items : [converted])
      if (source.kind === 'mapping')
        for (const [inherited, entry] of source.entries) if (!merged.has(inherited)) merged.set(inherited, entry)
  }
  return new Map([...merged, ...own])
}
