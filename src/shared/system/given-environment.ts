/** The environment of this process as it was started: for programs, and for `${NAME}` in the config. */
import { isUtf8 } from 'node:buffer'
import { readFileSync } from 'node:fs'

export interface GivenEnvironment {
  readonly variables: Readonly<Record<string, string>>
  /** Names of variables whose name or value is not UTF-8, made printable; none of these is in `variables`. */
  readonly notUtf8: readonly string[]
  /** Names that the runtime can see in the environment; the others have reserved names there. */
  readonly exposed: readonly string[]
}

/**
 * Prefixes of variables after Gatehouse has executed itself again (cli/own-environment.ts): Node does not read these
 * names, and no shell can set them.
 */
export const reserved = { program: 'gatehouse-for-programs:', notUtf8: 'gatehouse-not-utf-8:' } as const

let given: GivenEnvironment | undefined

/** Read once: `process.env` is emptied afterwards, and Node removes some variables before our first line. */
export function givenEnvironment(): GivenEnvironment {
  given ??= readEnvironment(bytesGiven())
  return given
}

/** `bytes`: `NAME=value`, each ended by NUL. Of duplicates the first counts, as for getenv(3). */
export function readEnvironment(bytes: Buffer): GivenEnvironment {
  const variables: Record<string, string> = Object.create(null)
  const notUtf8: string[] = []
  const exposed: string[] = []
  for (const entry of isUtf8(bytes) ? bytes.toString().split('\0') : textsOf(bytes, notUtf8)) {
    // From the second character on: a name has at least one.
    const equals = entry.indexOf('=', 1)
    if (equals === -1) continue
    const name = entry.slice(0, equals)
    const value = entry.slice(equals + 1)
    if (name.startsWith(reserved.notUtf8)) notUtf8.push(name.slice(reserved.notUtf8.length))
    else if (name.startsWith(reserved.program)) variables[name.slice(reserved.program.length)] ??= value
    else if (!Object.hasOwn(variables, name)) {
      variables[name] = value
      exposed.push(name)
    }
  }
  return { variables, notUtf8, exposed }
}

/** Node would silently replace invalid UTF-8 by U+FFFD, and programs would get a different value. */
function textsOf(bytes: Buffer, notUtf8: string[]): string[] {
  const texts: string[] = []
  for (let start = 0; start < bytes.length; ) {
    const nul = bytes.indexOf(0, start)
    const entry = bytes.subarray(start, nul === -1 ? bytes.length : nul)
    start += entry.length + 1
    if (isUtf8(entry)) texts.push(entry.toString())
    else notUtf8.push(printable(entry.subarray(0, entry.indexOf('='))))
  }
  return texts
}

function printable(name: Buffer): string {
  if (isUtf8(name)) return name.toString()
  return name.toString('latin1').replace(/[^ -~]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

function bytesGiven(): Buffer {
  try {
    return readFileSync('/proc/self/environ')
  } catch {
    // No /proc, as on macOS: use what Node has decoded.
    return Buffer.from(
      Object.entries(process.env)
        .map(([name, value]) => `${name}=${value}\0`)
        .join(''),
    )
  }
}
