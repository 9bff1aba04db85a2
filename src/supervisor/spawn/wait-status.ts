/**
 * What wait(2) says of a child's end, which Node does not pass on in full: it knows no real-time signals, and gives for death by one of
 * them what it gives for exit code 0. So the status is read before Node takes it: when a child's output ends and the kernel says that it
 * is about to be gone, its entry in /proc stays with its status (proc_pid_stat(5), `exit_code`) for as long as this turn of the event
 * loop lasts, since libuv waits for children at the end of a turn.
 */
import { readFileSync } from 'node:fs'
import type { Readable } from 'node:stream'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { statFields } from '../group/process-table.ts'
import { isCapable } from '../rights/capabilities.ts'
import { type Exit, signalName } from './exit.ts'

/** Between the end of a program's output and its own there are microseconds; more if its memory is large. */
const patience: Milliseconds = 20

/** And for one that happens to end at the same time as another. */
const glimpse: Milliseconds = 2

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
 * Says how the child `pid` ended, when Node has said so. Where all its output was closed before it ended, or is still held by others
 * then, Node's word must do.
 */
export function watchStatus(pid: number, output: readonly (Readable | null)[], readAs: ReadAs): (told: Exit) => Exit {
  let status: number | undefined
  const glance = () => {
    status ??= statusOf(pid, readAs, glimpse)
  }
  const look = () => {
    status ??= statusOf(pid, readAs, patience)
    for (const other of watched) other()
  }
  for (const stream of output) stream?.once('end', look)
  watched.add(glance)
  return (told) => {
    watched.delete(glance)
    const signal = (status ?? 0) & 0x7f
    return told.code === 0 && signal > lastStandardSignal ? { code: null, signal: signalName(signal) } : told
  }
}

/**
 * All that live. libuv waits for every child that is over by then, also for one that ended while another was looked at, and whose end of
 * output would have come next.
 */
const watched = new Set<() => void>()

function statusOf(pid: number, readAs: ReadAs, longest: Milliseconds): number | undefined {
  for (const until = performance.now() + longest; performance.now() < until; ) {
    const { state, flags, status } = readStat(pid)
    if (state === 'Z') return status === 0 ? shownTo(pid, readAs) : status
    // It has only closed its output, or is gone already.
    if ((flags & isExiting) === 0) return undefined
  }
  return undefined
}

/** Without CAP_SYS_PTRACE, which no container has by default, the kernel shows 0 for the programs of other users (ptrace(2)). */
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
