/** Tells who was killed by the kernel for memory: SIGKILL alone could have come from anyone, the kernel's count tells. */
import type { Milliseconds } from '../../shared/time/duration.ts'
import type { Exit } from '../spawn/exit.ts'
import type { MemoryCgroup } from './cgroup.ts'

/** The count rises when the kernel decides; its victim ends a moment later, the larger the later. */
const claimable: Milliseconds = 5_000

export class OomWitness {
  readonly #cgroup: MemoryCgroup | undefined
  #seen: number
  /** When the count rose, on the monotonic clock, for each kill that no process of ours has explained yet. */
  #unclaimed: Milliseconds[] = []

  constructor(cgroup: MemoryCgroup | undefined) {
    this.#cgroup = cgroup
    this.#seen = cgroup?.oomKills() ?? 0
  }

  /** Whether the kernel killed the process that ended so. To be asked once for each end. */
  killed(exit: Exit): boolean {
    this.look()
    return endedBySigkill(exit) && this.#unclaimed.shift() !== undefined
  }

  /**
   * To be called every second. Returns how many kills turn out to have hit none of the processes that we spawned: one of
   * their children, then, as database servers have many.
   */
  look(): number {
    const now = performance.now()
    const count = this.#cgroup?.oomKills() ?? 0
    for (; this.#seen < count; this.#seen += 1) this.#unclaimed.push(now)
    const recent = this.#unclaimed.filter((at) => now - at < claimable)
    const others = this.#unclaimed.length - recent.length
    this.#unclaimed = recent
    return others
  }
}

/** A shell passes on its child's end as 128 + signal. */
function endedBySigkill({ code, signal }: Exit): boolean {
  return signal === 'SIGKILL' || code === 137
}
