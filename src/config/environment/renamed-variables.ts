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

/** What is unsound is left for the schema to report. */
export function renamedFrom(written: Located): Renamed {
  const { success, data: renamed } = renamedSchema.safeParse(plainValue(written))
  return success ? renamed : {}
}

/**
 * The variables of one origin (a file, the container) under their new names. Where an origin has both, the old name counts: whoever
 * still has it has lived by it, and another database, say, must not take its place unasked.
 * Each origin by itself, so that an old name in the one that wins is not lost to a new name in the one that yields.
 */
export function underNewNames(variables: Variables, renamed: Renamed): Variables {
  const rest: Record<string, string> = { ...variables }
  for (const [old, name] of Object.entries(renamed)) {
    const value = variable(variables, old)
    if (value !== undefined) rest[name] = value
    delete rest[old]
  }
  return rest
}

/** Two values for one thing are told of. */
export function reportBoth(variables: Variables, renamed: Renamed, origin: Origin, report: Report): void {
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

/** Those that have their value by an old name. */
export function valuesOfOldNames(variables: Variables, renamed: Renamed): Variables {
  const now = underNewNames(variables, renamed)
  const names = Object.values(renamed).filter((name) => now[name] !== undefined && now[name] !== variables[name])
  return Object.fromEntries(names.map((name) => [name, now[name] ?? '']))
}
