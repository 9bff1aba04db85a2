/** The memory of the container: what each process may use and uses, and which ones the kernel killed for it. */

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
import { MemoryGuard, type MemoryReport, type WatchedProcess } from './guard.ts'
import { withMemoryHint } from './hints.ts'
import { OomDetector } from './oom.ts'
import { preferAsVictim, restoreOomScore } from './oom-order.ts'
import { membersOf } from './usage.ts'

export interface ContainerMemoryOptions {
  processes(): Iterable<WatchedProcess>
  readonly feed: EventFeed
  readonly log: Log
  readonly cgroup: MemoryCgroup | undefined
  /** Between two checks. */
  readonly every: Milliseconds
}

export class ContainerMemory {
  readonly #options: ContainerMemoryOptions
  readonly #oomDetector: OomDetector
  readonly #guard: MemoryGuard
  /** By the names of processes. */
  readonly #oomKills = new Map<string, number>()
  /** Pids of leaders that the kernel should kill first; removed when another process gets the pid. */
  readonly #victims = new Set<number>()
  #budget: Budget | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(options: ContainerMemoryOptions) {
    const { processes, cgroup } = options
    this.#options = options
    this.#oomDetector = new OomDetector(cgroup)
    this.#guard = new MemoryGuard({
      processes,
      level: () => cgroup?.tightest(),
      report: (report) => this.#report(report),
    })
  }

  /** Watches from now on, and acts. */
  start(): void {
    const { feed, log, every } = this.#options
    this.shareOut()
    feed.subscribe((event) => {
      if (event.type === 'transition' && event.to === 'starting' && event.pid !== undefined)
        this.#begun(event.process, event.pid)
    })
    this.#timer = setInterval(() => {
      const others = this.#oomDetector.check()
      if (others > 0)
        log.warn(
          `the kernel killed ${others} of the container's processes for memory (OOM), children of supervised processes`,
        )
      this.#guard.check()
    }, every)
    this.#timer.unref()
  }

  close(): void {
    clearInterval(this.#timer)
  }

  /** Divides the memory anew, and warns if it does not suffice. What runs already keeps its limit. */
  shareOut(): void {
    const plans = this.#plans()
    // The limit of the container, or the memory of the machine.
    const available = Math.min(this.#options.cgroup?.limit() ?? Number.POSITIVE_INFINITY, totalmem())
    this.#budget = budgetOf(plans, available)
    const fault = budgetFault(plans, this.#budget)
    if (fault !== undefined) this.#options.log.warn(fault)
  }

  /** The plan of a process has changed, and with it perhaps whether the kernel should kill it first. */
  adopted(process: WatchedProcess): void {
    const { pid } = process.status()
    const isVictim = this.#isVictim(process.plan)
    if (pid === undefined || isVictim === this.#victims.has(pid)) return
    for (const one of membersOf(pid, processTable())) (isVictim ? preferAsVictim : restoreOomScore)(one)
    if (isVictim) this.#victims.add(pid)
    else this.#victims.delete(pid)
  }

  /** The part of a process's status about memory; its use while it runs, from the first check on. */
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

  /** Whether the kernel killed the process with this exit; to be called once for each exit. */
  killed({ name }: ProcessPlan, exit: Exit): boolean {
    if (!this.#oomDetector.killed(exit)) return false
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
    this.#victims.delete(pid) // it was that of an earlier process with this pid
    if (!plan || !this.#isVictim(plan)) return
    preferAsVictim(pid)
    this.#victims.add(pid)
  }

  /** Without a limit of the container, the kernel would choose it for the whole machine. */
  #isVictim({ criticality }: ProcessPlan): boolean {
    return criticality === 'rebuildable' && this.#options.cgroup?.limit() !== undefined
  }

  #report({ process, action, message, used, limit }: MemoryReport): void {
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
