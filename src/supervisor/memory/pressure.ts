/** Who is restarted so that the kernel need not kill anyone. Pure; why so: docs/adr/0007-memory.md. */
import type { ProcessPlan } from '../../plan/model/plan.ts'
import { type Bytes, formatBytes } from '../../shared/bytes.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import type { MemoryLevel } from './cgroup.ts'

/** A process that runs. */
export interface Holder {
  readonly plan: Pick<ProcessPlan, 'name' | 'kind' | 'criticality' | 'restart'>
  readonly used: Bytes
}

/** What should be left free: a tenth, but a large container needs no more than a gigabyte of it. */
const headroom = { part: 0.1, most: 1_000_000_000 } as const

/** To end who holds less than this part of the whole would cost a service and save nothing. */
const worthwhile = 0.02

/** Whether the next thing that happens may be a kill by the kernel. */
export function isNearItsLimit({ limit, held }: MemoryLevel): boolean {
  return held > limit - Math.min(limit * headroom.part, headroom.most)
}

/** The largest of those with the least to lose; never one that must be spared. */
export function firstToGo<H extends Holder>(holders: readonly H[], limit: Bytes): H | undefined {
  return holders
    .filter((holder) => whySpared(holder) === undefined && holder.used >= limit * worthwhile)
    .sort((a, b) => Number(isRebuildable(b)) - Number(isRebuildable(a)) || b.used - a.used)[0]
}

/** Why a process is not restarted, however much it holds. */
export function whySpared({ plan: { kind, criticality, restart } }: Holder): string | undefined {
  if (criticality === 'critical') return 'it is critical'
  if (kind === 'task') return 'a task would lose its work'
  return restart.policy === 'never' ? 'its restart policy is `never`' : undefined
}

function isRebuildable({ plan }: Holder): boolean {
  return plan.criticality === 'rebuildable'
}

/** `1.9 GB of its 2 GB` */
export function levelWords({ held, limit }: MemoryLevel): string {
  return `${formatBytes(held)} of its ${formatBytes(limit)}`
}

const hour: Milliseconds = 3_600_000
const firstPause: Milliseconds = 60_000

/**
 * Keeps restarts for memory from becoming a loop: after the first of an hour a process is spared for a minute, then for
 * two, four and so on.
 */
export class Restraint {
  readonly #restarts = new Map<string, readonly Milliseconds[]>()

  /** `now` is of the monotonic clock. */
  spares(name: string, now: Milliseconds): boolean {
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
