/** The foreman: all processes of a plan, started in dependency order and stopped in reverse. */
import { entryChanges } from '../plan/diff.ts'
import type { ProcessPlan } from '../plan/types.ts'
import type { Milliseconds } from '../shared/duration.ts'
import type { Log } from '../shared/log.ts'
import { unmetDependencies } from './dependencies.ts'
import type { SupervisorEvent, SupervisorListener } from './events.ts'
import type { State } from './machine.ts'
import type { OutputSink } from './ports.ts'
import { SupervisedProcess } from './process.ts'
import type { ProcessStatus } from './status.ts'
import { hurry, StopDeadline, stopInReverse } from './stop-order.ts'

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
  /** In the order of the plan. */
  status(): readonly ProcessStatus[]
  /** Returns what ends the subscription. A listener must not throw. */
  subscribe(listener: SupervisorListener): () => void
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
  const listeners = new Set<SupervisorListener>()

  const emit = (event: SupervisorEvent) => {
    for (const listener of [...listeners]) listener(event)
  }

  const changed = (process: SupervisedProcess, from: State) => {
    const { name, state: to, ready, reason: why, pid, essential } = process.status()
    const more = { ...(why !== undefined && { reason: why }), ...(pid !== undefined && { pid }) }
    emit({ type: 'transition', process: name, from, to, ready, ...more, at: Date.now() })
    const failure = process.finalFailure
    if (failure) {
      warnDependants(name, to)
      const { exitCode, reason } = failure
      if (essential) emit({ type: 'essential-failed', process: name, exitCode, reason })
    }
    for (const other of processes.values()) other.reconsider()
  }

  const warnDependants = (name: string, state: State) => {
    for (const { plan, waitingFor } of processes.values()) {
      if (!waitingFor.includes(name)) continue
      log.warn(`keeps waiting for ${name}, which is ${state}`, { process: plan.name, state: 'waiting', waitingFor })
    }
  }

  const create = (plan: ProcessPlan) =>
    new SupervisedProcess(plan, { output, log, changed, unmet: (of) => unmetDependencies(of, processes) })

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
    if (started) for (const process of created) process.start()
    for (const process of processes.values()) process.reconsider()
    return {
      started: came.map(nameOf),
      stopped: went.map(nameOf),
      restarted: replaced.map(({ after }) => after.name),
      unchanged: same.map(nameOf),
    }
  }

  processes = new Map(plans.map((plan) => [plan.name, create(plan)]))

  return {
    start() {
      if (started || stopped) return
      started = true
      for (const process of processes.values()) process.start()
    },
    apply(next) {
      const change = applied.then(() => (stopped ? noChanges : swap(next)))
      applied = change
      return change
    },
    stop({ budget }) {
      deadline.tighten(budget)
      const all = [...processes.values()]
      stopped ??= stopInReverse(all, deadline)
      hurry(all, deadline)
      return stopped
    },
    status: () => [...processes.values()].map((process) => process.status()),
    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

const noChanges: AppliedChanges = { started: [], stopped: [], restarted: [], unchanged: [] }

function nameOf({ name }: { readonly name: string }): string {
  return name
}
