/** Why a command could not be executed on this machine, before it is tried or after it has failed: the kernel says little more than ENOENT. */
import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, resolve } from 'node:path'
import { readHead } from './head.ts'

/** A command as it would be executed. */
export interface Execution {
  readonly command: readonly string[]
  /** Absolute. */
  readonly directory: string
  /** Absent: that of execvp(3). */
  readonly path?: string | undefined
}

export interface ExecutionFault {
  /** Continues "the program NAME". Holds neither the name nor folders of PATH, which may be values of variables. */
  readonly what: string
  readonly hint?: string
  /** As shells say it: 127 for what is not there, 126 for what is there and cannot be run. */
  readonly exitCode: 126 | 127
  /** The kernel may run it all the same: it knows emulators for other machines (binfmt_misc). */
  readonly doubtful?: true
}

/** Undefined if nothing speaks against it. Looks at the disk, and never throws. */
export function executionFault(execution: Execution): ExecutionFault | undefined {
  const [name = ''] = execution.command
  if (name === '') return { what: 'has no name', exitCode: 127 }
  if (name.includes('/')) {
    const fault = fileFault(resolve(execution.directory, name), execution)
    return fault?.what === absent ? { ...fault, ...severalWords(name) } : fault
  }
  const { found, closed } = lookUp(name, execution)
  // execvp(3) goes on to the next one of the name if it cannot run the first.
  const faults = found.map((file) => fileFault(file, execution))
  if (faults.includes(undefined)) return undefined
  if (faults[0]) return faults[0]
  const what = `was not found in its PATH${closed ? ', of which not every folder may be entered' : ''}`
  return { what, ...severalWords(name), exitCode: 127 }
}

/** `closed`: PATH has a folder that may not be entered. An empty part of PATH is the working directory. */
function lookUp(name: string, { path = '/bin:/usr/bin', directory }: Execution) {
  const files = path.split(delimiter).map((folder) => resolve(directory, folder, name))
  const kinds = files.map(kindOf)
  return { found: files.filter((_, index) => kinds[index] === 'file'), closed: kinds.includes('closed') }
}

const absent = 'does not exist'

/** `depth`: of how many interpreters it is one; the kernel follows five. */
function fileFault(file: string, execution: Execution, depth = 0): ExecutionFault | undefined {
  const kind = kindOf(file)
  if (kind === 'missing') return { what: absent, exitCode: 127 }
  if (kind === 'closed') return { what: 'lies in a folder that may not be entered', exitCode: 126 }
  if (kind === 'directory') return { what: 'is a directory, not a program', exitCode: 126 }
  if (!isAllowed(file)) return { what: 'is not executable', hint: 'chmod +x would make it so', exitCode: 126 }
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
    const what = 'has a first line that ends in a carriage return, as on Windows, which is taken for a part of it'
    return { what, hint: 'save it with the line ends of Unix', exitCode: 127 }
  }
  const fault = fileFault(resolve(execution.directory, interpreter), execution, depth + 1)
  if (fault) return { ...fault, what: `is there, but the interpreter of its first line, ${interpreter}, ${fault.what}` }
  // env(1), for the usual `#!/usr/bin/env node`.
  const asked = /\/env$/.test(interpreter) ? words.find((word) => !/^-|=/.test(word)) : undefined
  if (asked === undefined) return undefined
  const inner = executionFault({ ...execution, command: [asked] })
  return inner && { ...inner, what: `is there, but the interpreter of its first line, ${asked}, ${inner.what}` }
}

/** Those of elf(5) that each of Node's may run by itself. */
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
    const what = `is built for another machine (${machineNames[machine] ?? `number ${machine} of ELF`}), and this one is ${process.arch}`
    return { what, exitCode: 126, doubtful: true }
  }
  if (loader === undefined || kindOf(loader) !== 'missing') return undefined
  const what = `is there, but the loader that it needs, ${loader}, does not exist`
  return { what, hint: 'it is built for another C library or system', exitCode: 127 }
}

function severalWords(name: string): { readonly hint?: string } {
  return /\s/.test(name) ? { hint: 'a word with blanks is one name: write each word as an item of its own' } : {}
}

function kindOf(path: string): 'file' | 'directory' | 'missing' | 'closed' {
  try {
    return statSync(path).isDirectory() ? 'directory' : 'file'
  } catch (error) {
    return ['EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '') ? 'closed' : 'missing'
  }
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
