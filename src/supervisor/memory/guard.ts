/**
 * Watches the memory of the container and its processes, and acts before the kernel has to: docs/adr/0007-memory.md.
 */
import type { ProcessPlan } from '../../plan/model/plan.ts'
import { type Bytes, formatBytes } from '../../shared/bytes.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { processTable } from '../group/process-table.ts'
import type { State } from '../process/machine.ts'
import type { MemoryLevel } from './cgroup.ts'
import {
  isNearItsLimit,
  levelWords,
  type MemoryUser,
  RestartThrottle,
  restartCandidate,
  whyExempt,
} from './pressure.ts'
import { certainUse, estimatedUse, membersOf } from './usage.ts'

/** A supervised process, as far as its memory is concerned. */
export interface WatchedProcess {
  readonly plan: ProcessPlan
  readonly state: State
  status(): { readonly pid?: number }
  endOversized(problem: string): void
}

export interface GuardOptions {
  processes(): Iterable<WatchedProcess>
  /** Of the container; undefined: it has no limit. */
  level(): MemoryLevel | undefined
  /** Logs it, and emits an event if it concerns one process. */
  report(report: MemoryReport): void
}

export interface MemoryReport {
  /** Absent: it concerns all. */
  readonly process?: string
  readonly action: 'warned' | 'restarted'
  /** A predicate. */
  readonly message: string
  readonly used: Bytes
  readonly limit: Bytes
}

interface Running extends MemoryUser {
  readonly plan: ProcessPlan
  readonly process: WatchedProcess
  readonly pids: readonly number[]
}

/** The container's usage takes two small files and may rise fast; that of each process takes a walk through /proc. */
export const levelsPerUse = 5

/** A process is restarted only after this many checks in a row above its own limit, so that a short peak passes. */
const checksAbove = 3
/** The same for the container, where there is less time. */
const checksNear = 2

/** After a restart it takes a moment until the memory is free. */
const untilFreed: Milliseconds = 10_000

export class MemoryGuard {
  readonly #options: GuardOptions
  readonly #throttle = new RestartThrottle()
  /** What each process used at the last check, by name. */
  #used: ReadonlyMap<string, Bytes> = new Map()
  /** How many checks in a row found each above its own limit, by name. */
  readonly #above = new Map<string, number>()
  #near = 0
  #warnedHelpless = false
  #actedAt = Number.NEGATIVE_INFINITY
  #checks = 0

  constructor(options: GuardOptions) {
    this.#options = options
  }

  /** Undefined while it does not run, and before the first check. */
  usedBy(name: string): Bytes | undefined {
    return this.#used.get(name)
  }

  /** To be called every second. */
  check(): void {
    const level = this.#options.level()
    this.#near = level && isNearItsLimit(level) ? this.#near + 1 : 0
    if (this.#near === 0) this.#warnedHelpless = false
    if (this.#checks % levelsPerUse === 0) for (const running of this.#measure()) this.#judge(running)
    this.#checks += 1
    const settled = performance.now() - this.#actedAt >= untilFreed
    if (level && this.#near >= checksNear && settled) this.#freeMemory(level)
  }

  #measure(): readonly Running[] {
    const table = processTable()
    const running = [...this.#options.processes()].flatMap((process) => {
      const { pid } = process.status()
      if (pid === undefined) return []
      const pids = membersOf(pid, table)
      return [{ process, plan: process.plan, pids, used: estimatedUse(pids) }]
    })
    this.#used = new Map(running.map(({ plan, used }) => [plan.name, used]))
    return running
  }

  /** Against its own limit, if it has a fixed one. */
  #judge(running: Running): void {
    const { plan, process, pids, used: estimate } = running
    const { name, memory: limit } = plan
    const used = typeof limit === 'number' && estimate > limit ? Math.min(estimate, certainUse(pids)) : estimate
    if (typeof limit !== 'number' || used <= limit || !isUp(process)) {
      this.#above.delete(name)
      return
    }
    const checks = (this.#above.get(name) ?? 0) + 1
    this.#above.set(name, checks)
    if (checks < checksAbove) return
    const words = levelWords({ held: used, limit })
    const exempt = whyExempt(running) ?? this.#whyNotAgain(name)
    if (exempt === undefined) {
      this.#above.delete(name)
      const message = `uses ${words} \`memory\`; restarting it`
      this.#restart(running, `used ${words}`, { message, used, limit })
    } else if (checks === checksAbove) {
      const message = `uses ${words} \`memory\`; not restarting it, since ${exempt}`
      this.#options.report({ process: name, action: 'warned', message, used, limit })
    }
  }

  /** The container is near its limit: restarts a process before the kernel kills one. */
  #freeMemory(level: MemoryLevel): void {
    const { held, limit } = level
    const words = levelWords(level)
    const up = this.#measure().filter(({ process }) => isUp(process))
    const first = restartCandidate(
      up.filter(({ plan }) => this.#whyNotAgain(plan.name) === undefined),
      limit,
    )
    if (first) {
      const { used } = first
      const message = `uses ${formatBytes(used)} while the container uses ${words}; restarting it before the kernel kills a process`
      this.#actedAt = performance.now()
      this.#restart(first, `used ${formatBytes(used)} while the container used ${words}`, { message, used, limit })
    } else if (!this.#warnedHelpless) {
      this.#warnedHelpless = true
      const message = `the container uses ${words}, and no process can be restarted to free memory, so the kernel may kill any of them; raise the limit, or make a process \`rebuildable\``
      this.#options.report({ action: 'warned', message, used: held, limit })
    }
  }

  #restart(
    { process, plan: { name } }: Running,
    problem: string,
    report: Pick<MemoryReport, 'message' | 'used' | 'limit'>,
  ) {
    this.#throttle.restarted(name, performance.now())
    this.#options.report({ process: name, action: 'restarted', ...report })
    process.endOversized(problem)
  }

  #whyNotAgain(name: string): string | undefined {
    return this.#throttle.holdsBack(name, performance.now())
      ? 'it was restarted for memory a short while ago'
      : undefined
  }
}

function isUp({ state }: WatchedProcess): boolean {
  return state === 'starting' || state === 'running' || state === 'parked'
}
