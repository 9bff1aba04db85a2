/** All processes that the kernel shows us, from /proc. Empty where there is none. */
import { readdirSync, readFileSync } from 'node:fs'
import { readProcFile } from '../../shared/system/proc-file.ts'

export interface KernelProcess {
  readonly pid: number
  /** One letter; `Z` is a zombie, `X` is being reaped. */
  readonly state: string
  readonly parent: number
  readonly group: number
  readonly session: number
  /** When it was forked, in the kernel's ticks since boot: together with the pid, its identity. */
  readonly started: number
}

/** About 15 µs for each process of the container. */
export function processTable(): readonly KernelProcess[] {
  return processIds().flatMap((pid) => kernelProcess(pid) ?? [])
}

/** Undefined if it was reaped, or /proc hides other users' processes. */
export function kernelProcess(pid: number): KernelProcess | undefined {
  try {
    const [state = '', ...numbers] = statFields(readProcFile(`/proc/${pid}/stat`))
    const [parent = 0, group = 0, session = 0] = numbers.map(Number)
    return { pid, state, parent, group, session, started: Number(numbers[18]) }
  } catch {
    return undefined
  }
}

/** The fields of /proc/PID/stat, from the state on: field 3 of proc(5) comes first. */
export function statFields(stat: string): readonly string[] {
  // The program's name is in parentheses and may itself contain some: the fields follow the last one.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

/**
 * The environment that it was executed with, as `NAME=value`. Empty if it has ended meanwhile, or we may not read it.
 */
export function variablesOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0')
  } catch {
    return []
  }
}

/** It has ended and only waits to be reaped. */
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
