/**
 * Replaces short forms by the long form, so that the rest of the code sees one form. Only where there is one reading;
 * the schema reports anything else.
 */
import * as z from 'zod'
import { needsShell } from './environment/shell-syntax.ts'
import { shorthands } from './schema/shorthand.ts'
import { alternatives, isMapping, stepInto } from './schema-walk.ts'
import { splitWords } from './words.ts'
import { deepest, type Located, type LocatedScalar, plainValue } from './yaml/located.ts'

export function withShorthands(schema: z.ZodType, root: Located): Located {
  return expanded(schema, root, root)
}

function expanded(schema: z.ZodType, node: Located, root: Located): Located {
  const long = longForm(schema, node, root) ?? node
  if (long.kind === 'list') {
    const element = stepInto(schema, 0)
    return element ? { ...long, items: long.items.map((item) => expanded(element, item, root)) } : long
  }
  if (long.kind !== 'mapping') return long
  const entries = [...long.entries].map(([key, entry]) => {
    const below = stepInto(schema, key)
    return [key, below ? { ...entry, node: expanded(below, entry.node, root) } : entry] as const
  })
  return { ...long, entries: new Map(entries) }
}

function longForm(schema: z.ZodType, node: Located, root: Located): Located | undefined {
  if (node.kind === 'scalar' && node.value === null) return undefined
  for (const option of alternatives(schema)) {
    const shorthand = shorthands.get(option)
    if (shorthand === undefined) continue
    if ('key' in shorthand) {
      const below = stepInto(option, shorthand.key)
      if (node.kind !== 'mapping' && below && (node.kind === 'scalar' || takes(below, node)))
        return wrapped(shorthand.key, node)
    } else if ('split' in shorthand) {
      if (node.kind === 'scalar') return asWords(node)
    } else if ('dependencies' in shorthand) return asDependencies(node, root)
    else if (node.kind === 'scalar' && shorthand.words.includes(node.value ?? '')) return wrappedEmpty(node)
  }
  return asOnlyItem(schema, node)
}

function wrapped(key: string, node: Located): Located {
  return { kind: 'mapping', at: node.at, entries: new Map([[key, { keyAt: node.at, node }]]), lost: new Set() }
}

function wrappedEmpty({ value, at }: LocatedScalar): Located {
  return wrapped(value ?? '', { kind: 'mapping', at, entries: new Map(), lost: new Set() })
}

/** A list may be written as its only item, but not as words separated by spaces or commas. */
function asOnlyItem(schema: z.ZodType, node: Located): Located | undefined {
  if (node.kind === 'list') return undefined
  const options = alternatives(schema)
  const list = options.find((option) => option instanceof z.ZodArray)
  if (!list || options.some((option) => option !== list && takes(option, node))) return undefined
  if (node.kind === 'scalar' && /[\s,]/.test(node.written)) return undefined
  const element = list.element as z.ZodType
  const isMeant = node.kind === 'scalar' && options.length === 1 ? mayBeScalar(element) : takes(element, node)
  return isMeant ? { kind: 'list', at: node.at, items: [node], lost: false } : undefined
}

/** Then errors are reported for the item. */
function mayBeScalar(element: z.ZodType): boolean {
  return alternatives(element).some((option) => option instanceof z.ZodPipe || shorthands.has(option))
}

/** Whether a node is of the kind that a schema takes, whether its value is valid or not. */
function takes(schema: z.ZodType, node: Located): boolean {
  return alternatives(schema).some((option) => {
    if (isMapping(option)) return node.kind === 'mapping' || takesShort(option, node)
    if (option instanceof z.ZodArray) return node.kind === 'list' || takes(option.element as z.ZodType, node)
    return node.kind === 'scalar' && (option instanceof z.ZodUnknown || isValid(schema, node))
  })
}

function takesShort(option: z.ZodType, node: Located): boolean {
  const shorthand = shorthands.get(option)
  if (shorthand === undefined || node.kind === 'mapping') return false
  if ('words' in shorthand) return node.kind === 'scalar' && shorthand.words.includes(node.value ?? '')
  const below = 'key' in shorthand ? stepInto(option, shorthand.key) : undefined
  return below !== undefined && takes(below, node)
}

function isValid(schema: z.ZodType, node: Located): boolean {
  return schema.safeParse(plainValue(node)).success
}

/**
 * Split as a shell would, if it needs nothing else of a shell and has no variables, whose values may contain anything.
 */
function asWords(node: LocatedScalar): Located | undefined {
  if (node.value === null || node.value !== node.written || needsShell(node.value)) return undefined
  // A number or boolean was not meant as a program.
  if (/^(?:[\d.]+|true|false)$/.test(node.value)) return undefined
  const split = splitWords(node.value)
  if (!split.ok || split.words.length === 0) return undefined
  const items = split.words.map((word): Located => ({ kind: 'scalar', at: node.at, value: word, written: word }))
  return { kind: 'list', at: node.at, items, lost: false }
}

function asDependencies(node: Located, root: Located): Located | undefined {
  if (node.kind === 'mapping') return undefined
  const items = node.kind === 'list' ? node.items : [node]
  const names = items.filter((item): item is LocatedScalar => item.kind === 'scalar' && Boolean(item.value))
  if (names.length < items.length || names.some(({ value }) => /[\s,]/.test(value ?? ''))) return undefined
  const entries = names.map(({ value, at }) => {
    const { node: kind } = deepest(root, ['processes', value ?? '', 'kind'])
    const condition = kind.kind === 'scalar' && kind.value === 'task' ? 'completed' : 'ready'
    const reached: Located = { kind: 'scalar', at, value: condition, written: condition }
    return [value ?? '', { keyAt: at, node: reached }] as const
  })
  return { kind: 'mapping', at: node.at, entries: new Map(entries), lost: new Set() }
}
