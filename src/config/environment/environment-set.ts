/** `environment.set`: variables in the order of the file, each seeing those before it. */
import { isMap } from 'yaml'
import { codeOf } from '../../shared/errors.ts'
import { type Evaluation, evaluateEntries, evaluateEntry, type Outcome, type Place } from '../evaluate.ts'
import { type DerivedValue, derivedValueSchema } from '../schema/environment/derived-value.ts'
import { withShorthands } from '../shorthands.ts'
import { deepest, type Located, nameAt, plainValue } from '../yaml/located.ts'
import type { YamlEntry } from '../yaml/yaml-source.ts'
import { derive } from './derive.ts'
import type { Variables } from './interpolate.ts'

export interface SetRead {
  readonly variables: Variables
  /** Names whose derived value is empty: they are removed, even if set before. */
  readonly without: ReadonlySet<string>
}

export function evaluateSet(evaluation: Evaluation, entry: YamlEntry, place: Place): SetRead & { outcome: Outcome } {
  const variables: Record<string, string> = {}
  const without = new Set<string>()
  const mapping = entry.value && evaluation.source.follow(entry.value, place.path.length)
  if (!isMap(mapping)) return { outcome: evaluateEntry(evaluation, entry, place), variables, without }
  const path = [...place.path, entry.key]
  // One object that grows line by line: a copy for each would take quadratic time.
  const seen: Record<string, string> = { ...place.variables }
  const set = (name: string, value: string) => {
    variables[name] = value
    seen[name] = value
  }
  const outcome = evaluateEntries(evaluation, mapping, { ...place, path }, (line) => {
    const value = evaluateEntry(evaluation, line, { path, variables: seen })
    if (typeof value === 'string') return value
    if (value.kind === 'scalar' && value.value !== null) {
      if (value.value.includes('\0')) return reportNul(evaluation, value)
      set(line.key, value.value)
    }
    const rule =
      value.kind === 'mapping'
        ? derivedValueSchema.safeParse(plainValue(withShorthands(derivedValueSchema, value)))
        : undefined
    // The schema reports what is malformed.
    if (!rule?.success) return value
    const derived = derivedFrom(evaluation, value, { rule: rule.data, variables: seen })
    if (derived === undefined) return value
    if (derived.includes('\0')) return reportNul(evaluation, value)
    set(line.key, derived)
    if (derived === '' && rule.data.default === undefined) without.add(line.key)
    return value
  })
  return { outcome, variables, without }
}

// execve(2) ends a variable at its first NUL, and Node's own error would print the value.
function reportNul({ report }: Evaluation, { at }: Located): 'unusable' {
  const hint = 'remove it: environment variables cannot contain NUL'
  report({ code: 'wrong-value', at, message: 'the value of this variable contains a NUL character', hint })
  return 'unusable'
}

/** Undefined: the variable stays as it is. */
function derivedFrom(
  { directory, facts, report }: Evaluation,
  written: Located,
  { rule, variables }: { rule: DerivedValue; variables: Variables },
): string | undefined {
  try {
    return derive(rule, { variables, directory, facts })
  } catch (error) {
    const { node } = deepest(written, ['json'])
    const why = error instanceof SyntaxError ? 'is not JSON' : `cannot be read: ${codeOf(error)}`
    report({
      code: 'wrong-value',
      at: node.at,
      message: `file ${nameAt(written, ['json'])} ${why}`,
      hint: 'fix the file or the path',
    })
    return undefined
  }
}
