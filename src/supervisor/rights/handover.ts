/**
 * An environment for a program that another user's rights are given to. What the loader, the C library and tools read of an
 * environment (LD_PRELOAD, GLIBC_TUNABLES, BASH_ENV, PATH and many more) is code to whoever wrote it: so until the change of user each
 * variable has a name that nobody reads, and env(1) gives it its own behind that. See docs/adr/0021-launching.md.
 */

import { RightsError } from './rights-error.ts'
import { tool } from './tools.ts'

/** Of one argument, in bytes, its NUL included (execve(2): MAX_ARG_STRLEN, 32 pages). */
const longestArgument = 131_072

export interface Handover {
  /** Of the tools that run before the change of user. */
  readonly environment: Readonly<Record<string, string>>
  /** To stand right before the command. They hold names alone: command lines are there for all to read. */
  readonly words: readonly string[]
}

/** Throws `RightsError` where env(1) is missing, or the names are too many for one argument of it. */
export function handover(environment: Readonly<Record<string, string>>): Handover {
  const variables = Object.entries(environment)
  // GNU env puts `${...}` in by itself, and splits or reads no value (coreutils 8.30 and later).
  const text = variables.map(([name], index) => `"${escaped(name)}=\${_${index}}"`).join(' ')
  if (Buffer.byteLength(text) >= longestArgument)
    throw new RightsError(
      `environment: ${variables.length} variables are too many to pass to another user; use fewer, or shorter names`,
    )
  return {
    environment: Object.fromEntries(variables.map(([, value], index) => [`_${index}`, value])),
    words: tool('env', ['-i', '-S', text], 'user'),
  }
}

/** Names that come from outside may hold anything but `=` and NUL. */
function escaped(name: string): string {
  return name.replaceAll(/["\\$]/g, (character) => `\\${character}`)
}
