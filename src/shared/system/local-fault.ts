/**
 * Faults of this machine, or of our own limits: they say nothing about the program, the upstream or the file that was asked for. What
 * met one is tried again, and held against nobody.
 */
import { closeSync, openSync } from 'node:fs'
import { networkInterfaces } from 'node:os'

/** By errno(3), and what would help. */
const hints: Readonly<Record<string, string>> = {
  EMFILE: 'raise the limit of open files: `ulimit -n`, `--ulimit nofile=`, or systemd’s `LimitNOFILE=`',
  ENFILE: 'the whole machine is out of open files: raise `fs.file-max`',
  ENOMEM: 'the machine is out of memory: give it more, or let it do less',
  EAGAIN: 'no process can be made: raise the limit of processes (`ulimit -u`, `--pids-limit`)',
  ENOSPC: 'the disk is full: make room on it',
  EDQUOT: 'the quota of this user on the disk is used up: make room, or raise it',
  ENOBUFS: 'the kernel has no room for more sockets: let the machine do less, or give it more memory',
  EADDRNOTAVAIL: 'no port is to spare for another connection: widen `net.ipv4.ip_local_port_range`',
  EAI_MEMORY: 'the machine is out of memory: give it more, or let it do less',
}

interface Facts {
  readonly code?: unknown
  readonly syscall?: unknown
  readonly address?: unknown
  readonly cause?: unknown
  readonly errors?: unknown
}

/** How far causes are followed. */
const deepest = 4

/** Whether an error of Node's is due to this machine or our own limits, however it is wrapped. */
export function isLocalFault(thrown: unknown): boolean {
  return localCode(thrown, 0) !== undefined
}

/** What would help against a local fault; undefined of any other error. */
export function localFaultHint(thrown: unknown): string | undefined {
  const code = localCode(thrown, 0)
  return code === undefined ? undefined : hints[code]
}

/** A local fault that may last until somebody sees to it. */
export function isDiskFull(thrown: unknown): boolean {
  const code = localCode(thrown, 0)
  return code === 'ENOSPC' || code === 'EDQUOT'
}

/** An attempt that could not be made, so that it is neither a success nor a failure. */
export class NotTried {
  /** With the hint, for the log. */
  readonly why: string

  constructor(why: string) {
    this.why = why
  }
}

/** What a failed attempt says: `words`, or that it could not be made at all. */
export function failedOrNotTried(error: unknown, words: string): string | NotTried {
  const hint = localFaultHint(error)
  return hint === undefined ? words : new NotTried(`${words} (${hint})`)
}

function localCode(thrown: unknown, depth: number): string | undefined {
  if (typeof thrown !== 'object' || thrown === null || depth === deepest) return undefined
  const facts = thrown as Facts
  if (Array.isArray(facts.errors)) return codeOfSeveral(facts.errors, depth)
  const { code } = facts
  if (typeof code !== 'string') return localCode(facts.cause, depth + 1)
  if (isOfOthers(code, facts)) return undefined
  if (Object.hasOwn(hints, code)) return code
  // A resolver that cannot open its files or a socket only says that it found nothing.
  if ((code === 'ENOTFOUND' || code === 'EAI_AGAIN') && !canOpen()) return 'EMFILE'
  return localCode(facts.cause, depth + 1)
}

/**
 * Of the addresses of one name: an address that was refused is a verdict, if nothing but a family that this machine has not stood
 * in the way of the others.
 */
function codeOfSeveral(errors: readonly unknown[], depth: number): string | undefined {
  for (const error of errors) {
    const code = localCode(error, depth + 1)
    if (code !== undefined) return code
  }
  return undefined
}

/** The same code, with another meaning. */
function isOfOthers(code: string, { syscall, address }: Facts): boolean {
  // connect(2) on a Unix socket: the queue of who listens there is full (unix(7)).
  if (code === 'EAGAIN') return syscall === 'connect'
  // Not for want of a port: an address of a family that this machine does not have, or one that is not its own to bind.
  if (code === 'EADDRNOTAVAIL') return syscall !== 'connect' || (String(address).includes(':') && !hasIpv6())
  return false
}

function hasIpv6(): boolean {
  return Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ family }) => family === 'IPv6'))
}

function canOpen(): boolean {
  try {
    closeSync(openSync('/dev/null', 'r'))
    return true
  } catch {
    return false
  }
}
