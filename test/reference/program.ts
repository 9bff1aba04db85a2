/** What a program was really started with, and what the first start wrote. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Running, Variables } from './site.ts'

export interface Program {
  readonly pid: number
  /** Its command line behind the program's own name. */
  readonly words: readonly string[]
  readonly environment: Readonly<Record<string, string>>
}

/** A supervised process as the kernel knows it (proc(5)), as soon as it listens. */
export async function programOf({ gatehouse }: Pick<Running, 'gatehouse'>, name: string): Promise<Program> {
  await gatehouse.waitFor({ process: name, message: /^listening on / })
  const pid = gatehouse.pidOf(name)
  // Stand-ins are scripts: the interpreter and the script's path come first.
  const [, , ...words] = list(`/proc/${pid}/cmdline`)
  return { pid, words, environment: variablesOf(list(`/proc/${pid}/environ`)) }
}

function list(path: string): string[] {
  return readFileSync(path, 'utf8').split('\0').slice(0, -1)
}

function variablesOf(lines: readonly string[]): Readonly<Record<string, string>> {
  const pairs = lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const)
  return Object.fromEntries(pairs)
}

/** docker.env of a volume, as text and as what it says. Values are not quoted where the first start wrote it. */
export function dockerEnv(stacks: string): { readonly text: string; readonly variables: Variables } {
  const text = readFileSync(join(stacks, 'configuration/docker.env'), 'utf8')
  return { text, variables: variablesOf(text.split('\n').filter((line) => /^\w+=/.test(line))) }
}
