/** Forms that many keys of Compose have: one or many, a list of `NAME=value` or a mapping. */
import { written } from '../marked.ts'
import type { Value } from '../reading.ts'
import type { Place, Report } from '../reports.ts'
import { commandItems, splitCommand } from '../terms/words.ts'
import type { Field, Fields } from './fields.ts'
import type { Node } from './tree.ts'

export interface Item {
  readonly name: string
  /** Undefined: only the name is written. */
  readonly value: string | undefined
  readonly at: Place
}

/** `[NAME=value]` and `{ NAME: value }`, texts with marked variables. */
export function itemsOf(fields: Fields, key: string): readonly Item[] {
  const node = fields.node(key)
  if (node?.kind === 'mapping')
    return [...node.entries].map(([name, { at, value }]) => {
      return { name, at, value: value.kind === 'scalar' && !value.absent ? value.text : undefined }
    })
  if (node?.kind !== 'list') return []
  return node.items.flatMap((item): readonly Item[] => {
    if (item.kind !== 'scalar') return []
    const equals = item.text.indexOf('=')
    if (equals === -1) return [{ name: item.text, value: undefined, at: item.at }]
    return [{ name: item.text.slice(0, equals), value: item.text.slice(equals + 1), at: item.at }]
  })
}

/** A text or a list of texts. */
export function textsOf(node: Node | undefined): readonly Field<string>[] {
  if (node?.kind === 'scalar') return node.absent ? [] : [{ value: node.text, at: node.at }]
  if (node?.kind !== 'list') return []
  return node.items.flatMap((item) => (item.kind === 'scalar' ? [{ value: item.text, at: item.at }] : []))
}

export interface WordsRead {
  /** Items of our `command`. */
  readonly items: readonly Value[]
  /** The same with marked variables. */
  readonly words: readonly string[]
}

/** A list of words, or one text split as by a shell; undefined if it is absent or cannot be split. */
export function wordsOf(fields: Fields, key: string, report: Report): WordsRead | undefined {
  const node = fields.node(key)
  if (node?.kind === 'list') {
    const words = textsOf(node).map(({ value }) => value)
    return { items: words.map(written), words }
  }
  if (node?.kind !== 'scalar') return undefined
  const split = splitCommand(node.text)
  if (split.ok) return { items: commandItems(split.words), words: split.words.map(({ text }) => text) }
  report(fields.placeOf(key), 'untranslated', `\`${key}\` has a ${split.unclosed} that is not closed`)
  return undefined
}
