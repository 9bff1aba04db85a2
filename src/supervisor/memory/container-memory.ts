/** All that a supervisor knows of memory: who may use how much, who uses how much, and whom the kernel killed for it. */

import { totalmem } from 'node:os'
import type { ProcessPlan } from '../../plan/model/plan.ts'
import type { Bytes } from '../../shared/bytes.ts'
import type { Log } from '../../shared/log.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { setInterval } from '../../shared/time/timer.ts'
import type { EventFeed } from '../events/event-feed.ts'
import { processTable } from '../group/process-table.ts'
import type { Exit } from '../spawn/exit.ts'
import type { ProcessStatus } from '../status.ts'
import { type Budget, budgetFault, budgetOf, shareOf } from './budget.ts'
import type { MemoryCgroup } from './cgroup.ts'
import { type Guarded, MemoryGuard, type Remark } from './guard.ts'
import { withMemoryHint } from './hints.ts'
import { OomWitness } from './oom.ts'
import { preferAsVictim, spareAsOthers } from './oom-order.ts'
import { membersOf } from './usage.ts'

export interface ContainerMemoryOptions {
  processes(): Iterable<Guarded>
  readonly feed: EventFeed
  readonly log: Log
  readonly cgroup: MemoryCgroup | undefined
  /** Between two looks. */
  readonly every: Milliseconds
}

export class ContainerMemory {
  readonly #options: ContainerMemoryOptions
  readonly #witness: OomWitness
  readonly #guard: MemoryGuard
  /** By the names of processes. */
  readonly #oomKills = new Map<string, number>()
  /** The leaders that the kernel was told to choose; forgotten with the pids that others get. */
  readonly #victims = new Set<number>()
  #budget: Budget | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(options: ContainerMemoryOptions) {
    const { processes, cgroup } = options
    this.#options = options
    this.#witness = new OomWitness(cgroup)
    this.#guard = new MemoryGuard({
      processes,
      level: () => cgroup?.tightest(),
      tell: (remark) => this.#tell(remark),
    })
  }

  /** From now on it looks and acts. */
  start(): void {
    const { feed, log, every } = this.#options
    this.shareOut()
    feed.subscribe((event) => {
      if (event.type === 'transition' && event.to === 'starting' && event.pid !== undefined)
        this.#begun(event.process, event.pid)
    })
    this.#timer = setInterval(() => {
      const others = this.#witness.look()
      if (others > 0)
        log.warn(
          `the kernel killed ${others} of the container's processes for memory (OOM), children of supervised processes`,
        )
      this.#guard.look()
    }, every)
    this.#timer.unref()
  }

  close(): void {
    clearInterval(this.#timer)
  }

  /** Shares out anew; says what cannot fit. What runs already keeps to what it was told. */
  shareOut(): void {
    const plans = this.#plans()
    // What the container may use, or what the machine has.
    const available = Math.min(this.#options.cgroup?.limit() ?? Number.POSITIVE_INFINITY, totalmem())
    this.#budget = budgetOf(plans, available)
    const fault = budgetFault(plans, this.#budget)
    if (fault !== undefined) this.#options.log.warn(fault)
  }

  /** It is supervised by another plan than before: whether the kernel should choose it may have changed. */
  adopted(process: Guarded): void {
    const { pid } = process.status()
    const isVictim = this.#isVictim(process.plan)
    if (pid === undefined || isVictim === this.#victims.has(pid)) return
    for (const one of membersOf(pid, processTable())) (isVictim ? preferAsVictim : spareAsOthers)(one)
    if (isVictim) this.#victims.add(pid)
    else this.#victims.delete(pid)
  }

  /** What a status says of a process's memory: of its use while it runs, from the first look on. */
  factsOf(plan: ProcessPlan, { pid }: { readonly pid?: number }): Pick<ProcessStatus, 'memory' | 'oomKills'> {
    const used = pid === undefined ? undefined : this.#guard.usedBy(plan.name)
    const limit = this.#share(plan)
    const memory = used !== undefined && { memory: { used, ...(limit !== undefined && { limit }) } }
    const oomKills = this.#oomKills.get(plan.name)
    return { ...memory, ...(oomKills !== undefined && { oomKills }) }
  }

  withHint(plan: ProcessPlan): ProcessPlan {
    return withMemoryHint(plan, this.#share(plan))
  }

  /** Whether the kernel killed the process that ended so; to be asked once for each end. */
  killed({ name }: ProcessPlan, exit: Exit): boolean {
    if (!this.#witness.killed(exit)) return false
    this.#oomKills.set(name, (this.#oomKills.get(name) ?? 0) + 1)
    const used = this.#guard.usedBy(name)
    const message = 'was killed by the kernel for memory (OOM)'
    this.#options.feed.emit({
      type: 'memory',
      process: name,
      action: 'killed',
      message,
      ...(used !== undefined && { used }),
    })
    return true
  }

  #begun(name: string, pid: number): void {
    const plan = this.#plans().find((one) => one.name === name)
    this.#victims.delete(pid) // of another process, which had this number before
    if (!plan || !this.#isVictim(plan)) return
    preferAsVictim(pid)
    this.#victims.add(pid)
  }

  /** Without a limit of its own the container would only offer itself to the whole machine. */
  #isVictim({ criticality }: ProcessPlan): boolean {
    return criticality === 'rebuildable' && this.#options.cgroup?.limit() !== undefined
  }

  #tell({ process, action, message, used, limit }: Remark): void {
    const { log, feed } = this.#options
    log.warn(message, { ...(process !== undefined && { process }), used, limit })
    if (process !== undefined) feed.emit({ type: 'memory', process, action, message, used })
  }

  #share(plan: ProcessPlan): Bytes | undefined {
    return this.#budget && shareOf(plan, this.#budget)
  }

  #plans(): readonly ProcessPlan[] {
    return [...this.#options.processes()].map(({ plan }) => plan)
  }
}
