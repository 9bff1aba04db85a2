/**
 * Passes an environment to a program that runs as another user. Many variables (LD_PRELOAD, GLIBC_TUNABLES, BASH_ENV,
 * PATH and others) make the loader, the C library and tools run code: so until the change of user each variable has a
 * neutral name, and env(1) renames it afterwards. See docs/adr/0021-launching.md.
 */

import { RightsError } from './rights-error.ts'
import { tool } from './tools.ts'

/** The limit for one argument, in bytes, including its NUL (execve(2): MAX_ARG_STRLEN, 32 pages). */
const longestArgument = 131_072

export interface Handover {
  /** For the tools that run before the change of user. */
  readonly environment: Readonly<Record<string, string>>
  /** To be put right before the command. Names only: command lines can be read by everyone. */
  readonly words: readonly string[]
}

/** Throws `RightsError` if env(1) is missing, or the names do not fit into one of its arguments. */
export function handover(environment: Readonly<Record<string, string>>): Handover {
  const variables = Object.entries(environment)
  // GNU env expands `${...}` itself, and neither splits nor interprets the values (coreutils 8.30 and later).
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

/** Names that were inherited may contain anything but `=` and NUL. */
function escaped(name: string): string {
  return name.replaceAll(/["\\$]/g, (character) => `\\${character}`)
}
