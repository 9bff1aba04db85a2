/** Writes files of variables that a shell and variable-file.ts read back exactly. */
import type { Variables } from './interpolate.ts'

/** The text of such a file. Throws for a value that `writable` refuses. */
export function writeVariables(variables: Variables): string {
  return Object.entries(variables)
    .map(([name, value]) => {
      if (!writable(value)) throw new Error(`${name} has a value that cannot be written`)
      return `${name}=${quoted(value)}\n`
    })
    .join('')
}

/** A NUL ends a variable for execve(2), and a lone surrogate has no UTF-8. */
export function writable(value: string): boolean {
  return !/[\0\uFFFD]/.test(value) && value.isWellFormed()
}

function quoted(value: string): string {
  return /^[\w./:@%+,=-]*$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`
}
