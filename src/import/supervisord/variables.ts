/**
 * `environment=A="1",B="2"`, as supervisord reads it: Python's shlex in its old, non-POSIX mode, four tokens at a time.
 */

import { written } from '../marked.ts'
import type { Entries } from '../reading.ts'
import type { Report } from '../reports.ts'
import type { Keys } from './keys.ts'

/** The value may hold marked variables of its own. */
export type Variable = readonly [name: string, value: string]

type Variables = { readonly ok: true; readonly variables: readonly Variable[] } | { readonly ok: false }

// A quoted part, a word (which may hold quotes), or any other single character. `#` begins a comment.
const tokens =
  /\s+|#[^\n]*|"[^"]*"|'[^']*'|[\w/.+\-():\u00c0-\u00ff\ue000\ue001]["'\w/.+\-():\u00c0-\u00ff\ue000\ue001]*|[\s\S]/gy

function readVariables(text: string): Variables {
  const list = [...text.matchAll(tokens)].map(([token]) => token).filter((token) => !/^[\s#]/.test(token))
  // A single quote character is an unclosed quote.
  if (list.some((token) => token === '"' || token === "'")) return { ok: false }
  const variables: Variable[] = []
  for (let index = 0; index < list.length; index += 4) {
    const [name = '', equals, value] = list.slice(index, index + 3)
    if (equals !== '=' || value === undefined) return { ok: false }
    variables.push([name, value.replace(/^['"]+|['"]+$/g, '')])
  }
  return { ok: true, variables }
}

/** The variables of a section. Findings name them without their values, which may be secrets. */
export function variablesOf(keys: Keys, report: Report): readonly Variable[] {
  const environment = keys.text('environment')
  if (!environment) return []
  const read = readVariables(environment.value)
  if (!read.ok) {
    report(environment.at, 'untranslated', '`environment` cannot be read: it is written `NAME="value",OTHER="value"`')
    return []
  }
  return read.variables.filter(([name]) => {
    const fits = /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)
    const message = `\`environment\` has a variable \`${name}\`: a name has letters, digits and \`_\``
    if (!fits) report(environment.at, 'untranslated', message)
    return fits
  })
}

/** `environment` of our file. */
export function setEntries(variables: readonly Variable[]): Entries {
  return { set: Object.fromEntries(variables.map(([name, value]) => [name, written(value)])) }
}
