/**
 * Faults of this machine, or of our own limits: they say nothing about the program, the upstream or the file in
 * question. The attempt is repeated and does not count as a failure.
 */
import { closeSync, openSync } from 'node:fs'
import { networkInterfaces } from 'node:os'

/** Hints by errno(3). */
const hints: Readonly<Record<string, string>> = {
  EMFILE: 'raise the limit of open files: `ulimit -n`, `--ulimit nofile=`, or systemd’s `LimitNOFILE=`',
  ENFILE: 'the whole machine is out of open files: raise `fs.file-max`',
  ENOMEM: 'the machine is out of memory: add memory or reduce the load',
  EAGAIN: 'the limit of processes is reached: raise it (`ulimit -u`, `--pids-limit`)',
  ENOSPC: 'the disk is full: free some space',
  EDQUOT: 'the disk quota of this user is exceeded: free some space or raise it',
  ENOBUFS: 'the kernel has no memory for more sockets: reduce the load or add memory',
  EADDRNOTAVAIL: 'no port is free for another connection: widen `net.ipv4.ip_local_port_range`',
  EAI_MEMORY: 'the machine is out of memory: add memory or reduce the load',
}

interface Facts {
  readonly code?: unknown
  readonly syscall?: unknown
  readonly address?: unknown
  readonly cause?: unknown
  readonly errors?: unknown
}

/** How deep causes are followed. */
const maxDepth = 4

/** Whether a Node error is due to this machine or our own limits, even if it is wrapped. */
export function isLocalFault(thrown: unknown): boolean {
  return localCode(thrown, 0) !== undefined
}

/** The hint for a local fault; undefined for any other error. */
export function localFaultHint(thrown: unknown): string | undefined {
  const code = localCode(thrown, 0)
  return code === undefined ? undefined : hints[code]
}

/** A local fault that lasts until an operator frees space. */
export function isDiskFull(thrown: unknown): boolean {
  const code = localCode(thrown, 0)
  return code === 'ENOSPC' || code === 'EDQUOT'
}

/** An attempt that could not be made: neither a success nor a failure. */
export class NotTried {
  /** With the hint, for the log. */
  readonly why: string

  constructor(why: string) {
    this.why = why
  }
}

/** The message of a failed attempt, or `NotTried` if a local fault prevented it. */
export function failedOrNotTried(error: unknown, words: string): string | NotTried {
  const hint = localFaultHint(error)
  return hint === undefined ? words : new NotTried(`${words} (${hint})`)
}

function localCode(thrown: unknown, depth: number): string | undefined {
  if (typeof thrown !== 'object' || thrown === null || depth === maxDepth) return undefined
  const facts = thrown as Facts
  if (Array.isArray(facts.errors)) return codeOfSeveral(facts.errors, depth)
  const { code } = facts
  if (typeof code !== 'string') return localCode(facts.cause, depth + 1)
  if (isOfOthers(code, facts)) return undefined
  if (Object.hasOwn(hints, code)) return code
  // A resolver that cannot open its files or a socket reports only that it found nothing.
  if ((code === 'ENOTFOUND' || code === 'EAI_AGAIN') && !canOpen()) return 'EMFILE'
  return localCode(facts.cause, depth + 1)
}

/**
 * Of the errors for the addresses of one name: a local fault of any of them. A missing address family is not one (see
 * below).
 */
function codeOfSeveral(errors: readonly unknown[], depth: number): string | undefined {
  for (const error of errors) {
    const code = localCode(error, depth + 1)
    if (code !== undefined) return code
  }
  return undefined
}

/** The same codes with another meaning. */
function isOfOthers(code: string, { syscall, address }: Facts): boolean {
  // connect(2) on a Unix socket: the queue of its listener is full (unix(7)).
  if (code === 'EAGAIN') return syscall === 'connect'
  // Not for lack of a port: an address family that this machine lacks, or binding an address of another machine.
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
