/** Runs `gatehouse check` on a text that is not a file yet. */
import { resolve } from 'node:path'
import type { Diagnostic } from '../config/diagnostics.ts'
import { disk, type FileFacts } from '../config/file-facts.ts'
import { readPlan } from '../plan/read-plan.ts'

export interface Verdict {
  /** Files and directories that it names but this machine lacks. */
  readonly missing: readonly Diagnostic[]
  /** Errors in the text itself. */
  readonly errors: readonly Diagnostic[]
  /** Names of required variables that are not set here, so their values are not checked. */
  readonly unset: readonly string[]
}

/** `file` is the future path of the text, for relative paths. */
export function verify(file: string, text: string, environment: Readonly<Record<string, string>>): Verdict {
  const path = resolve(file)
  const facts: FileFacts = {
    kindOf: (asked) => (asked === path ? 'file' : disk.kindOf(asked)),
    read: (asked) => (asked === path ? text : disk.read(asked)),
  }
  const errorsWith = (variables: Readonly<Record<string, string>>) =>
    readPlan(file, variables, facts).diagnostics.filter(({ severity }) => severity === 'error')
  const unset = [...new Set(errorsWith(environment).flatMap(variableOf))].sort()
  // An unset variable ends the check, so each gets a stand-in, and errors about stand-ins are ignored.
  const stand = Object.fromEntries(unset.map((name) => [name, '1']))
  const lines = text.split('\n')
  const isMadeUp = ({ line }: Diagnostic) => unset.some((name) => lines[line - 1]?.includes(`\${${name}}`))
  const errors = errorsWith({ ...environment, ...stand }).filter((error) => !isMadeUp(error))
  const isMissing = ({ code }: Diagnostic) => code === 'missing-file'
  return { errors: errors.filter((error) => !isMissing(error)), missing: errors.filter(isMissing), unset }
}

function variableOf({ code, message }: Diagnostic): readonly string[] {
  const name = code === 'variable-not-set' ? /^variable (\w+) is not set$/.exec(message)?.[1] : undefined
  return name === undefined ? [] : [name]
}
