/** Why a program could not be started, in words that name the field of the config that is to be mended. */
import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, resolve } from 'node:path'
import { codeOf } from '../shared/errors.ts'
import { localFaultHint } from '../shared/local-fault.ts'
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

/** `thrown` is what Node says, which is ENOENT for a missing program, interpreter and directory alike. */
export function explainSpawnFailure(program: Program, thrown: unknown): SpawnFailure {
  const code = (thrown as NodeJS.ErrnoException).code ?? ''
  const hint = localFaultHint(thrown)
  const shortage = `could not be spawned for the moment (${code})`
  if (hint !== undefined) return { reason: `${shortage}: ${hint}`, exitCode: 126, transient: true, local: true }
  if (code === 'ETXTBSY') return { reason: shortage, exitCode: 126, transient: true }
  const cause = directoryFault(program) ?? (code === 'ENOENT' ? missing(program) : refused(program))
  return {
    ...(cause ?? { reason: `command: cannot be executed (${codeOf(thrown)})`, exitCode: 126 }),
    transient: false,
  }
}

/** Of what a tool is to start in our place: why that cannot succeed; undefined if it can be tried. */
export function foreseenFailure(program: Program): SpawnFailure | undefined {
  const [name = ''] = program.command
  const found = name.includes('/')
    ? [resolve(program.directory, name)].filter((path) => kindOf(path) !== 'missing')
    : candidates(name, program)
  const startable = found.some((path) => kindOf(path) === 'file' && isAllowed(path))
  const cause = directoryFault(program) ?? (found.length === 0 ? missing(program) : undefined)
  const failure = cause ?? (startable ? undefined : refused(program))
  return failure && { ...failure, transient: false }
}

type Cause = Omit<SpawnFailure, 'transient'>

function directoryFault({ directory, written }: Program): Cause | undefined {
  const kind = kindOf(directory)
  const name = written?.directory ?? directory
  if (kind === 'missing') return { reason: `directory: ${name} does not exist`, exitCode: 127 }
  if (kind !== 'directory') return { reason: `directory: ${name} is not a directory`, exitCode: 126 }
  if (!isAllowed(directory)) return { reason: `directory: ${name} may not be entered`, exitCode: 126 }
  return undefined
}

function missing(program: Program): Cause {
  const {
    command: [name = ''],
    directory,
    written,
  } = program
  if (name === '') return { reason: 'command: the name of the program is empty', exitCode: 127 }
  if (!name.includes('/')) {
    const [found] = candidates(name, program)
    if (found === undefined) {
      return { reason: `command: the program ${written?.program ?? name} was not found in its PATH`, exitCode: 127 }
    }
    return withoutInterpreter(spoken(program, found))
  }
  const path = resolve(directory, name)
  if (kindOf(path) !== 'missing') return withoutInterpreter(spoken(program, path))
  return { reason: `command: the program ${spoken(program, path)} does not exist`, exitCode: 127 }
}

/** A program's path as it may be said: without the values of variables, wherever they were put into it. */
function spoken({ command: [name = ''], written }: Program, path: string): string {
  return written?.program ?? (written?.directory === undefined ? path : name)
}

/** The kernel says ENOENT of a program, too, when what is to run it is missing. */
function withoutInterpreter(name: string): Cause {
  const reason = `command: the program ${name} is there, but the interpreter or loader that it names is not`
  return { reason, exitCode: 127 }
}

function refused(program: Program): Cause | undefined {
  const {
    command: [name = ''],
    directory,
  } = program
  const path = name.includes('/') ? resolve(directory, name) : candidates(name, program)[0]
  if (path === undefined) return undefined
  const said = spoken(program, path)
  if (kindOf(path) === 'directory') return { reason: `command: ${said} is a directory, not a program`, exitCode: 126 }
  if (isAllowed(path)) return undefined
  return { reason: `command: the program ${said} is not executable (chmod +x would make it so)`, exitCode: 126 }
}

/** The files that may be meant by a name, as execvp(3) goes through them; an empty part of PATH is the working directory. */
function candidates(name: string, { environment, directory }: Program): readonly string[] {
  return (environment.PATH ?? '/bin:/usr/bin')
    .split(delimiter)
    .map((folder) => resolve(directory, folder, name))
    .filter((candidate) => name !== '' && kindOf(candidate) === 'file')
}

function kindOf(path: string): 'file' | 'directory' | 'missing' {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (!stats) return 'missing'
  return stats.isDirectory() ? 'directory' : 'file'
}

/** Whether we may execute the file, or enter the folder. */
export function isAllowed(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
