/** File descriptors of this process: how many it has, how many it may have, and some that are kept back. */
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs'

export interface DescriptorUse {
  readonly open: number
  /** Undefined: unlimited, or not known. */
  readonly limit?: number
}

/** Undefined where there is no /proc. */
export function descriptorUse(): DescriptorUse | undefined {
  try {
    const open = withReserve(() => readdirSync('/proc/self/fd').length - 1) // without the one of this folder
    const limit = descriptorLimit()
    return { open: open + held.length, ...(limit !== undefined && { limit }) }
  } catch {
    return undefined
  }
}

/** Its open(2) flags. Undefined: it is closed, or there is no /proc. */
export function descriptorFlags(descriptor: number): number | undefined {
  try {
    // In octal (proc(5)).
    const [, flags] = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'latin1')) ?? []
    return flags === undefined ? undefined : Number.parseInt(flags, 8)
  } catch {
    return undefined
  }
}

let knownLimit: { readonly soft: number | undefined } | undefined

/** The soft limit, which holds for all threads; at the start of a run it is raised to the hard one (supervisor/rights/open-files.ts). */
export function descriptorLimit(): number | undefined {
  knownLimit ??= { soft: readLimit() }
  return knownLimit.soft
}

function readLimit(): number | undefined {
  try {
    const [, soft] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? []
    return soft === undefined ? undefined : Number(soft)
  } catch {
    return undefined
  }
}

const fewestForUs = 8
const mostForUs = 64

/**
 * The first descriptor that connections of clients may not have: what is above is left for probes, programs, logs and stopping. A new
 * descriptor is always the lowest that is free (POSIX.1-2024, 2.14), so its number says how many are in use, over all threads, without anybody
 * counting.
 */
export function firstReserved(limit = descriptorLimit()): number {
  if (limit === undefined) return Number.POSITIVE_INFINITY
  return limit - Math.min(mostForUs, Math.max(fewestForUs, Math.floor(limit / 8)))
}

let firstOfReserve: number | undefined

/** Whether a socket that was just opened has a descriptor that is kept for us. Node shows it in no other way than this. */
export function isOfReserve(socket: object): boolean {
  const { _handle: handle } = socket as { readonly _handle?: { readonly fd?: number } | null }
  firstOfReserve ??= firstReserved()
  return (handle?.fd ?? -1) >= firstOfReserve
}

/** What it takes to spawn a program with its pipes, or to write a small file; a low limit leaves less to keep back. */
const heldBack = () => Math.min(12, Math.floor((descriptorLimit() ?? Number.POSITIVE_INFINITY) / 10))
const held: number[] = []

/** Keeps some descriptors back for `withReserve`. Main thread only. */
export function holdReserve(): void {
  try {
    while (held.length < heldBack()) held.push(openSync('/dev/null', 'r'))
  } catch {} // as many as there are
}

/** Does work that must be possible when all other descriptors are in use; it must not wait for anything. */
export function withReserve<T>(work: () => T): T {
  if (held.length === 0) return work()
  for (const descriptor of held.splice(0)) closeSync(descriptor)
  try {
    return work()
  } finally {
    holdReserve()
  }
}
