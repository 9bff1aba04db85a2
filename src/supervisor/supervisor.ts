/** Supervises the processes of a plan: starts them in dependency order, and stops them in reverse. */
import type { ProcessPlan } from '../plan/model/plan.ts'
import type { Log } from '../shared/log.ts'
import type { Milliseconds } from '../shared/time/duration.ts'
import { type AppliedChanges, noChanges, type PlannedChange } from './applied.ts'
import { type ChangeContext, changeOver, planned } from './change-over.ts'
import { blockersOf, isInDoubtBelow, unmetBelow, unmetDependencies } from './dependencies.ts'
import { blockedByOf, EssentialWatch } from './essential.ts'
import { EventFeed } from './events/event-feed.ts'
import { transitionWords } from './events/event-words.ts'
import type { SupervisorEvent, SupervisorListener, TransitionEvent } from './events/events.ts'
import type { GroupLedger } from './leftovers/ledger.ts'
import { SparePorts } from './listen-ports/spare-ports.ts'
import { type MemoryCgroup, memoryCgroup } from './memory/cgroup.ts'
import { ContainerMemory } from './memory/container-memory.ts'
import type { OutputSink } from './output/output-sink.ts'
import { SupervisedProcess } from './process/process.ts'
import type { PreviousState } from './process/process-context.ts'
import { ProcessSet } from './process-set.ts'
import type { Drain } from './rolling/roll.ts'
import { Rolls } from './rolling/rolls.ts'
import type { ProcessStatus } from './status.ts'
import { Shutdown } from './stop/shutdown.ts'
import type { RunAnswer } from './tasks/on-demand.ts'
import { TaskRuns } from './tasks/task-runs.ts'

export interface Supervisor {
  /** Starts everything and returns at once; events and `status` say what becomes of it. */
  start(): void
  /**
   * Puts another plan into force. What was removed or needs a new process is stopped, in reverse order; then what is
   * new or was stopped is started. A process whose other settings changed keeps running, and so does one that depends
   * on a changed one. A process with a rolling restart keeps serving until its successor is ready, which may be after
   * this has resolved; a later call that asks for something else gives that successor up. What had failed for good is
   * started again. Calls take effect one after the other; once a stop has begun nothing changes any more. Never
   * rejects.
   */
  apply(processes: readonly ProcessPlan[]): Promise<AppliedChanges>
  /** What `apply` would change. */
  planned(processes: readonly ProcessPlan[]): Promise<readonly PlannedChange[]>
  /** From now on nothing is started, whatever was waiting for its turn; what runs keeps running until `stop`. */
  beginNothing(): void
  /**
   * Stops all processes and their groups, each after those that depend on it; resolves when nothing is left. Grace
   * periods are shortened so that all of it fits the budget. Another call can only shorten the rest. Never rejects.
   */
  stop(options: { readonly budget: Milliseconds }): Promise<void>
  /**
   * Runs a task now, scheduled or not, or starts a service that is down or in backoff; earlier failures no longer
   * count. Refused if it runs already (but a service that is ready counts as started) or if its dependencies are not
   * met.
   */
  run(name: string): RunAnswer
  /** In the order of the plan. */
  status(): readonly ProcessStatus[]
  /** Returns the function that ends the subscription. A listener must not throw. */
  subscribe(listener: SupervisorListener): () => void
  /** The events after the one with this id; undefined if some of them are no longer kept. */
  since(id: number): readonly SupervisorEvent[] | undefined
  /** The id of the last event. */
  readonly lastEvent: number
}

export interface SupervisorOptions {
  readonly processes: readonly ProcessPlan[]
  readonly output: OutputSink
  readonly log: Log
  /** Nothing is started before it has ended what an earlier run left. Default: none is kept. */
  readonly ledger?: GroupLedger
  /** Default: the container's own, checked every second. */
  readonly memory?: { readonly cgroup: MemoryCgroup | undefined; readonly every: Milliseconds }
  /** Default: no process ever has requests in flight. */
  readonly drain?: Drain
}

export function createSupervisor(options: SupervisorOptions): Supervisor {
  return new PlanSupervisor(options)
}

class PlanSupervisor implements Supervisor {
  readonly #log: Log
  readonly #output: OutputSink
  readonly #ledger: GroupLedger | undefined
  #phase: 'before' | 'running' | 'over' = 'before'
  readonly #feed = new EventFeed()
  readonly #processes = new ProcessSet(() => this.#rolls.copies())
  readonly #rolls: Rolls
  readonly #tasks: TaskRuns
  readonly #memory: ContainerMemory
  readonly #essentials: EssentialWatch
  readonly #sparePorts: SparePorts
  readonly #shutdown: Shutdown
  readonly #changeContext: ChangeContext
  /** Settled when the last `apply` is done: the next one waits for it. */
  #applied: Promise<unknown> = Promise.resolve()

