import { resolve } from 'node:path'
import type { FileFacts } from '../file-facts.ts'
import type { DerivedValue } from '../schema/environment/derived-value.ts'
import { type Variables, variable } from './interpolate.ts'

export interface Sources {
  readonly variables: Variables
  /** What the path of a JSON file is relative to. */
  readonly directory: string
  readonly facts: FileFacts
}

/**
 * The value, or '' if there is none, which means that the variable is not set. Undefined: the variable is unchanged.
 * Throws `SyntaxError` if a JSON file is invalid; a missing file gives no value.
 */
export function derive(rule: DerivedValue, sources: Sources): string | undefined {
  if (rule.unless !== undefined && variable(sources.variables, rule.unless) !== undefined) return undefined
  const whole = read(rule, sources) ?? ''
  const end = rule.before === undefined ? -1 : whole.indexOf(rule.before)
  const cut = end === -1 ? whole : whole.slice(0, end)
  const value = rule.matches === undefined ? cut : firstGroup(cut, rule.matches)
  const found = value.trim() === '' ? (rule.default ?? '') : value
  return (rule.containing ?? rule.join) === undefined ? found : listed(found, rule)
}

/** A list as text, with missing items appended. */
function listed(list: string, { containing = [], separator = ',', join = separator }: DerivedValue): string {
  const items = list.split(separator).map((item) => item.trim())
  const present = items.filter((item) => item !== '')
  return [...present, ...containing.filter((item) => !present.includes(item))].join(join)
}

function read(rule: DerivedValue, { variables, directory, facts }: Sources): string | undefined {
  if (rule.from !== undefined) return variable(variables, rule.from)
  if (rule.url !== undefined) return partOf(variable(variables, rule.url), rule.part)
  const path = resolve(directory, rule.json ?? '')
  return facts.kindOf(path) === 'file' ? textAt(JSON.parse(facts.read(path)), rule.key ?? '') : undefined
}

function partOf(written: string | undefined, part: DerivedValue['part']): string | undefined {
  const url = written === undefined || part === undefined ? null : URL.parse(written)
  if (!url || part === undefined) return undefined
  // As programs expect it: `https` without its colon, `::1` without brackets, `p@ss` and not `p%40ss`.
  if (part === 'protocol') return url.protocol.slice(0, -1)
  if (part === 'username' || part === 'password') return decoded(url[part])
  return url[part].replace(/^\[(.*)\]$/, '$1')
}

function decoded(written: string): string {
  try {
    return decodeURIComponent(written)
  } catch {
    return written
  }
}

/** `a.b` is `b` inside of `a`. */
function textAt(content: unknown, key: string): string | undefined {
  const found = key.split('.').reduce<unknown>((inside, name) => {
    const known = typeof inside === 'object' && inside !== null && Object.hasOwn(inside, name)
    return known ? (inside as Record<string, unknown>)[name] : undefined
  }, content)
  return typeof found === 'object' || found === undefined ? undefined : String(found)
}

/** The whole match if the expression has no group. */
function firstGroup(text: string, expression: string): string {
  const match = new RegExp(expression).exec(text)
  return match?.[1] ?? match?.[0] ?? ''
}
