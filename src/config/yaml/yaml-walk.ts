/**
 * One walk over a document, in the order of its text: the targets of its aliases, and duplicate keys. The library's own
 * functions walk the whole document again for each alias, and all keys of a mapping for each of its keys.
 */
import { type Alias, isAlias, isMap, isScalar, isSeq, type Node, type Pair, type YAMLMap } from 'yaml'

export interface Walked {
  /** The target of each alias: the last node with its anchor before it (YAML 1.2.2, 7.1); absent if there is none. */
  readonly targets: ReadonlyMap<Alias, Node>
  /** Keys that their mapping has already. */
  readonly duplicates: readonly Node[]
}

/** Not recursive: a file may be nested deeper than our stack goes. */
export function walk(root: Node | null): Walked {
  const anchors = new Map<string, Node>()
  const targets = new Map<Alias, Node>()
  const duplicates: Node[] = []
  const waiting: Node[] = root ? [root] : []
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    if (isAlias(node)) {
      const target = anchors.get(node.source)
      if (target) targets.set(node, target)
      continue
    }
    const { anchor } = node as { anchor?: string }
    if (anchor !== undefined) anchors.set(anchor, node)
    const parts = isMap(node) ? partsOf(node) : isSeq(node) ? (node.items as Node[]) : []
    if (isMap(node)) duplicates.push(...repeatedKeys(node))
    // A loop, not a spread: a list may have more items than a call takes arguments.
    for (let index = parts.length - 1; index >= 0; index -= 1) waiting.push(parts[index] as Node)
  }
  return { targets, duplicates }
}

function pairsOf(mapping: YAMLMap): readonly Pair<Node, Node | null>[] {
  return mapping.items as Pair<Node, Node | null>[]
}

function partsOf(mapping: YAMLMap): Node[] {
  return pairsOf(mapping).flatMap(({ key, value }) => (value ? [key, value] : [key]))
}

function repeatedKeys(mapping: YAMLMap): readonly Node[] {
  const seen = new Set<unknown>()
  return pairsOf(mapping).flatMap(({ key }) => {
    if (!isScalar(key)) return []
    if (seen.has(key.value)) return [key]
    seen.add(key.value)
    return []
  })
}
