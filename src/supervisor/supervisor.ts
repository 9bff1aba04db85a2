/** The foreman: all processes of a plan, started in dependency order and stopped in reverse. */
import { entryChanges } from '../plan/diff.ts'
import type { ProcessPlan } from '../plan/types.ts'
import type { Milliseconds } from '../shared/duration.ts'
import type { Log } from '../shared/log.ts'
import { isInDoubtBelow, unmetBelow, unmetDependencies } from './dependencies.ts'
import { EventFeed } from './event-feed.ts'
import { transitionWords } from './event-words.ts'
import type { SupervisorEvent, SupervisorListener } from './events.ts'
import type { State } from './machine.ts'
import type { OutputSink } from './ports.ts'
import { SupervisedProcess } from './process.ts'
import { SparePorts } from './spare-ports.ts'
import type { ProcessStatus } from './status.ts'
import { hurry, StopDeadline, stopInReverse } from './stop-order.ts'
import { type RunAnswer, TaskRuns } from './task-runs.ts'

export interface Supervisor {
  /** Sets everything going and returns at once; what becomes of it is told by events and `status`. */
  start(): void
  /**
   * Makes the processes those of another plan: what is gone or changed is stopped, in reverse order; then what is new or
   * changed is started. What depends on a changed one goes on. One call is done after the other; once a stop has begun
   * nothing changes any more. Never rejects.
   */
  apply(processes: readonly ProcessPlan[]): Promise<AppliedChanges>
  /**
   * Ends all processes and their groups, each after those that depend on it; resolves when nothing is left. Graces are
   * shortened so that the whole fits the budget, in milliseconds. Another call shortens the rest. Never rejects.
   */
  stop(options: { readonly budget: Milliseconds }): Promise<void>
  /** Runs a task now, scheduled or not, unless it runs already or lacks what it depends on. */
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

/** Names of processes. */
export interface AppliedChanges {
  readonly started: readonly string[]
  readonly stopped: readonly string[]
  readonly restarted: readonly string[]
  readonly unchanged: readonly string[]
}

export interface SupervisorOptions {
  readonly processes: readonly ProcessPlan[]
  readonly output: OutputSink
  readonly log: Log
}

export function createSupervisor({ processes: plans, output, log }: SupervisorOptions): Supervisor {
  /** In the order of the plan. Those that an `apply` ends stay until they have ended. */
  let processes: ReadonlyMap<string, SupervisedProcess> = new Map()
  let started = false
  let stopped: Promise<void> | undefined
  let applied: Promise<unknown> = Promise.resolve()
  const deadline = new StopDeadline()
  const feed = new EventFeed()
  const runs = new TaskRuns({
    processes: () => processes,
    unmet: ({ plan }) => unmetDependencies(plan, processes),
    feed,
    log,
  })

  const changed = (process: SupervisedProcess, from: State) => {
    const status = process.status()
    const { name, state: to, ready, reason: why, pid, essential } = status
    const failure = process.finalFailure
    const more = { ...(why !== undefined && { reason: why }), ...(pid !== undefined && { pid }) }
    const message = transitionWords(status)
    feed.emit({ type: 'transition', process: name, message, from, to, ready, failed: failure !== undefined, ...more })
    if (failure) {
      warnDependants(name, to)
      const { exitCode, reason } = failure
      const words = `failed, and is essential: everything stops`
      if (essential) feed.emit({ type: 'essential-failed', process: name, message: words, exitCode, reason })
    }
    for (const other of processes.values()) other.reconsider()
  }

  const warnDependants = (name: string, state: State) => {
    for (const { plan, waitingFor } of processes.values()) {
      if (!waitingFor.includes(name)) continue
      log.warn(`keeps waiting for ${name}, which is ${state}`, { process: plan.name, state: 'waiting', waitingFor })
    }
  }

  const sparePorts = new SparePorts(() =>
    [...processes.values()].flatMap((process) => [process.plan.port ?? 0, process.status().port ?? 0]),
  )

  const create = (plan: ProcessPlan) =>
    new SupervisedProcess(plan, {
      output,
      log,
      changed,
      unmet: (of) => unmetDependencies(of, processes),
      unmetBelow: (of) => unmetBelow(of, processes),
      isInDoubtBelow: (of) => isInDoubtBelow(of, processes),
      sparePort: () => sparePorts.take(),
    })

  const swap = async (next: readonly ProcessPlan[]): Promise<AppliedChanges> => {
    const before = [...processes.values()].map(({ plan }) => plan)
    const { came, changed: replaced, same, went } = entryChanges(before, next)
    const ending = new Set([...went.map(nameOf), ...replaced.map(({ after }) => after.name)])
    // All of them first: what is new may need the port, or the lock, of what goes.
    await stopInReverse(
      [...processes.values()].filter(({ plan }) => ending.has(plan.name)),
      new StopDeadline(),
    )
    if (stopped) return { started: [], stopped: [...ending], restarted: [], unchanged: same.map(nameOf) }
    const created: SupervisedProcess[] = []
    processes = new Map(
      next.map((plan) => {
        const kept = ending.has(plan.name) ? undefined : processes.get(plan.name)
        const process = kept ?? create(plan)
        if (!kept) created.push(process)
        return [plan.name, process]
      }),
    )
    if (started) begin(created)
    for (const process of processes.values()) process.reconsider()
    return {
      started: came.map(nameOf),
      stopped: went.map(nameOf),
      restarted: replaced.map(({ after }) => after.name),
      unchanged: same.map(nameOf),
    }
  }

  /** Scheduled tasks wait for their time. */
  const begin = (these: Iterable<SupervisedProcess>) => {
    for (const process of these) if (!process.plan.schedule) process.start()
    runs.keep()
  }

  processes = new Map(plans.map((plan) => [plan.name, create(plan)]))

  return {
    start() {
      if (started || stopped) return
      started = true
      begin(processes.values())
    },
    apply(next) {
      const change = applied.then(() => (stopped ? noChanges : swap(next)))
      applied = change
      return change
    },
    stop({ budget }) {
      runs.close()
      deadline.tighten(budget)
      const all = [...processes.values()]
      stopped ??= stopInReverse(all, deadline)
      hurry(all, deadline)
      return stopped
    },
    run: (name) => runs.run(name),
    status: () =>
      [...processes.values()].map((process) => {
        const nextRun = runs.nextRun(process)
        return { ...process.status(), ...(nextRun !== undefined && { nextRun }) }
      }),
    subscribe: (listener) => feed.subscribe(listener),
    since: (id) => feed.since(id),
    get lastEvent() {
      return feed.lastId
    },
  }
}

const noChanges: AppliedChanges = { started: [], stopped: [], restarted: [], unchanged: [] }

function nameOf({ name }: { readonly name: string }): string {
  return name
}
