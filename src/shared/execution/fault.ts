/** Why a command cannot be executed on this machine: the kernel says little more than ENOENT. */
import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, resolve } from 'node:path'
import { readHead } from './head.ts'

/** A command as it would be executed. */
export interface Execution {
  readonly command: readonly string[]
  /** Absolute. */
  readonly directory: string
  /** Absent: the default of execvp(3). */
  readonly path?: string | undefined
}

export interface ExecutionFault {
  /** Continues "the program NAME". Contains neither the name nor folders of PATH, which may be values of variables. */
  readonly what: string
  readonly hint?: string
  /** As in shells: 127 if it does not exist, 126 if it exists and cannot be executed. */
  readonly exitCode: 126 | 127
  /** The kernel may be able to run it by an emulator (binfmt_misc). */
  readonly doubtful?: true
}

/** Undefined if it can be executed, as far as is known. Reads the disk, and never throws. */
export function executionFault(execution: Execution): ExecutionFault | undefined {
  const [name = ''] = execution.command
  if (name === '') return { what: 'has no name', exitCode: 127 }
  if (name.includes('/')) {
    const fault = fileFault(resolve(execution.directory, name), execution)
    return fault?.what === absent ? { ...fault, ...severalWords(name) } : fault
  }
  const { found, closed } = lookUp(name, execution)
  // execvp(3) tries the next file of this name if it cannot run the first.
  const faults = found.map((file) => fileFault(file, execution))
  if (faults.includes(undefined)) return undefined
  if (faults[0]) return faults[0]
  const what = `was not found in its PATH${closed ? ', which has folders without permission' : ''}`
  return { what, ...severalWords(name), exitCode: 127 }
}

/** `closed`: PATH has a folder without permission. An empty part of PATH is the working directory. */
function lookUp(name: string, { path = '/bin:/usr/bin', directory }: Execution) {
  const files = path.split(delimiter).map((folder) => resolve(directory, folder, name))
  const kinds = files.map(kindOf)
  return { found: files.filter((_, index) => kinds[index] === 'file'), closed: kinds.includes('closed') }
}

const absent = 'does not exist'

/** `depth`: of nested interpreters; the kernel follows five. */
function fileFault(file: string, execution: Execution, depth = 0): ExecutionFault | undefined {
  const kind = kindOf(file)
  if (kind === 'missing') return { what: absent, exitCode: 127 }
  if (kind === 'closed') return { what: 'is in a folder without permission', exitCode: 126 }
  if (kind === 'directory') return { what: 'is a directory, not a program', exitCode: 126 }
  if (!isAllowed(file)) return { what: 'is not executable', hint: 'make it executable: chmod +x', exitCode: 126 }
  const head = readHead(file)
  if (head.kind === 'elf') return elfFault(head.machine, head.loader)
  return head.kind === 'script' && depth < 5 ? scriptFault(head, execution, depth) : undefined
}

function scriptFault(
  { interpreter, words, carriageReturn }: { interpreter: string; words: readonly string[]; carriageReturn: boolean },
  execution: Execution,
  depth: number,
): ExecutionFault | undefined {
  if (carriageReturn) {
    const what =
      'has a first line that ends in a carriage return, as on Windows, which counts as part of the interpreter'
    return { what, hint: 'save it with Unix line endings', exitCode: 127 }
  }
  const fault = fileFault(resolve(execution.directory, interpreter), execution, depth + 1)
  if (fault) return { ...fault, what: `is there, but the interpreter of its first line, ${interpreter}, ${fault.what}` }
  // env(1), for the usual `#!/usr/bin/env node`.
  const named = /\/env$/.test(interpreter) ? words.find((word) => !/^-|=/.test(word)) : undefined
  if (named === undefined) return undefined
  const inner = executionFault({ ...execution, command: [named] })
  return inner && { ...inner, what: `is there, but the interpreter of its first line, ${named}, ${inner.what}` }
}

/** By Node's name of the architecture: the machines of elf(5) that it executes natively. */
const machines: Readonly<Record<string, readonly number[]>> = { x64: [62, 3], arm64: [183, 40] }
const machineNames: Readonly<Record<number, string>> = {
  3: 'x86 (32 bit)',
  40: 'ARM (32 bit)',
  62: 'x64',
  183: 'arm64',
  243: 'RISC-V',
}

function elfFault(machine: number, loader: string | undefined): ExecutionFault | undefined {
  const own = machines[process.arch]
  if (own && !own.includes(machine)) {
    const what = `is built for ${machineNames[machine] ?? `ELF machine ${machine}`}, and this machine is ${process.arch}`
    return { what, exitCode: 126, doubtful: true }
  }
  if (loader === undefined || kindOf(loader) !== 'missing') return undefined
  const what = `is there, but the loader that it needs, ${loader}, does not exist`
  return { what, hint: 'it is built for another C library or system', exitCode: 127 }
}

function severalWords(name: string): { readonly hint?: string } {
  return /\s/.test(name) ? { hint: 'a word with blanks is one name: write each word as a separate item' } : {}
}

function kindOf(path: string): 'file' | 'directory' | 'missing' | 'closed' {
  try {
    return statSync(path).isDirectory() ? 'directory' : 'file'
  } catch (error) {
    return ['EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '') ? 'closed' : 'missing'
  }
}

/** Whether we may execute the file or enter the folder. */
export function isAllowed(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
