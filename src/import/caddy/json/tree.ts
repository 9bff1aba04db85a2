/** JSON whose parts know their places. */
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml'
import { messageOf } from '../../../shared/errors.ts'
import { type Place, Unreadable } from '../notes.ts'

export interface Json {
  readonly at: Place
  /** Set for a string or number. */
  readonly text?: string
  readonly items?: readonly Json[]
  readonly entries?: ReadonlyMap<string, Json>
  /** `true`, `false` or `null`. */
  readonly word?: boolean | null
}

/** Far above any real configuration. */
const maxDepth = 100
const maxCharacters = 4_000_000

/** Throws Unreadable. */
export function jsonTree(file: string, text: string): Json {
  const start: Place = { file, line: 1, column: 1 }
  if (text.length > maxCharacters) throw new Unreadable(start, 'this file is too long for a configuration')
  try {
    JSON.parse(text)
  } catch (error) {
    throw new Unreadable(start, `not JSON: ${messageOf(error)}`)
  }
  if (depthOf(text) > maxDepth) throw new Unreadable(start, `it is nested more than ${maxDepth} deep`)
  // The YAML library supplies the places: JSON is YAML, and anything else has been refused.
  const lines = new LineCounter()
  const document = parseDocument<Node>(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false })
  return convert(document.contents)

  function convert(node: Node | null): Json {
    const { line, col } = lines.linePos(node?.range?.[0] ?? 0)
    const at: Place = { file, line: Math.max(line, 1), column: Math.max(col, 1) }
    if (isSeq<Node>(node)) return { at, items: node.items.map(convert) }
    if (isMap<Node, Node>(node))
      return {
        at,
        entries: new Map(node.items.map(({ key, value }) => [isScalar(key) ? String(key.value) : '', convert(value)])),
      }
    const value = isScalar(node) ? node.value : null
    if (typeof value === 'boolean' || value === null) return { at, word: value }
    return { at, text: isScalar(node) && typeof value !== 'string' ? (node.source ?? String(value)) : String(value) }
  }
}

/** The depth of valid JSON. */
function depthOf(text: string): number {
  let [depth, greatest] = [0, 0]
  for (const [mark] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/g)) {
    if (mark === '[' || mark === '{') greatest = Math.max(greatest, ++depth)
    else if (mark === ']' || mark === '}') depth -= 1
  }
  return greatest
}

/** Parts that readers looked into and parts that they took, kept here so that no reader has to pass them on. */
const visited = new WeakSet<Json>()
const read = new WeakSet<Json>()

export function wasVisited(json: Json): boolean {
  return visited.has(json)
}

export function wasRead(json: Json): boolean {
  return read.has(json)
}

export function entry(json: Json | undefined, ...path: readonly string[]): Json | undefined {
  return path.reduce<Json | undefined>((part, key) => {
    if (!part) return undefined
    visited.add(part)
    const value = part.entries?.get(key)
    if (value) read.add(value)
    return value
  }, json)
}

export function entriesOf(json: Json | undefined, ...path: readonly string[]): readonly (readonly [string, Json])[] {
  const found = entry(json, ...path)
  if (!found?.entries) return []
  visited.add(found)
  for (const value of found.entries.values()) read.add(value)
  return [...found.entries]
}

export function itemsOf(json: Json | undefined, ...path: readonly string[]): readonly Json[] {
  return entry(json, ...path)?.items ?? []
}

export function textOf(json: Json | undefined, ...path: readonly string[]): string | undefined {
  return entry(json, ...path)?.text
}

export function isTrue(json: Json | undefined, ...path: readonly string[]): boolean {
  return entry(json, ...path)?.word === true
}
