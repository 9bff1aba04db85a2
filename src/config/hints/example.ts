/**
 * The shortest valid example for a place in the file, found by trying the schema: the value found is kept if it fits
 * below one of the keys (`respond: 404` → `respond: { status: 404 }`); otherwise each scalar has the example of its
 * `expected` text.
 */
import * as z from 'zod'
import { shorthands } from '../schema/shorthand.ts'
import { alternatives, isMapping } from '../schema-walk.ts'
import { withShorthands } from '../shorthands.ts'
import { type Located, plainValue } from '../yaml/located.ts'
import { equivalentWord } from './foreign-words.ts'

type Value = string | null | readonly Value[] | { readonly [key: string]: Value }

/** The value found: to check, and as it may be shown. */
interface Found {
  readonly value: unknown
  readonly shown: Value
}

/** As it is written on one line, `{ to: /x }`; undefined if nothing fits. */
export function exampleAt(schema: z.ZodType, node?: Located): string | undefined {
  if (!node || (node.kind === 'scalar' && node.value === null)) {
    const value = sample(schema)
    return value === undefined ? undefined : written(value)
  }
  const readings = foundIn(node)
  const structured = alternatives(schema).filter((one) => isMapping(one) || one instanceof z.ZodArray)
  for (const option of structured) {
    for (const found of [...readings, undefined]) {
      const value = example(option, schema, found)
      if (value !== undefined) return written(value)
    }
  }
  return structured.length === 0 ? scalarFrom(schema, node) : undefined
}

/**
 * Where a single word is expected: the word inside what was written that fits, in our or another program's spelling.
 */
