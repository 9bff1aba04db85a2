/** The foreman: all processes of a plan, started in dependency order and stopped in reverse. */
import type { ProcessPlan } from '../plan/model/plan.ts'
import type { Log } from '../shared/log.ts'
import type { Milliseconds } from '../shared/time/duration.ts'
import { type AppliedChanges, noChanges, type PlannedChange } from './applied.ts'
import { blockFactsOf, endForBlocked } from './blocked.ts'
import { type Crew, changeOver, planned } from './change-over.ts'
import { blockersOf, isInDoubtBelow, unmetBelow, unmetDependencies } from './dependencies.ts'
import { EventFeed } from './events/event-feed.ts'
import { transitionWords } from './events/event-words.ts'
import type { SupervisorEvent, SupervisorListener } from './events/events.ts'
import type { GroupLedger } from './leftovers/ledger.ts'
import { SparePorts } from './listen-ports/spare-ports.ts'
import { type MemoryCgroup, memoryCgroup } from './memory/cgroup.ts'
import { MemoryRoom } from './memory/room.ts'
import type { Drain, OutputSink } from './output/output-sink.ts'
import type { State } from './process/machine.ts'
import { SupervisedProcess } from './process/process.ts'
import type { Before } from './process/process-context.ts'
import { Rolls } from './rolling/rolls.ts'
import type { ProcessStatus } from './status.ts'
import { hurry, StopDeadline, stopInReverse } from './stop/stop-order.ts'
import type { RunAnswer } from './tasks/on-demand.ts'
import { TaskRuns } from './tasks/task-runs.ts'

export interface Supervisor {
  /** Sets everything going and returns at once; what becomes of it is told by events and `status`. */
  start(): void
  /**
   * Makes the processes those of another plan: what is gone or needs a new process is stopped, in reverse order; then what is new
   * or was stopped is started. What changed otherwise goes on, and so does what depends on a changed one. One that is to be replaced while it serves goes on until its
   * successor is ready, which may be after this has resolved; a call that asks for something else gives that one up. What a failure
   * had ended for good is started again. One call is done after the other; once a stop has begun nothing changes any more. Never
   * rejects.
   */
  apply(processes: readonly ProcessPlan[]): Promise<AppliedChanges>
  /** What `apply` would do to them. */
  planned(processes: readonly ProcessPlan[]): Promise<readonly PlannedChange[]>
  /** Nothing begins any more, whatever waited for its turn; what runs goes on until `stop`. */
  beginNothing(): void
  /**
   * Ends all processes and their groups, each after those that depend on it; resolves when nothing is left. Graces are
   * shortened so that the whole fits the budget, in milliseconds. Another call shortens the rest. Never rejects.
   */
  stop(options: { readonly budget: Milliseconds }): Promise<void>
  /**
   * Runs a task now, scheduled or not, or starts a service that is down or will be restarted; its failures are forgotten. Refused
   * if it runs already (but a service that is ready is simply that) or lacks what it depends on.
   */
  run(name: string): RunAnswer
  /** In the order of the plan. */
  status(): readonly ProcessStatus[]
  /** Returns what ends the subscription. A listener must not throw. */
  subscribe(listener: SupervisorListener): () => void
  /** The events behind the one with this id; undefined if some of them are not known any more. */
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
  /** Default: the container's own, looked at every second. */
  readonly memory?: { readonly cgroup: MemoryCgroup | undefined; readonly every: Milliseconds }
  /** Default: nothing is ever under way to a process. */
  readonly drain?: Drain
}

