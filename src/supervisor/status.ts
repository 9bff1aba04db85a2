import type { Criticality, ProcessPlan, SchedulePlan } from '../plan/model/plan.ts'
import type { Bytes } from '../shared/bytes.ts'
import type { Milliseconds } from '../shared/time/duration.ts'
import type { BackupState } from './backups/backup-state.ts'
import type { State } from './process/machine.ts'
import type { LastRun } from './process/restart-tracker.ts'
import type { Run } from './process/run.ts'
import type { Exit } from './spawn/exit.ts'

/** The public status of a process: nothing of its environment. */
export interface ProcessStatus {
  readonly name: string
  readonly kind: 'service' | 'task'
  /** Whether it should run, independent of the state: a fatal process is still wanted, a stopping one may not be. */
  readonly wanted: boolean
  readonly state: State
  /** Whether it can be used. For a task: whether it has completed, or passed its ready probe. */
  readonly ready: boolean
  /** These three are present while it has a process; `startedAt` is Unix time in milliseconds. */
  readonly pid?: number
  readonly startedAt?: number
  readonly uptime?: Milliseconds
  /** The port on which it serves; present while it has a process. */
  readonly port?: number
  /** How often it was restarted by its policy. */
  readonly restarts: number
  /** How often it failed in a row, until it has been ready for `restart.steady`; absent: never. */
  readonly failures?: number
  /** Dependencies whose condition is not met; empty unless it waits for them or is parked because of them. */
  readonly waitingFor: readonly string[]
  /** While it waits in vain: the direct and indirect dependencies that are down for good. */
  readonly blockedBy?: readonly string[]
  /** How it ended last. */
  readonly exit?: Exit
  /** Why it is in backoff, exited, fatal or parked, or runs but is no longer ready. */
  readonly reason?: string
  /** With a reason: the last lines that it wrote, if it wrote any. */
  readonly lastOutput?: readonly string[]
  readonly essential: boolean
  readonly criticality: Criticality
  /** At the last check; the limit is its fixed size, or its share. */
  readonly memory?: { readonly used: Bytes; readonly limit?: Bytes }
  /** How often the kernel killed it for memory; absent: never. */
  readonly oomKills?: number
  /** Of a scheduled task. */
  readonly schedule?: SchedulePlan
  /** Of a scheduled task: Unix time in milliseconds. */
  readonly nextRun?: number
  /** Of a task: its last run that ended by itself. */
  readonly lastRun?: LastRun
  /** Of a task that makes backups, once their folder was read. */
  readonly backup?: BackupState
  /** During a rolling restart: the process that will take over. */
  readonly successor?: ProcessCopy
  /** After a rolling restart: the old process, until its requests are answered. */
  readonly predecessor?: ProcessCopy
}

/** A copy during a rolling restart. */
export interface ProcessCopy {
  readonly state: State
  /** Both while it has a process. */
  readonly pid?: number
  readonly port?: number
}

/** What a process knows about itself. */
export interface StatusFacts extends Pick<ProcessStatus, 'wanted' | 'state' | 'ready' | 'waitingFor'> {
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

export function statusFrom({
  plan,
  run,
  exit,
  restarts,
  failures,
  reason,
  lastRun,
  ...facts
}: StatusFacts): ProcessStatus {
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
