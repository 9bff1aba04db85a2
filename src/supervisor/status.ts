import type { Criticality, ProcessPlan } from '../plan/types.ts'
import type { Milliseconds } from '../shared/duration.ts'
import type { Exit } from './exit.ts'
import type { State } from './machine.ts'
import type { Run } from './run.ts'

/** What may be told of a process: nothing of its environment. */
export interface ProcessStatus {
  readonly name: string
  readonly kind: 'service' | 'task'
  /** Whether it should run. Apart from the state: what is fatal is still wanted, what is stopping may not be. */
  readonly wanted: boolean
  readonly state: State
  /** Whether it can be used; a task: whether it has completed, or its probe found it ready. */
  readonly ready: boolean
  /** These three are there while it has a process; `startedAt` is Unix time in milliseconds. */
  readonly pid?: number
  readonly startedAt?: number
  readonly uptime?: Milliseconds
  /** How often it was spawned again after the first time. */
  readonly restarts: number
  /** Dependencies whose condition is not met; only while it waits for them. */
  readonly waitingFor: readonly string[]
  /** How it ended last. */
  readonly exit?: Exit
  /** Why it is in backoff, exited or fatal. */
  readonly reason?: string
  /** With a reason: the last lines that it wrote, if it wrote any. */
  readonly lastOutput?: readonly string[]
  readonly essential: boolean
  readonly criticality: Criticality
}

/** What a process knows of itself. */
export interface Facts extends Pick<ProcessStatus, 'wanted' | 'state' | 'ready' | 'waitingFor'> {
  readonly plan: ProcessPlan
  /** The present one, or the last. */
  readonly run: Run | undefined
  readonly exit: Exit | undefined
  readonly spawns: number
  readonly reason: string | undefined
}

export function statusFrom({ plan, run, exit, spawns, reason, ...facts }: Facts): ProcessStatus {
  const { name, kind, essential, criticality } = plan
  const { wanted, state, ready, waitingFor } = facts
  const lastOutput = reason !== undefined && run ? run.lastOutput : []
  return {
    name,
    kind,
    wanted,
    state,
    ready,
    ...(run && !run.exit && { pid: run.child.pid, startedAt: run.startedAt, uptime: Math.round(run.uptime) }),
    restarts: Math.max(0, spawns - 1),
    waitingFor,
    ...(exit && { exit }),
    ...(reason !== undefined && { reason }),
    ...(lastOutput.length > 0 && { lastOutput }),
    essential,
    criticality,
  }
}