export function createSupervisor({
  processes: plans,
  output,
  log,
  ledger,
  memory: of,
  drain,
}: SupervisorOptions): Supervisor {
  /** In the order of the plan. Those that an `apply` ends stay until they have ended. */
  let processes: ReadonlyMap<string, SupervisedProcess> = new Map()
  let started = false
  let closed = false
  let endsForBlocked = false
  let stopped: Promise<void> | undefined
  /** Those that are stopped, once everything is. */
  let ending: readonly SupervisedProcess[] | undefined
  let applied: Promise<unknown> = Promise.resolve()
  const deadline = new StopDeadline()
  const feed = new EventFeed()
  const runs = new TaskRuns({
    processes: () => processes,
    unmet: ({ plan }) => unmet(plan),
    blockers: ({ plan }) => blockersOf(plan, processes),
    feed,
    log,
  })

  const rolls = new Rolls({
    create: (plan) => create(plan),
    replace(before, after) {
      processes = new Map([...processes].map(([name, process]) => [name, process === before ? after : process]))
    },
    feed,
    log,
    ...(drain && { drain }),
  })
  const everyone = () => [...processes.values(), ...rolls.aside()]
  // What is left over may hold the ports, locks and files of what takes its place.
  const unmet = (plan: ProcessPlan) =>
    ledger?.endsLeftovers ? ['what a killed run left'] : unmetDependencies(plan, processes)

  const changed = (process: SupervisedProcess, { state: from, ready: wasReady }: Before) => {
    const status = process.status()
    const { name, state: to, ready, reason: why, pid, essential } = status
    const role = rolls.roleOf(process)
    const failure = role ? undefined : process.finalFailure
    const more = { ...(why !== undefined && { reason: why }), ...(pid !== undefined && { pid }), ...(role && { role }) }
    const message = transitionWords(status)
    const failed = failure !== undefined
    feed.emit({ type: 'transition', process: name, message, from, to, wasReady, ready, failed, ...more })
    if (failure) {
      warnDependants(name, to)
      const { exitCode, reason } = failure
      const words = `failed, and is essential: everything stops`
      if (essential) feed.emit({ type: 'essential-failed', process: name, message: words, exitCode, reason })
    }
    if (!role && essential && process.endedWell) {
      const words = `${why}; it is essential, and not started again: everything stops`
      feed.emit({ type: 'essential-ended', process: name, message: words, exitCode: 0, reason: `${why}` })
    }
    rolls.look()
    if (!closed && !endsForBlocked) endsForBlocked = endForBlocked(processes, feed)
    for (const other of everyone()) other.reconsider()
  }

  const warnDependants = (name: string, state: State) => {
    for (const { plan, waitingFor } of processes.values()) {
      if (!waitingFor.includes(name)) continue
      log.warn(`keeps waiting for ${name}, which is ${state}`, { process: plan.name, state: 'waiting', waitingFor })
    }
  }

  const memory = new MemoryRoom({
    processes: () => processes.values(),
    feed,
    log,
    ...(of ?? { cgroup: memoryCgroup(), every: 1_000 }),
  })

  const sparePorts = new SparePorts(() =>
    everyone().flatMap((process) => [process.plan.port ?? 0, process.status().port ?? 0]),
  )

  const create = (plan: ProcessPlan): SupervisedProcess => {
    const process: SupervisedProcess = new SupervisedProcess(plan, {
      output,
      log: rolls.logOf(log, () => process),
      changed,
      unmet,
      unmetBelow: (of) => unmetBelow(of, processes),
      isInDoubtBelow: (of) => isInDoubtBelow(of, processes),
      sparePort: () => sparePorts.take(),
      withMemoryHint: (of) => memory.withHint(of),
      beginBackup: (of, backup, owner) => runs.backups.begin(of, backup, owner),
      ...(ledger && { ledger }),
      killedForMemory: (of, exit) => memory.killed(of, exit),
    })
    return process
  }

  const crew: Crew = {
    processes: () => processes,
    replace(next) {
      processes = next
    },
    create: (plan) => create(plan),
    begin(created) {
      memory.shareOut()
      begin(created)
    },
    adopted: (process) => memory.adopted(process),
    reconsider() {
      for (const process of everyone()) process.reconsider()
    },
    phase: () => (closed ? 'over' : started ? 'running' : 'before'),
    rolls,
    log,
  }

  /** Scheduled tasks wait for their time. */
  const begin = (these: Iterable<SupervisedProcess>) => {
    for (const process of these) if (!process.plan.schedule) process.start()
    runs.keep()
  }

  const beginNothing = () => {
    closed = true
    runs.close()
    for (const process of everyone()) process.release()
  }

  processes = new Map(plans.map((plan) => [plan.name, create(plan)]))

  return {
    start() {
      if (started || closed) return
      started = true
      memory.start()
      void ledger?.endLeftovers()?.then(() => {
        for (const process of everyone()) process.reconsider()
      })
      begin(processes.values())
    },
    apply(next) {
      const change = applied.then(() => (closed ? noChanges : changeOver(crew, next)))
      applied = change
      return change
    },
    planned: (next) => planned(crew, next),
    beginNothing,
    stop({ budget }) {
      beginNothing()
      memory.close()
      deadline.tighten(budget)
      ending ??= everyone()
      rolls.halt()
      const left = ledger?.hurry(budget)
      stopped ??= Promise.all([stopInReverse(ending, deadline), left]).then(() => ledger?.close())
      hurry(ending, deadline)
      return stopped
    },
    run: (name) => runs.run(name),
    status: () =>
      [...processes.values()].map((process) => {
        const beside = { ...rolls.companions(process.plan.name), ...blockFactsOf(process, processes) }
        const status = { ...process.status(), ...beside }
        return { ...status, ...memory.factsOf(process.plan, status), ...runs.factsOf(process) }
      }),
    subscribe: (listener) => feed.subscribe(listener),
    since: (id) => feed.since(id),
    get lastEvent() {
      return feed.lastId
    },
  }
}