  constructor({ processes: plans, output, log, ledger, memory, drain }: SupervisorOptions) {
    this.#log = log
    this.#output = output
    this.#ledger = ledger
    const [feed, processes] = [this.#feed, this.#processes]
    const create = (plan: ProcessPlan) => this.#create(plan)
    this.#tasks = new TaskRuns({
      processes: () => processes.byName,
      unmet: ({ plan }) => this.#unmet(plan),
      blockers: ({ plan }) => blockersOf(plan, processes.byName),
      feed,
      log,
    })
    this.#rolls = new Rolls({
      create,
      replace: (before, after) => processes.replace(before, after),
      feed,
      log,
      ...(drain && { drain }),
    })
    this.#memory = new ContainerMemory({
      processes: () => processes.byName.values(),
      feed,
      log,
      ...(memory ?? { cgroup: memoryCgroup(), every: 1_000 }),
    })
    this.#essentials = new EssentialWatch(processes, feed)
    this.#sparePorts = new SparePorts(() =>
      processes.withCopies().flatMap((process) => [process.plan.port ?? 0, process.status().port ?? 0]),
    )
    this.#shutdown = new Shutdown(ledger)
    this.#changeContext = {
      processes,
      rolls: this.#rolls,
      log,
      create,
      begin: (created) => {
        this.#memory.shareOut()
        this.#begin(created)
      },
      adopted: (process) => this.#memory.adopted(process),
      phase: () => this.#phase,
    }
    processes.set(plans.map(create))
  }

  start(): void {
    if (this.#phase !== 'before') return
    this.#phase = 'running'
    this.#memory.start()
    void this.#ledger?.endLeftovers()?.then(() => this.#processes.reconcile())
    this.#begin(this.#processes.byName.values())
  }

  apply(next: readonly ProcessPlan[]): Promise<AppliedChanges> {
    const change = this.#applied.then(() =>
      this.#phase === 'over' ? noChanges : changeOver(this.#changeContext, next),
    )
    this.#applied = change
    return change
  }

  planned(next: readonly ProcessPlan[]): Promise<readonly PlannedChange[]> {
    return planned(this.#changeContext, next)
  }

  beginNothing(): void {
    this.#phase = 'over'
    this.#tasks.close()
    for (const process of this.#processes.withCopies()) process.release()
  }

  stop({ budget }: { readonly budget: Milliseconds }): Promise<void> {
    this.beginNothing()
    this.#memory.close()
    const all = this.#processes.withCopies()
    this.#rolls.halt()
    return this.#shutdown.stop(all, budget)
  }

  run(name: string): RunAnswer {
    return this.#tasks.run(name)
  }

  status(): readonly ProcessStatus[] {
    const { byName } = this.#processes
    return [...byName.values()].map((process) => {
      const status = {
        ...process.status(),
        ...this.#rolls.companions(process.plan.name),
        ...blockedByOf(process, byName),
      }
      return { ...status, ...this.#memory.factsOf(process.plan, status), ...this.#tasks.factsOf(process) }
    })
  }

  subscribe(listener: SupervisorListener): () => void {
    return this.#feed.subscribe(listener)
  }

  since(id: number): readonly SupervisorEvent[] | undefined {
    return this.#feed.since(id)
  }

  get lastEvent(): number {
    return this.#feed.lastId
  }

  #create(plan: ProcessPlan): SupervisedProcess {
    const processes = this.#processes
    const process: SupervisedProcess = new SupervisedProcess(plan, {
      output: this.#output,
      log: this.#rolls.logOf(this.#log, () => process),
      changed: (before) => this.#changed(process, before),
      unmet: (of) => this.#unmet(of),
      unmetBelow: (of) => unmetBelow(of, processes.byName),
      isInDoubtBelow: (of) => isInDoubtBelow(of, processes.byName),
      sparePort: () => this.#sparePorts.take(),
      withMemoryHint: (of) => this.#memory.withHint(of),
      beginBackup: (of, backup, owner) => this.#tasks.backups.begin(of, backup, owner),
      ...(this.#ledger && { ledger: this.#ledger }),
      killedForMemory: (of, exit) => this.#memory.killed(of, exit),
    })
    return process
  }

  /** Scheduled tasks wait for their time. */
  #begin(processes: Iterable<SupervisedProcess>): void {
    for (const process of processes) if (!process.plan.schedule) process.start()
    this.#tasks.keep()
  }

  /** What is left over from a killed run may hold the ports, locks and files of the process that takes its place. */
  #unmet(plan: ProcessPlan): readonly string[] {
    return this.#ledger?.endsLeftovers
      ? ['the leftovers of a killed run']
      : unmetDependencies(plan, this.#processes.byName)
  }

  /** A process changed its state, or only whether it is ready. */
  #changed(process: SupervisedProcess, before: PreviousState): void {
    const role = this.#rolls.roleOf(process)
    // The end of a copy beside the process is no end of the process. Read now, since a listener may change it.
    const failure = role ? undefined : process.finalFailure
    this.#reportTransition(process, before, { failed: failure !== undefined, ...(role && { role }) })
    if (failure) {
      this.#warnDependants(process)
      this.#essentials.failed(process, failure)
    }
    if (!role && process.endedWell) this.#essentials.endedWell(process)
    this.#rolls.look()
    if (this.#phase !== 'over') this.#essentials.checkBlocked()
    this.#processes.reconcile()
  }

  #reportTransition(
    process: SupervisedProcess,
    { state: from, ready: wasReady }: PreviousState,
    facts: Pick<TransitionEvent, 'failed' | 'role'>,
  ): void {
    const status = process.status()
    const { name, state: to, ready, reason, pid } = status
    this.#feed.emit({
      type: 'transition',
      process: name,
      message: transitionWords(status),
      from,
      to,
      wasReady,
      ready,
      ...(reason !== undefined && { reason }),
      ...(pid !== undefined && { pid }),
      ...facts,
    })
  }

  #warnDependants({ plan: { name }, state }: SupervisedProcess): void {
    for (const { plan, waitingFor } of this.#processes.byName.values()) {
      if (!waitingFor.includes(name)) continue
      const fields = { process: plan.name, state: 'waiting', waitingFor }
      this.#log.warn(`still waiting for ${name}, which is ${state}`, fields)
    }
  }
}
