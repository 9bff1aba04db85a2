/** What `create` writes: texts, random secrets, and texts that refer to others of the same file. */
import type { Variables } from './interpolate.ts'

/** A mapping has one of the two. */
export type NewVariable = string | { readonly random?: number | undefined; readonly text?: string | undefined }
export type NewVariables = Readonly<Record<string, NewVariable>>

const reference = /\{([^{}]*)\}/g

/** `random` generates a text of this many letters and digits. */
export function generateVariables(wanted: NewVariables, random: (length: number) => string): Variables {
  const values: Record<string, string> = {}
  for (const [name, value] of Object.entries(wanted)) {
    if (typeof value === 'string') values[name] = value
    else if (value.random !== undefined) values[name] = random(value.random)
  }
  const made = Object.entries(wanted).map(([name, value]): [string, string] => {
    const text = typeof value === 'string' ? undefined : value.text
    return [name, text?.replace(reference, (whole, other: string) => values[other] ?? whole) ?? values[name] ?? '']
  })
  return Object.fromEntries(made)
}

/** Whether all names in braces can be resolved: they must be in `wanted` and not be a `text` themselves. */
export function hasKnownNames(text: string, wanted: NewVariables): boolean {
  return [...text.matchAll(reference)].every(([, name = '']) => {
    const other = Object.hasOwn(wanted, name) ? wanted[name] : undefined
    return other !== undefined && (typeof other === 'string' || other.text === undefined)
  })
}
