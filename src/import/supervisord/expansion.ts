/**
 * `%(name)s` in values, which supervisord expands before it reads them. Names known while the file is read are
 * expanded; an environment variable is marked, and becomes `${NAME}` in the end.
 */

import { marked } from '../marked.ts'

/** The values of `%(name)s` by name; those of the environment begin with `ENV_`. */
export type Known = Readonly<Record<string, string | number>>

export type Expansion =
  /** Literal text, with marked variables in it. */
  { readonly ok: true; readonly text: string } | { readonly ok: false; readonly problem: string }

const form = /%(?:\(([^)]*)\)([#0\- +]*)(\d*)([a-zA-Z])|(%)|)/g

export function expand(text: string, known: Known): Expansion {
  let problem: string | undefined
  const expanded = text.replace(form, (whole, name: string | undefined, flags = '', width = '', type = '', percent) => {
    if (percent) return '%'
    if (name === undefined) problem ??= 'has a `%` that expands to nothing; a literal one is written `%%`'
    else if (Object.hasOwn(known, name)) {
      const value = formatted(known[name] ?? '', { zeros: flags.includes('0'), width: Number(width), type })
      if (value !== undefined) return value
      problem ??= `has \`${whole}\`, which has another type`
    } else if (/^ENV_[A-Za-z_][A-Za-z0-9_]*$/.test(name) && type === 's') return marked(name.slice(4))
    else problem ??= `has \`${whole}\`, which supervisord does not know`
    return whole
  })
  return problem === undefined ? { ok: true, text: expanded } : { ok: false, problem }
}

interface Format {
  readonly zeros: boolean
  readonly width: number
  readonly type: string
}

/** As Python's `%`, for the types that such files use; undefined if Python would refuse it. */
function formatted(value: string | number, { zeros, width, type }: Format): string | undefined {
  if (type === 's') return String(value).padStart(width)
  if (typeof value !== 'number' || !/^[di]$/.test(type)) return undefined
  return String(value).padStart(width, zeros ? '0' : ' ')
}
