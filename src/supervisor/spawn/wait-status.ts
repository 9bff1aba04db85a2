/**
 * The wait(2) status of a child, which Node does not pass on in full: it does not know real-time signals, and reports
 * death by one as exit code 0. So the status is read before Node reaps the child: when its output ends and the kernel
 * marks it as exiting, its entry in /proc keeps the status (proc_pid_stat(5), `exit_code`) until the end of this turn
 * of the event loop, when libuv waits for children.
 */
import { readFileSync } from 'node:fs'
import type { Readable } from 'node:stream'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { statFields } from '../group/process-table.ts'
import { isCapable } from '../rights/capabilities.ts'
import { type Exit, signalName } from './exit.ts'

/**
 * How long to wait from the end of a program's output to its exit: usually microseconds, longer if it used much memory.
 */
const patience: Milliseconds = 20

/** The same for a program that may happen to end at the same time as another. */
const shortPatience: Milliseconds = 2

/** The kernel's PF_EXITING. */
const isExiting = 0x4

const lastStandardSignal = 31

export interface Owner {
  readonly uid: number
  readonly gid: number
}

/** Reads a file as this user, in this turn of the event loop. */
export type ReadAs = (owner: Owner, path: string) => string | undefined

/**
 * Returns a function that corrects what Node reports of the exit of `pid`. If its output was closed before it ended, or
 * others still hold it, Node's report stands.
 */
export function watchStatus(
  pid: number,
  output: readonly (Readable | null)[],
  readAs: ReadAs,
): (reported: Exit) => Exit {
  let status: number | undefined
  const glance = () => {
    status ??= statusOf(pid, readAs, shortPatience)
  }
  const look = () => {
    status ??= statusOf(pid, readAs, patience)
    for (const other of watched) other()
  }
  for (const stream of output) stream?.once('end', look)
  watched.add(glance)
  return (reported) => {
    watched.delete(glance)
    const signal = (status ?? 0) & 0x7f
    return reported.code === 0 && signal > lastStandardSignal ? { code: null, signal: signalName(signal) } : reported
  }
}

/**
 * One for each running child. At the end of the turn libuv reaps every child that has ended, also one that ended while
 * another was examined, and whose end of output we would have seen only in the next turn.
 */
const watched = new Set<() => void>()

function statusOf(pid: number, readAs: ReadAs, longest: Milliseconds): number | undefined {
  for (const until = performance.now() + longest; performance.now() < until; ) {
    const { state, flags, status } = readStat(pid)
    if (state === 'Z') return status === 0 ? shownTo(pid, readAs) : status
    // It has only closed its output, or was reaped already.
    if ((flags & isExiting) === 0) return undefined
  }
  return undefined
}

/**
 * Without CAP_SYS_PTRACE, which containers lack by default, the kernel shows 0 for programs of other users (ptrace(2)).
 */
function shownTo(pid: number, readAs: ReadAs): number {
  const owner = ownerOf(pid)
  if (!owner || owner.uid === process.geteuid?.() || isCapable('CAP_SYS_PTRACE')) return 0
  return factsIn(readAs(owner, statPath(pid))).status
}

const statPath = (pid: number) => `/proc/${pid}/stat`

interface Facts {
  readonly state?: string | undefined
  readonly flags: number
  readonly status: number
}

function readStat(pid: number): Facts {
  try {
    return factsIn(readFileSync(statPath(pid), 'latin1'))
  } catch {
    return factsIn(undefined)
  }
}

function factsIn(stat: string | undefined): Facts {
  if (stat === undefined || stat === '') return { flags: 0, status: 0 }
  const fields = statFields(stat)
  return { state: fields[0], flags: Number(fields[6]), status: Number(fields[49]) }
}

function ownerOf(pid: number): Owner | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/status`, 'latin1')
    const [uid, gid] = [/^Uid:\s*(\d+)/m.exec(text)?.[1], /^Gid:\s*(\d+)/m.exec(text)?.[1]]
    return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) }
  } catch {
    return undefined
  }
}
