import type { Criticality, ProcessPlan, SchedulePlan } from '../plan/model/plan.ts'
import type { Bytes } from '../shared/bytes.ts'
import type { Milliseconds } from '../shared/time/duration.ts'
import type { BackupStanding } from './backups/backup-state.ts'
import type { State } from './process/machine.ts'
import type { Run } from './process/run.ts'
import type { LastRun } from './process/verdicts.ts'
import type { Exit } from './spawn/exit.ts'

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
  /** On which it serves; there while it has a process, if it has a port at all. */
  readonly port?: number
  /** How often it was spawned again without having been asked to start. */
  readonly restarts: number
  /** How often it failed in a row before it became ready, until it has been so for `restart.steady`; absent: never. */
  readonly failures?: number
  /** Dependencies whose condition is not met; only while it waits for them, or is parked because of them. */
  readonly waitingFor: readonly string[]
  /** While it waits in vain: those because of which, be it through others, and which nobody starts again. */
  readonly blockedBy?: readonly string[]
  /** How it ended last. */
  readonly exit?: Exit
  /** Why it is in backoff, exited, fatal or parked, or runs and is not ready any more. */
  readonly reason?: string
  /** With a reason: the last lines that it wrote, if it wrote any. */
  readonly lastOutput?: readonly string[]
  readonly essential: boolean
  readonly criticality: Criticality
  /** In bytes, at the last look; the limit is its fixed size, or its part of what is shared. */
  readonly memory?: { readonly used: Bytes; readonly limit?: Bytes }
  /** How often the kernel killed it for memory; absent: never. */
  readonly oomKills?: number
  /** Of a scheduled task: when it runs. */
  readonly schedule?: SchedulePlan
  /** Of a scheduled task: Unix time in milliseconds. */
  readonly nextRun?: number
  /** Of a task that has run: its last attempt that came to an end by itself. */
  readonly lastRun?: LastRun
  /** Of a task that makes backups, from the first look at them on. */
  readonly backup?: BackupStanding
  /** A rolling restart is under way: the one that is to take over. */
  readonly successor?: Companion
  /** Its successor took over: the one before, until its requests are answered. */
  readonly predecessor?: Companion
}

/** Another copy of a process, which does not count. */
export interface Companion {
  readonly state: State
  /** Both while it has a process. */
  readonly pid?: number
  readonly port?: number
}

/** What a process knows of itself. */
export interface Facts extends Pick<ProcessStatus, 'wanted' | 'state' | 'ready' | 'waitingFor'> {
  /** With the port of the present run. */
  readonly plan: ProcessPlan
  /** The present one, or the last. */
  readonly run: Run | undefined
  readonly exit: Exit | undefined
  readonly restarts: number
  readonly failures: number
  readonly reason: string | undefined
  readonly lastRun: LastRun | undefined
}

export function statusFrom({ plan, run, exit, restarts, failures, reason, lastRun, ...facts }: Facts): ProcessStatus {
  const { name, kind, port, essential, criticality, schedule } = plan
  const { wanted, state, ready, waitingFor } = facts
  const lastOutput = reason !== undefined && run ? run.lastOutput : []
  return {
    name,
    kind,
    wanted,
    state,
    ready,
    ...(run && !run.exit && { pid: run.child.pid, startedAt: run.startedAt, uptime: Math.round(run.uptime) }),
    ...(run && !run.exit && port !== undefined && { port }),
    restarts,
    ...(failures > 0 && { failures }),
    waitingFor,
    ...(exit && { exit }),
    ...(reason !== undefined && { reason }),
    ...(lastOutput.length > 0 && { lastOutput }),
    essential,
    criticality,
    ...(schedule && { schedule }),
    ...(kind === 'task' && lastRun && { lastRun }),
  }
}
