/** What the kernel knows of processes (Linux: proc(5)); tests trust this and not what Gatehouse says. */
import { readdirSync, readFileSync } from 'node:fs'

export interface RunningProcess {
  readonly pid: number
  readonly parent: number
  /** Process group. */
  readonly group: number
  readonly command: string
}

/** All processes but zombies, which have ended and only wait to be reaped. */
export function runningProcesses(): RunningProcess[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map((entry) => readProcess(Number(entry)))
    .filter((process) => process !== undefined)
}

export function isRunning(pid: number): boolean {
  return readProcess(pid) !== undefined
}

/** Everyone in these process groups, and everyone whose environment holds `NAME=value`. */
export function processesOf(groups: ReadonlySet<number>, variable: string): RunningProcess[] {
  return runningProcesses().filter(({ pid, group }) => groups.has(group) || environmentOf(pid).includes(variable))
}

function readProcess(pid: number): RunningProcess | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The program's name stands in parentheses and may hold any character, so what follows the last one is read.
    const [state, parent, group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (state === 'Z' || state === 'X') return undefined
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
    return { pid, parent: Number(parent), group: Number(group), command }
  } catch {
    return undefined // it ended meanwhile
  }
}

function environmentOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
  } catch {
    return []
  }
}
