/** `environment.renamed`: variables that are still given under an old name. */
import type { Report, SourcePosition } from '../diagnostics.ts'
import { renamedSchema } from '../schema/environment/environment.ts'
import { type Located, plainValue } from '../yaml/located.ts'
import { type Variables, variable } from './interpolate.ts'

/** From the old name to the new one. */
export type Renamed = Readonly<Record<string, string>>

/** Where variables come from. */
interface Origin {
  /** As a sentence begins: "... sets both names". */
  readonly name: string
  readonly at: SourcePosition
}

/** Empty if it is invalid: the schema reports that. */
export function renamedFrom(written: Located): Renamed {
  const { success, data: renamed } = renamedSchema.safeParse(plainValue(written))
  return success ? renamed : {}
}

/**
 * The variables of one origin (a file, the container) under their new names. If an origin has both, the old name wins:
 * an operator who still has it relies on it, and must not get another database, say, by surprise. Each origin
 * separately, so that an old name in the origin with precedence beats a new name in the other.
 */
export function withNewNames(variables: Variables, renamed: Renamed): Variables {
  const rest: Record<string, string> = { ...variables }
  for (const [old, name] of Object.entries(renamed)) {
    const value = variable(variables, old)
    if (value !== undefined) rest[name] = value
    delete rest[old]
  }
  return rest
}

/** Reports variables that are set under both names with different values. */
export function reportConflicts(variables: Variables, renamed: Renamed, origin: Origin, report: Report): void {
  for (const [old, name] of Object.entries(renamed)) {
    const values = [old, name].map((one) => variable(variables, one))
    if (values.includes(undefined) || values[0] === values[1]) continue
    report({
      severity: 'warning',
      code: 'contradiction',
      at: origin.at,
      message: `${origin.name} sets both ${name} and its old name ${old}, to different values: ${old} wins`,
      hint: `remove one of them, preferably ${old}`,
    })
  }
}

/** The variables whose value comes from an old name. */
export function valuesOfOldNames(variables: Variables, renamed: Renamed): Variables {
  const now = withNewNames(variables, renamed)
  const names = Object.values(renamed).filter((name) => now[name] !== undefined && now[name] !== variables[name])
  return Object.fromEntries(names.map((name) => [name, now[name] ?? '']))
}
