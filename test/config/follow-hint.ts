/** Applies the hint of a diagnostic to a file, by the form of the hint alone. */
import {
  type Document,
  isCollection,
  isMap,
  isPair,
  isScalar,
  type Pair,
  parseDocument,
  visit,
  type YAMLMap,
} from 'yaml'
import type { Diagnostic } from '../../src/config/diagnostics.ts'

export function followHint(text: string, { line, col, hint = '' }: Diagnostic): string {
  const offset =
    text
      .split('\n')
      .slice(0, line - 1)
      .join('\n').length +
    (line > 1 ? 1 : 0) +
    col -
    1
  if (hint.includes('write two for each tab')) return text.replaceAll('\t', '    ')
  const meant = /did you mean `([^`]*)`\?/.exec(hint)?.[1]
  if (meant !== undefined)
    return text.slice(0, offset) + text.slice(offset).replace(/^("[^"]*"|'[^']*'|[^\s:,}\]]+)/, meant)
  const below = /move it below `([^`]*)`/.exec(hint)?.[1]
  if (below !== undefined) return moved(text, offset, below)
  const up = /move it up, below `([^`]*)`/.exec(hint)?.[1]
  if (up !== undefined) return moved(text, offset, up, true)
  if (hint.startsWith('remove it:')) return replaced(text, offset, '{}')
  const instead = /write `([^`]*)` instead$/.exec(hint)?.[1]
  if (instead !== undefined) return replaced(text, offset, instead)
  if (hint.includes('move it to the top level of the file')) return moved(text, offset)
  const added = /\badd `(.*?)`(?=$|[,;])/.exec(hint)?.[1]
  if (added !== undefined) return withAdded(text, offset, added)
  const written = /\bwrite `(.*?)`(?=$|[,;])/s.exec(hint)?.[1]
  if (written !== undefined) return withWritten(text, offset, written)
  throw new Error(`nothing to follow in: ${hint}`)
}

function withWritten(text: string, offset: number, written: string): string {
  // The same value without quotes is replaced.
  const unquoted = written.startsWith('"') ? String(parseDocument(written).toJS()) : undefined
  if (unquoted !== undefined && text.startsWith(unquoted, offset))
    return text.slice(0, offset) + written + text.slice(offset + unquoted.length)
  if (/^(?:#|- )/.test(written)) return text.slice(0, offset) + text.slice(offset).replace(/^.*/, () => written)
  const [, key] = /^([\w-]+): /.exec(written) ?? []
  const { pair } = at(text, offset)
  if (key !== undefined && isScalar(pair?.key) && pair.key.value === key) {
    const [start = 0] = pair.key.range ?? []
    return spliced(text, start, endOf(pair) ?? start + key.length + 1, written)
  }
  const node = at(text, offset).node
  const end = node?.range?.[1] ?? offset + (/^[^\n]*/.exec(text.slice(offset))?.[0].length ?? 0)
  return spliced(text, offset, end, written)
}

function spliced(text: string, start: number, end: number, written: string): string {
  const lineEnd = /\s*$/.exec(text.slice(start, end))?.[0] ?? ''
  return text.slice(0, start) + written + lineEnd + text.slice(end)
}

function endOf({ value }: Pair): number | undefined {
  return isScalar(value) || isCollection(value) ? (value.range?.[1] ?? undefined) : undefined
}

/** What begins at a place: a key's pair with the mapping around it, or a value. */
function at(text: string, offset: number) {
  const document = parseDocument(text)
  let found: { pair?: Pair; owner?: YAMLMap; node?: { range?: readonly number[] | null } } = {}
  visit(document, (_, node, path) => {
    if (isPair(node) && isScalar(node.key)) {
      const startsHere = [node.key, node.value].some(
        (one) => (isScalar(one) || isCollection(one)) && one.range?.[0] === offset,
      )
      const owner = path.at(-1)
      if (startsHere) found = { ...found, pair: node, ...(isMap(owner) && { owner }) }
    } else if ((isScalar(node) || isCollection(node)) && node.range?.[0] === offset && !found.node)
      found = { ...found, node }
  })
  return { document, ...found }
}

/** Replaces a key and its value by others. */
function replaced(text: string, offset: number, others: string): string {
  const { document, pair, owner } = at(text, offset)
  const addition = parseDocument(others).contents
  if (!pair || !owner || !isScalar(pair.key) || !isMap(addition)) throw new Error('no key begins there')
  owner.delete(pair.key.value)
  for (const one of addition.items) owner.add(one)
  return String(document)
}

function moved(text: string, offset: number, below?: string, fromTop = false): string {
  const { document, pair, owner } = at(text, offset)
  if (!pair || !owner || !isScalar(pair.key)) throw new Error('no key begins there')
  owner.delete(pair.key.value)
  const top = document.contents as unknown as YAMLMap
  const target = below === undefined ? top : mapBelow(document, fromTop ? top : owner, below)
  target.add(pair)
  return String(document)
}

function mapBelow(document: Document, owner: YAMLMap, key: string): YAMLMap {
  if (!isMap(owner.get(key))) owner.set(key, document.createNode({}))
  return owner.get(key) as YAMLMap
}

function withAdded(text: string, offset: number, added: string): string {
  const { document, pair, node } = at(text, offset)
  const target = isMap(node) ? node : isMap(pair?.value) ? pair.value : undefined
  const addition = parseDocument(added).contents
  if (!target || !isMap(addition)) throw new Error('no mapping begins there')
  for (const one of addition.items) target.add(one)
  return String(document)
}
