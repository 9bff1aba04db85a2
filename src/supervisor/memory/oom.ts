/**
 * Finds out which process the kernel killed for memory: SIGKILL alone could have come from anyone, so the kernel's
 * count decides.
 */
import type { Milliseconds } from '../../shared/time/duration.ts'
import type { Exit } from '../spawn/exit.ts'
import type { MemoryCgroup } from './cgroup.ts'

/** The count rises when the kernel decides; the victim exits a moment later, depending on its size. */
const attributionWindow: Milliseconds = 5_000

export class OomDetector {
  readonly #cgroup: MemoryCgroup | undefined
  #seen: number
  /** When the count rose (monotonic), for each kill that no exit of ours explains yet. */
  #unattributed: Milliseconds[] = []

  constructor(cgroup: MemoryCgroup | undefined) {
    this.#cgroup = cgroup
    this.#seen = cgroup?.oomKills() ?? 0
  }

  /** Whether the kernel killed the process with this exit. To be called once for each exit. */
  killed(exit: Exit): boolean {
    this.check()
    return endedBySigkill(exit) && this.#unattributed.shift() !== undefined
  }

  /**
   * To be called every second. Returns how many kills hit none of the processes that we spawned, but a child of one:
   * database servers, for example, have many.
   */
  check(): number {
    const now = performance.now()
    const count = this.#cgroup?.oomKills() ?? 0
    for (; this.#seen < count; this.#seen += 1) this.#unattributed.push(now)
    const recent = this.#unattributed.filter((at) => now - at < attributionWindow)
    const others = this.#unattributed.length - recent.length
    this.#unattributed = recent
    return others
  }
}

/** A shell passes on its child's death by a signal as 128 + signal. */
function endedBySigkill({ code, signal }: Exit): boolean {
  return signal === 'SIGKILL' || code === 137
}
