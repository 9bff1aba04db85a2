/**
 * The evaluated file: its content with variables expanded and excluded blocks left out, each part with its position.
 * Because values and positions are one tree, a dropped list item cannot make them disagree.
 */
import type { SourcePosition } from '../diagnostics.ts'

export type Path = readonly (string | number)[]

export type Located = LocatedScalar | LocatedList | LocatedMapping

/**
 * Scalars stay text, so that `1.10` and `0644` do not become numbers; the schema reads numbers where it expects them.
 */
export interface LocatedScalar {
  readonly kind: 'scalar'
  readonly at: SourcePosition
  /** null: nothing, `~` or `null` was written. */
  readonly value: string | null
  /** As in the file, before variables were expanded: this is what diagnostics show. */
  readonly written: string
}

export interface LocatedList {
  readonly kind: 'list'
  readonly at: SourcePosition
  readonly items: readonly Located[]
  /** An item was removed because of an error that has been reported. */
  readonly lost: boolean
}

export interface LocatedMapping {
  readonly kind: 'mapping'
  readonly at: SourcePosition
  readonly entries: ReadonlyMap<string, LocatedEntry>
  /** Keys removed because of an error that has been reported. */
  readonly lost: ReadonlySet<string>
}

export interface LocatedEntry {
  readonly keyAt: SourcePosition
  readonly node: Located
}

/** The tree as plain values: text, null, arrays and objects. */
export function plainValue(node: Located): unknown {
  if (node.kind === 'scalar') return node.value
  if (node.kind === 'list') return node.items.map(plainValue)
  // fromEntries defines own properties, so that a key `__proto__` is a key like any other.
  return Object.fromEntries([...node.entries].map(([key, entry]) => [key, plainValue(entry.node)]))
}

/** The deepest node that exists on the way along `path`, and how many steps of it were taken. */
export function deepest(root: Located, path: Path): { node: Located; keyAt?: SourcePosition; steps: number } {
  let found: { node: Located; keyAt?: SourcePosition; steps: number } = { node: root, steps: 0 }
  for (const step of path) {
    const steps = found.steps + 1
    if (found.node.kind === 'mapping') {
      const entry = found.node.entries.get(String(step))
      if (!entry) return found
      found = { node: entry.node, keyAt: entry.keyAt, steps }
    } else if (found.node.kind === 'list') {
      const item = found.node.items[Number(step)]
      if (!item) return found
      found = { node: item, steps }
    } else return found
  }
  return found
}

/** Position of the value at `path`, or of the nearest thing around it. */
export function positionAt(root: Located, path: Path): SourcePosition {
  return deepest(root, path).node.at
}

/** Position of the key at `path`; a list item has none and gives its own position. */
export function keyPositionAt(root: Located, path: Path): SourcePosition {
  const { node, keyAt } = deepest(root, path)
  return keyAt ?? node.at
}

/**
 * The scalar at `path` as a diagnostic may show it: as written, not as evaluated, because the value of a variable may
 * be a secret.
 */
export function quoteAt(root: Located, path: Path): string {
  return quote(deepest(root, path).node)
}

export function quote(node: Located): string {
  if (node.kind === 'list') return 'a list'
  if (node.kind === 'mapping') return 'a mapping'
  if (node.value === null) return 'nothing'
  if (node.written === '') return 'an empty string'
  const written = `\`${shorten(node.written)}\``
  return hasVariables(node) ? `the value of ${written}` : written
}

/** Whether a value is missing at `path` only because it, or something around it, was reported and removed. */
export function isLost(root: Located, path: Path): boolean {
  const { node, steps } = deepest(root, path)
  if (steps === path.length || node.kind === 'scalar') return false
  return node.kind === 'list' ? node.lost : node.lost.has(String(path[steps]))
}

/** Whether anything was removed from a node, at any depth. */
export function hasLost(node: Located): boolean {
  if (node.kind === 'scalar') return false
  if (node.kind === 'list') return node.lost || node.items.some(hasLost)
  return node.lost.size > 0 || [...node.entries.values()].some((entry) => hasLost(entry.node))
}

/** What to remove from a tree. */
export interface Removal {
  readonly remove: Path
  /** The key that was meant by it, which is then not reported as missing. */
  readonly meant?: string | undefined
}

/**
 * The tree without these paths (none empty), each noted as lost where it was. All together, since removing one by one
 * would copy its largest list each time.
 */
export function without(node: Located, removals: readonly Removal[], depth = 0): Located {
  if (removals.length === 0 || node.kind === 'scalar') return node
  const byStep = Map.groupBy(removals, ({ remove }) => String(remove[depth]))
  const goes = (step: string) => byStep.get(step)?.some(({ remove }) => remove.length === depth + 1) === true
  const part = (below: Located, step: string) => without(below, byStep.get(step) ?? [], depth + 1)
  if (node.kind === 'list') {
    const items = node.items.flatMap((item, index) => (goes(`${index}`) ? [] : [part(item, `${index}`)]))
    return { ...node, items, lost: node.lost || items.length < node.items.length }
  }
  const entries = new Map<string, LocatedEntry>()
  for (const [key, entry] of node.entries)
    if (!goes(key)) entries.set(key, byStep.has(key) ? { ...entry, node: part(entry.node, key) } : entry)
  const lost = removals.flatMap(({ remove, meant }) =>
    remove.length === depth + 1 ? [String(remove[depth]), ...(meant === undefined ? [] : [meant])] : [],
  )
  return { ...node, entries, lost: new Set([...node.lost, ...lost]) }
}

function hasVariables(node: LocatedScalar): boolean {
  return node.value !== node.written
}

/** What is written at `path`, for messages that only name it: `file \`${HOME}/x\``. */
export function nameAt(root: Located, path: Path): string {
  const { node } = deepest(root, path)
  return node.kind === 'scalar' ? `\`${shorten(node.written)}\`` : quote(node)
}

/** Text shortened to one line of a diagnostic: a block scalar may be a whole script. */
export function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ')
  return line.length > 80 ? `${line.slice(0, 79)}…` : line
}
