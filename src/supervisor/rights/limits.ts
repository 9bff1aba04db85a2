/** Resource limits of a program (setrlimit(2)). */
import { readFileSync } from 'node:fs'
import type { LimitName, LimitPlan, LimitsPlan } from '../../plan/model/rights.ts'
import { isCapable } from './capabilities.ts'
import { RightsError } from './rights-error.ts'

/** Their names in prlimit(1) and `docker run --ulimit`, and in /proc/PID/limits (proc(5)). */
const names: Readonly<Record<LimitName, { readonly short: string; readonly line: string }>> = {
  openFiles: { short: 'nofile', line: 'Max open files' },
  processes: { short: 'nproc', line: 'Max processes' },
  coreSize: { short: 'core', line: 'Max core file size' },
  fileSize: { short: 'fsize', line: 'Max file size' },
  dataSize: { short: 'data', line: 'Max data size' },
  stackSize: { short: 'stack', line: 'Max stack size' },
  addressSpace: { short: 'as', line: 'Max address space' },
  lockedMemory: { short: 'memlock', line: 'Max locked memory' },
  cpuTime: { short: 'cpu', line: 'Max cpu time' },
  pendingSignals: { short: 'sigpending', line: 'Max pending signals' },
  messageQueues: { short: 'msgqueue', line: 'Max msgqueue size' },
  realtimePriority: { short: 'rtprio', line: 'Max realtime priority' },
}

/**
 * Options of prlimit(1), to be put before a command; none for limits that are set already. Throws `RightsError` if we
 * may not set one.
 */
export function limitWords(limits: LimitsPlan): readonly string[] {
  const ours = ownLimits()
  return Object.entries(limits).flatMap(([key, limit]) => {
    const name = key as LimitName
    const { short } = names[name]
    const own = ours.get(name)
    if (own?.soft === limit.soft && own.hard === limit.hard) return []
    checkReach(name, limit, own)
    return [`--${short}=${limit.soft}:${limit.hard}`]
  })
}

function checkReach(name: LimitName, { hard }: LimitPlan, own: LimitPlan | undefined): void {
  const most = name === 'openFiles' ? mostOpenFiles() : undefined
  if (most !== undefined && isAbove(hard, most))
    throw new RightsError(`limits.openFiles: ${hard} is above the maximum of the kernel, ${most} (fs.nr_open)`)
  if (own === undefined || !isAbove(hard, own.hard) || isCapable('CAP_SYS_RESOURCE')) return
  const { short } = names[name]
  throw new RightsError(
    `limits.${name}: ${hard} is above ${own.hard}, the hard limit of Gatehouse itself; ` +
      `start the container with --ulimit ${short}=${hard === 'unlimited' ? -1 : hard} or --cap-add SYS_RESOURCE, or lower it`,
  )
}

export function isAbove(one: LimitPlan['hard'], other: LimitPlan['hard']): boolean {
  return other !== 'unlimited' && (one === 'unlimited' || one > other)
}

/** Our own limits, as far as /proc shows them. */
export function ownLimits(): ReadonlyMap<LimitName, LimitPlan> {
  const text = readOr('', '/proc/self/limits')
  const found = new Map<LimitName, LimitPlan>()
  for (const [name, { line }] of Object.entries(names) as [LimitName, (typeof names)[LimitName]][]) {
    const [, soft, hard] = new RegExp(`^${line} +(\\S+) +(\\S+)`, 'm').exec(text) ?? []
    if (soft !== undefined && hard !== undefined) found.set(name, { soft: amountOf(soft), hard: amountOf(hard) })
  }
  return found
}

/** `fs.nr_open`: no hard limit may be set above it, not even to the present value. */
export function mostOpenFiles(): number | undefined {
  return Number(readOr('', '/proc/sys/fs/nr_open')) || undefined
}

function amountOf(text: string): LimitPlan['hard'] {
  return text === 'unlimited' ? text : Number(text)
}

function readOr(otherwise: string, path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return otherwise // not Linux
  }
}
