/** Looks at what the container and each process in it hold, and acts before the kernel has to: docs/adr/0007-memory.md. */
import type { ProcessPlan } from '../../plan/model/plan.ts'
import { type Bytes, formatBytes } from '../../shared/bytes.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { processTable } from '../group/process-table.ts'
import type { State } from '../process/machine.ts'
import type { MemoryLevel } from './cgroup.ts'
import { firstToGo, type Holder, isNearItsLimit, levelWords, Restraint, whySpared } from './pressure.ts'
import { certainUse, estimatedUse, membersOf } from './usage.ts'

/** A supervised process, as far as its memory is concerned. */
export interface Guarded {
  readonly plan: ProcessPlan
  readonly state: State
  status(): { readonly pid?: number }
  endOversized(complaint: string): void
}

export interface Ward {
  processes(): Iterable<Guarded>
  /** Of the container; undefined: it has no limit. */
  level(): MemoryLevel | undefined
  /** `used` is what the process holds; undefined `process`: it concerns all. */
  tell(remark: Remark): void
}

export interface Remark {
  readonly process?: string
  readonly action: 'warned' | 'restarted'
  /** A predicate. */
  readonly message: string
  readonly used: Bytes
  readonly limit: Bytes
}

interface Running extends Holder {
  readonly plan: ProcessPlan
  readonly process: Guarded
  readonly pids: readonly number[]
}

/** What the container holds costs two small files and may rise fast; what each process holds costs a walk through /proc. */
export const levelsPerUse = 5

/** So many looks in a row must find a process above its own size, so that a peak passes. */
const looksAbove = 3
/** The same for the container, where there is less time. */
const looksNear = 2

/** After a restart for the container's sake it takes a moment until its memory is free. */
const untilFreed: Milliseconds = 10_000

export class MemoryGuard {
  readonly #ward: Ward
  readonly #restraint = new Restraint()
  /** What each process held at the last look, by its name. */
  #used: ReadonlyMap<string, Bytes> = new Map()
  /** How often in a row each was found above its own size, by its name. */
  readonly #above = new Map<string, number>()
  #near = 0
  #helpless = false
  #actedAt = Number.NEGATIVE_INFINITY
  #looks = 0

  constructor(ward: Ward) {
    this.#ward = ward
  }

  /** Undefined while it does not run, and until the first look at it. */
  usedBy(name: string): Bytes | undefined {
    return this.#used.get(name)
  }

  /** To be called every second. */
  look(): void {
    const level = this.#ward.level()
    this.#near = level && isNearItsLimit(level) ? this.#near + 1 : 0
    if (this.#near === 0) this.#helpless = false
    if (this.#looks % levelsPerUse === 0) for (const running of this.#measure()) this.#judge(running)
    this.#looks += 1
    const settled = performance.now() - this.#actedAt >= untilFreed
    if (level && this.#near >= looksNear && settled) this.#relieve(level)
  }

  #measure(): readonly Running[] {
    const table = processTable()
    const running = [...this.#ward.processes()].flatMap((process) => {
      const { pid } = process.status()
      if (pid === undefined) return []
      const pids = membersOf(pid, table)
      return [{ process, plan: process.plan, pids, used: estimatedUse(pids) }]
    })
    this.#used = new Map(running.map(({ plan, used }) => [plan.name, used]))
    return running
  }

  /** By its own size, if it has a fixed one. */
  #judge(running: Running): void {
    const { plan, process, pids, used: estimate } = running
    const { name, memory: limit } = plan
    const used = typeof limit === 'number' && estimate > limit ? Math.min(estimate, certainUse(pids)) : estimate
    if (typeof limit !== 'number' || used <= limit || !isUp(process)) {
      this.#above.delete(name)
      return
    }
    const looks = (this.#above.get(name) ?? 0) + 1
    this.#above.set(name, looks)
    if (looks < looksAbove) return
    const words = levelWords({ held: used, limit })
    const spared = whySpared(running) ?? this.#whyNotAgain(name)
    if (spared === undefined) {
      this.#above.delete(name)
      const message = `uses ${words} \`memory\`; restarting it`
      this.#restart(running, `used ${words}`, { message, used, limit })
    } else if (looks === looksAbove) {
      const message = `uses ${words} \`memory\`; not restarting it, since ${spared}`
      this.#ward.tell({ process: name, action: 'warned', message, used, limit })
    }
  }

  /** The container is near its limit: somebody goes before the kernel chooses. */
  #relieve(level: MemoryLevel): void {
    const { held, limit } = level
    const words = levelWords(level)
    const up = this.#measure().filter(({ process }) => isUp(process))
    const first = firstToGo(
      up.filter(({ plan }) => this.#whyNotAgain(plan.name) === undefined),
      limit,
    )
    if (first) {
      const { used } = first
      const message = `uses ${formatBytes(used)} while the container uses ${words}; restarting it before the kernel kills a process`
      this.#actedAt = performance.now()
      this.#restart(first, `used ${formatBytes(used)} while the container used ${words}`, { message, used, limit })
    } else if (!this.#helpless) {
      this.#helpless = true
      const message = `the container uses ${words}, and no process can be restarted to free memory, so the kernel may kill any of them; raise the limit, or make a process \`rebuildable\``
      this.#ward.tell({ action: 'warned', message, used: held, limit })
    }
  }

  #restart(
    { process, plan: { name } }: Running,
    complaint: string,
    remark: Pick<Remark, 'message' | 'used' | 'limit'>,
  ) {
    this.#restraint.restarted(name, performance.now())
    this.#ward.tell({ process: name, action: 'restarted', ...remark })
    process.endOversized(complaint)
  }

  #whyNotAgain(name: string): string | undefined {
    return this.#restraint.spares(name, performance.now()) ? 'it was restarted for memory a short while ago' : undefined
  }
}

function isUp({ state }: Guarded): boolean {
  return state === 'starting' || state === 'running' || state === 'parked'
}
