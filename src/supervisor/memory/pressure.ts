/** Chooses the process to restart so that the kernel need not kill one. Pure; reasons: docs/adr/0007-memory.md. */
import type { ProcessPlan } from '../../plan/model/plan.ts'
import { type Bytes, formatBytes } from '../../shared/bytes.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import type { MemoryLevel } from './cgroup.ts'

/** A running process. */
export interface MemoryUser {
  readonly plan: Pick<ProcessPlan, 'name' | 'kind' | 'criticality' | 'restart'>
  readonly used: Bytes
}

/** What should stay free: a tenth, but at most a gigabyte. */
const headroom = { part: 0.1, most: 1_000_000_000 } as const

/** Restarting a process that uses less than this part of the limit would disrupt a service and free next to nothing. */
const worthwhile = 0.02

/** Whether the kernel may kill soon. */
export function isNearItsLimit({ limit, held }: MemoryLevel): boolean {
  return held > limit - Math.min(limit * headroom.part, headroom.most)
}

/** The largest of the least critical ones; never an exempt one. */
export function restartCandidate<H extends MemoryUser>(holders: readonly H[], limit: Bytes): H | undefined {
  return holders
    .filter((holder) => whyExempt(holder) === undefined && holder.used >= limit * worthwhile)
    .sort((a, b) => Number(isRebuildable(b)) - Number(isRebuildable(a)) || b.used - a.used)[0]
}

/** Why a process is not restarted, however much it uses. */
export function whyExempt({ plan: { kind, criticality, restart } }: MemoryUser): string | undefined {
  if (criticality === 'critical') return 'it is critical'
  if (kind === 'task') return 'a task would lose its work'
  return restart.policy === 'never' ? 'its restart policy is `never`' : undefined
}

function isRebuildable({ plan }: MemoryUser): boolean {
  return plan.criticality === 'rebuildable'
}

/** `1.9 GB of its 2 GB` */
export function levelWords({ held, limit }: MemoryLevel): string {
  return `${formatBytes(held)} of its ${formatBytes(limit)}`
}

const hour: Milliseconds = 3_600_000
const firstPause: Milliseconds = 60_000

/**
 * Keeps restarts for memory from becoming a loop: after the first one in an hour a process is exempt for a minute, then
 * for two, four and so on.
 */
export class RestartThrottle {
  readonly #restarts = new Map<string, readonly Milliseconds[]>()

  /** `now`: monotonic. */
  holdsBack(name: string, now: Milliseconds): boolean {
    const recent = this.#recent(name, now)
    const last = recent.at(-1)
    return last !== undefined && now - last < firstPause * 2 ** (recent.length - 1)
  }

  restarted(name: string, now: Milliseconds): void {
    this.#restarts.set(name, [...this.#recent(name, now), now])
  }

  #recent(name: string, now: Milliseconds): readonly Milliseconds[] {
    return (this.#restarts.get(name) ?? []).filter((at) => now - at < hour)
  }
}
