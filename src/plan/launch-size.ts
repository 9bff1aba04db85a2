/** How much a program is given when it is executed, as execve(2) counts it. */
import type { Bytes } from '../shared/bytes.ts'

/** Any program may have as much, and none may have more than the most, whatever the limit of its stack (fs/exec.c). */
export const launchBounds: Readonly<Record<'least' | 'most', Bytes>> = { least: 131_072, most: 6 * 1_048_576 }

/** Of each word and variable beside its text: a NUL and a pointer. */
const overhead = 1 + 8

/** Of the words of a command and the variables together. */
export function launchSize(command: readonly string[], environment: Readonly<Record<string, string>>): Bytes {
  let size = 0
  for (const word of command) size += Buffer.byteLength(word) + overhead
  for (const name in environment)
    size += Buffer.byteLength(name) + 1 + Buffer.byteLength(environment[name] as string) + overhead
  return size
}