function scalarFrom(schema: z.ZodType, node: Located): string | undefined {
  if (node.kind === 'scalar') return undefined
  const inside = node.kind === 'list' ? node.items : [...node.entries.values()].map((entry) => entry.node)
  const words = inside.flatMap((one) => (one.kind === 'scalar' && one.value === one.written ? [one.written] : []))
  const expectedText = schema.safeParse({}).error?.issues[0]?.message ?? ''
  const allowed = [...expectedText.matchAll(/`([^`]*)`/g)].map(([, text = '']) => text)
  const address = addressOf(node)
  const word =
    [...(address === undefined ? [] : [address]), ...words]
      .map((one) => equivalentWord(one, allowed) ?? one)
      .find((one) => fits(schema, one)) ?? scalarSample(schema)
  return word === undefined ? undefined : flowScalar(word)
}

/** How the value may be read; first as a mapping, if it is a list of `NAME=value` or `Name: value`. */
function foundIn(node: Located): readonly Found[] {
  const shown = shownOf(node)
  if (shown === undefined) return []
  const bare = probeWords(shown)
  if (bare) return [{ value: bare, shown: bare }]
  const lines = node.kind === 'list' ? node.items : [node]
  const pairs = lines.map((line) =>
    /^([A-Za-z_][\w-]*)\s*[=:]\s*([^/].*)$/s.exec(line.kind === 'scalar' ? line.written : ''),
  )
  const asMapping = pairs.every((pair) => pair !== null) && pairs.length > 0
  const mapping = Object.fromEntries(pairs.map((pair) => [pair?.[1] ?? '', pair?.[2] ?? '']))
  return [...(asMapping ? [{ value: mapping, shown: mapping }] : []), { value: plainValue(node), shown }]
}

/** A health check as Docker and Compose write it, without its first word, `CMD` or `CMD-SHELL`. */
function probeWords(shown: Value): readonly string[] | undefined {
  if (!Array.isArray(shown) || !shown.every((word) => typeof word === 'string')) return undefined
  const [first, ...rest] = shown as readonly string[]
  if (first === 'CMD' && rest.length > 0) return rest
  return first === 'CMD-SHELL' && rest.length > 0 ? ['sh', '-c', ...rest] : undefined
}

/** `{ host: localhost, port: 9000 }`, as other programs write the address of a target. */
function addressOf(node: Located): string | undefined {
  if (node.kind !== 'mapping') return undefined
  const part = (...keys: readonly string[]) => {
    const found = keys.map((key) => node.entries.get(key)?.node).find((one) => one !== undefined)
    return found?.kind === 'scalar' && found.value === found.written ? found.written : undefined
  }
  const [host, port] = [part('host', 'hostname', 'address'), part('port')]
  return host !== undefined && port !== undefined ? `${host}:${port}` : undefined
}

function shownOf(node: Located): Value | undefined {
  if (node.kind === 'scalar') return node.value === null ? undefined : node.written
  if (node.kind === 'mapping') return undefined
  const items = node.items.map(shownOf)
  return items.includes(undefined) ? undefined : (items as Value[])
}

/** `whole`: the schema that the example must pass, with its refinements. */
function example(option: z.ZodType, whole: z.ZodType, found?: Found): Value | undefined {
  if (option instanceof z.ZodArray) {
    const words = typeof found?.shown === 'string' ? found.shown.split(/[\s,]+/).filter((word) => word !== '') : []
    if (words.length > 1 && fits(whole, words)) return words
    const item = found ? itemFrom(option, found) : sample(option.element as z.ZodType)
    return item !== undefined && fits(whole, [item]) ? [item] : undefined
  }
  const shorthand = shorthands.get(option)
  if (!found && shorthand && 'words' in shorthand) return shorthand.words[0]
  if (option instanceof z.ZodRecord) {
    if (found) return fits(whole, found.value) ? found.shown : undefined
    return recordOf(option, whole)
  }
  return option instanceof z.ZodObject ? mappingOf(option, whole, found) : undefined
}

function itemFrom(option: z.ZodArray, found: Found): Value | undefined {
  const element = option.element as z.ZodType
  if (fits(element, found.value)) return found.shown
  return alternatives(element).flatMap((one) => example(one, element, found) ?? [])[0]
}

function mappingOf(option: z.ZodObject, whole: z.ZodType, found?: Found): Value | undefined {
  const shape = option.shape as Readonly<Record<string, z.ZodType>>
  const keys = Object.keys(shape)
  const required = keys.filter((key) => !shape[key]?.safeParse(undefined).success)
  const base: Record<string, Value> = {}
  for (const key of required) {
    const value = sample(shape[key] as z.ZodType)
    if (value === undefined) return undefined
    base[key] = value
  }
  const ordered = [...required, ...keys.filter((key) => !required.includes(key))]
  if (found) {
    const fit = ordered.find((key) => fits(whole, { ...base, [key]: found.value }))
    return fit === undefined ? undefined : { ...base, [fit]: found.shown }
  }
  if (required.length > 0 && fits(whole, base)) return base
  // Some keys need another one next to them.
  for (const beside of [undefined, ...keys])
    for (const key of ordered) {
      const wanted = beside === undefined ? [key] : [key, beside]
      const added = Object.fromEntries(wanted.map((one) => [one, sample(shape[one] as z.ZodType) ?? '']))
      if (fits(whole, { ...base, ...added })) return { ...base, ...added }
    }
  return fits(whole, base) ? base : undefined
}

function recordOf(option: z.ZodRecord, whole: z.ZodType): Value | undefined {
  const value = sample(option.valueType as z.ZodType)
  const names = value === undefined ? [] : ['name', 'NAME', 'X-Name']
  const name = names.find((one) => fits(whole, { [one]: value }))
  return name === undefined || value === undefined ? undefined : { [name]: value }
}

function sample(schema: z.ZodType): Value | undefined {
  for (const option of alternatives(schema)) {
    const value = isMapping(option) || option instanceof z.ZodArray ? example(option, option) : scalarSample(option)
    if (value !== undefined && fits(schema, value)) return value
  }
  return undefined
}

/** From the text of its own diagnostic: "expected a duration such as `250ms`". */
function scalarSample(scalar: z.ZodType): string | undefined {
  const expectedText = scalar.safeParse({}).error?.issues[0]?.message ?? ''
  const candidates = [
    ...[...expectedText.matchAll(/`([^`]*)`/g)].map(([, text = '']) => text),
    ...(expectedText.match(/\d+/) ?? []),
    ...(/folder|file/.exec(expectedText)?.map((kind) => `./${kind}`) ?? []),
    'name',
    'NAME',
  ]
  return candidates.find((candidate) => fits(scalar, candidate))
}

function fits(schema: z.ZodType, value: unknown): boolean {
  const at = { file: '', line: 1, column: 1 }
  return schema.safeParse(plainValue(withShorthands(schema, located(value, at)))).success
}

function located(value: unknown, at: { file: string; line: number; column: number }): Located {
  if (Array.isArray(value)) return { kind: 'list', at, items: value.map((item) => located(item, at)), lost: false }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(([key, one]) => [key, { keyAt: at, node: located(one, at) }] as const)
    return { kind: 'mapping', at, entries: new Map(entries), lost: new Set() }
  }
  const text = typeof value === 'string' ? value : null
  return { kind: 'scalar', at, value: text, written: text ?? '' }
}

/** In YAML's flow style. */
function written(value: Value): string {
  if (value === null) return 'null'
  if (typeof value === 'string') return flowScalar(value)
  if (Array.isArray(value)) return `[${value.map(written).join(', ')}]`
  const entries = Object.entries(value).map(([key, one]) => `${flowScalar(key)}: ${written(one)}`)
  return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`
}

/** Without quotes where every YAML reader gets the same text. */
export function flowScalar(text: string): string {
  const isPlain = /^[\w./][\w./@%+=~-]*(:[\w./@%+=~-]+)*$/.test(text)
  return isPlain ? text : JSON.stringify(text)
}
