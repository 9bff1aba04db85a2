/** Why a program could not be started, in words that name the field of the config that is to be mended. */
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { codeOf } from '../../shared/errors.ts'
import { type ExecutionFault, executionFault, isAllowed } from '../../shared/execution/fault.ts'
import { localFaultHint } from '../../shared/system/local-fault.ts'
import type { Program } from './program.ts'

export interface SpawnFailure {
  /** Holds no environment values. */
  readonly reason: string
  /** As shells say it: 127 for what is not there, 126 for what is there and cannot be run. */
  readonly exitCode: 126 | 127
  /** It may work the next time: the machine was short of something. */
  readonly transient: boolean
  /** And that is no fault of the program's or its config: it is tried again for as long as it takes. */
  readonly local?: true
}

export const tooLarge: SpawnFailure = {
  reason:
    'command: arguments and environment are too large for the kernel (E2BIG): at most 128 kB in each, a few MB in total',
  exitCode: 126,
  transient: false,
}

/** `thrown` is what Node says, which is ENOENT for a missing program, interpreter and directory alike. */
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

/** Of what a tool is to start in our place: why that cannot succeed; undefined if it can be tried. */
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
    return isAllowed(directory) ? undefined : { reason: `directory: ${name} may not be entered`, exitCode: 126 }
  } catch (error) {
    if (codeOf(error) === 'EACCES')
      return { reason: `directory: ${name} lies in a folder that may not be entered`, exitCode: 126 }
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
    reason: `command: the program ${spoken(program)} ${what}${hint === undefined ? '' : ` (${hint})`}`,
    exitCode,
  }
}

/** The program as it may be said: without the values of variables, wherever they were put into it. */
function spoken({ command: [name = ''], directory, written }: Program): string {
  if (written?.program !== undefined) return written.program
  return name.includes('/') && written?.directory === undefined ? resolve(directory, name) : name
}
