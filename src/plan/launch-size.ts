/** The size of a program's arguments and environment, as execve(2) counts it. */
import type { Bytes } from '../shared/bytes.ts'

/** `least` is allowed for any program and more than `most` for none, whatever its stack limit (fs/exec.c). */
export const launchBounds: Readonly<Record<'least' | 'most', Bytes>> = { least: 131_072, most: 6 * 1_048_576 }

/** Added for each argument and variable: a NUL and a pointer. */
const overhead = 1 + 8

/** Total size of the arguments and variables. */
export function launchSize(command: readonly string[], environment: Readonly<Record<string, string>>): Bytes {
  let size = 0
  for (const word of command) size += Buffer.byteLength(word) + overhead
  for (const name in environment)
    size += Buffer.byteLength(name) + 1 + Buffer.byteLength(environment[name] as string) + overhead
  return size
}
