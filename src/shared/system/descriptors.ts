/** File descriptors of this process: how many are open, their limit, and a reserve. */
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs'

export interface DescriptorUse {
  readonly open: number
  /** Undefined: unlimited, or not known. */
  readonly limit?: number
}

/** Undefined without /proc. */
export function descriptorUse(): DescriptorUse | undefined {
  try {
    const open = withReserve(() => readdirSync('/proc/self/fd').length - 1) // without the one of this folder
    const limit = descriptorLimit()
    return { open: open + held.length, ...(limit !== undefined && { limit }) }
  } catch {
    return undefined
  }
}

/** The open(2) flags. Undefined: it is closed, or there is no /proc. */
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

/** The soft limit of the process; the start of a run raises it to the hard one (supervisor/rights/open-files.ts). */
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
 * The first descriptor that client connections may not use: the ones above are for probes, programs, logs and stopping.
 * A new descriptor is always the lowest free one (POSIX.1-2024, 2.14), so its number says how many are in use, over all
 * threads.
 */
export function firstReserved(limit = descriptorLimit()): number {
  if (limit === undefined) return Number.POSITIVE_INFINITY
  return limit - Math.min(mostForUs, Math.max(fewestForUs, Math.floor(limit / 8)))
}

let firstOfReserve: number | undefined

/** Whether a new socket has a descriptor of the reserve. Node exposes it in no other way. */
export function isOfReserve(socket: object): boolean {
  const { _handle: handle } = socket as { readonly _handle?: { readonly fd?: number } | null }
  firstOfReserve ??= firstReserved()
  return (handle?.fd ?? -1) >= firstOfReserve
}

/** Enough to spawn a program with its pipes, or to write a small file; less under a low limit. */
const heldBack = () => Math.min(12, Math.floor((descriptorLimit() ?? Number.POSITIVE_INFINITY) / 10))
const held: number[] = []

/** Holds some descriptors for `withReserve`. Main thread only. */
export function holdReserve(): void {
  try {
    while (held.length < heldBack()) held.push(openSync('/dev/null', 'r'))
  } catch {} // as many as possible
}

/** Runs work that must succeed when all other descriptors are in use; it must be synchronous. */
export function withReserve<T>(work: () => T): T {
  if (held.length === 0) return work()
  for (const descriptor of held.splice(0)) closeSync(descriptor)
  try {
    return work()
  } finally {
    holdReserve()
  }
}
