/** All processes that the kernel shows us. Empty where there is no /proc. */
import { readdirSync, readFileSync } from 'node:fs'

export interface KernelProcess {
  readonly pid: number
  /** One letter; `Z` is a zombie, `X` is being reaped. */
  readonly state: string
  readonly parent: number
  readonly group: number
  readonly session: number
  /** When it was forked, in the kernel's ticks since it booted: with the pid, its identity. */
  readonly started: number
}

/** About 15 µs for each process of the container. */
export function processTable(): readonly KernelProcess[] {
  return processIds().flatMap((pid) => kernelProcess(pid) ?? [])
}

/** Undefined: it ended and was reaped, or /proc hides other users' processes. */
export function kernelProcess(pid: number): KernelProcess | undefined {
  try {
    const [state = '', ...numbers] = statFields(readFileSync(`/proc/${pid}/stat`, 'latin1'))
    const [parent = 0, group = 0, session = 0] = numbers.map(Number)
    return { pid, state, parent, group, session, started: Number(numbers[18]) }
  } catch {
    return undefined
  }
}

/** Of the text of /proc/PID/stat, from the state on: field 3 of proc(5) is the first. */
export function statFields(stat: string): readonly string[] {
  // The program's name stands in parentheses and may itself hold some: the fields follow the last one.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

/** The variables that it was executed with, as `NAME=value`. None: it has ended meanwhile, or is not for us to read. */
export function variablesOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0')
  } catch {
    return []
  }
}

/** Nothing of it runs: it only waits to be reaped. */
export function isOver({ state }: KernelProcess): boolean {
  return state === 'Z' || state === 'X'
}

function processIds(): number[] {
  try {
    return readdirSync('/proc')
      .filter((entry) => /^\d+$/.test(entry))
      .map(Number)
  } catch {
    return []
  }
}
