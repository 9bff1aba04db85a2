/** Why a program could not be started, naming the config field to fix. */
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { codeOf } from '../../shared/errors.ts'
import { type ExecutionFault, executionFault, isAllowed } from '../../shared/execution/fault.ts'
import { localFaultHint } from '../../shared/system/local-fault.ts'
import type { Program } from './program.ts'

export interface SpawnFailure {
  /** Holds no environment values. */
  readonly reason: string
  /** As in shells: 127 for a missing program, 126 for one that cannot be executed. */
  readonly exitCode: 126 | 127
  /** The next attempt may succeed. */
  readonly transient: boolean
  /** This machine is short of a resource, which is not the program's fault: retried without limit. */
  readonly local?: true
}

export const tooLarge: SpawnFailure = {
  reason:
    'command: arguments and environment are too large for the kernel (E2BIG): at most 128 kB in each, a few MB in total',
  exitCode: 126,
  transient: false,
}

/** `thrown`: Node's error, which is ENOENT for a missing program, interpreter and directory alike. */
export function explainSpawnFailure(program: Program, thrown: unknown): SpawnFailure {
  const code = (thrown as NodeJS.ErrnoException).code ?? ''
  const hint = localFaultHint(thrown)
  const shortage = `could not be spawned (${code})`
  if (hint !== undefined) return { reason: `${shortage}: ${hint}`, exitCode: 126, transient: true, local: true }
  if (code === 'ETXTBSY') return { reason: shortage, exitCode: 126, transient: true }
  if (code === 'E2BIG') return tooLarge
  const cause = directoryFault(program) ?? commandFault(program, faultOf(program))
  return {
    ...(cause ?? { reason: `command: cannot be executed (${codeOf(thrown)})`, exitCode: 126 }),
    transient: false,
  }
}

/** For a program that a tool starts in our place: why that cannot succeed; undefined if it may. */
export function foreseenFailure(program: Program): SpawnFailure | undefined {
  const fault = faultOf(program)
  const cause = directoryFault(program) ?? (fault?.doubtful ? undefined : commandFault(program, fault))
  return cause && { ...cause, transient: false }
}

type Cause = Omit<SpawnFailure, 'transient'>

function directoryFault({ directory, written }: Program): Cause | undefined {
  const name = written?.directory ?? directory
  try {
    if (!statSync(directory).isDirectory()) return { reason: `directory: ${name} is not a directory`, exitCode: 126 }
    return isAllowed(directory)
      ? undefined
      : { reason: `directory: ${name} cannot be entered (permission denied)`, exitCode: 126 }
  } catch (error) {
    if (codeOf(error) === 'EACCES')
      return { reason: `directory: ${name} is in a folder that cannot be entered (permission denied)`, exitCode: 126 }
    return { reason: `directory: ${name} does not exist`, exitCode: 127 }
  }
}

function faultOf({ command, directory, environment }: Program): ExecutionFault | undefined {
  return executionFault({ command, directory, path: environment.PATH })
}

function commandFault(program: Program, fault: ExecutionFault | undefined): Cause | undefined {
  if (!fault) return undefined
  const { what, hint, exitCode } = fault
  return {
    reason: `command: the program ${loggedName(program)} ${what}${hint === undefined ? '' : ` (${hint})`}`,
    exitCode,
  }
}

/** The program as it may be logged: without the values of variables that are part of it. */
function loggedName({ command: [name = ''], directory, written }: Program): string {
  if (written?.program !== undefined) return written.program
  return name.includes('/') && written?.directory === undefined ? resolve(directory, name) : name
}
