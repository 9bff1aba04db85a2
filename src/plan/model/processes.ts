/** A process as the supervisor is to run it. */
import type { SourcePosition } from '../../config/diagnostics.ts'
import type { Bytes } from '../../shared/bytes.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import type { BackupPlan } from './backups.ts'
import type { OutputPlan } from './output.ts'
import type { LivenessProbe, ReadinessProbe, StartupProbe } from './probes.ts'
import type { RightsPlan } from './rights.ts'

export interface ProcessPlan {
  readonly name: string
  /** A service should run for ever; a task runs to its end once. */
  readonly kind: 'service' | 'task'
  /** Only of a task: it does not run at the start, but at these times and when it is asked to. */
  readonly schedule?: SchedulePlan
  /** Only of a task. */
  readonly backup?: BackupPlan
  /** Program and arguments, at least one. Never passed through a shell. */
  readonly command: readonly string[]
  /** Absolute working directory. */
  readonly directory: string
  /** What to show of these two; absent: themselves. */
  readonly written?: WrittenCommand
  /** The whole environment of the child. Holds secrets: never logged, never part of a status. */
  readonly environment: Readonly<Record<string, string>>
  /** Of its words and variables (launch-size.ts); absent: so little that any program may have it. */
  readonly launchSize?: Bytes
  /** Absent: those of Gatehouse. With a user, `environment` has HOME, USER and LOGNAME only if its own section sets them. */
  readonly rights?: RightsPlan
  /**
   * The TCP port on 127.0.0.1 on which it serves, already put in where it is meant (own-port.ts). 0: a spare one, chosen at
   * each spawn and put in then.
   */
  readonly port?: number
  /** Only processes that are part of this plan: one that `when` excludes counts as satisfied. */
  readonly dependsOn: readonly Dependency[]
  readonly startup?: StartupProbe
  /** Absent: ready as soon as it was spawned and the startup probe succeeded (a task: as soon as it completed). */
  readonly ready?: ReadinessProbe
  /** Services only. */
  readonly alive?: LivenessProbe
  readonly restart: RestartPolicy
  /** If it fails for good, everything stops and Gatehouse exits non-zero; with 0 if a service ended well that is not started again. */
  readonly essential: boolean
  readonly criticality: Criticality
  /** How much it may use; `auto`: its part of what the container has (supervisor/memory/budget.ts). Absent: not watched. */
  readonly memory?: Bytes | 'auto'
  readonly output: OutputPlan
  readonly stop: StopPolicy
  readonly position: SourcePosition
}

/** A command and its directory as the file has them, where variables were put in: those values may be secrets. */
export interface WrittenCommand {
  /** All words. */
  readonly command?: string
  /** The first of them, if it has variables in it. */
  readonly program?: string
  readonly directory?: string
}

/**
 * What is lost if it is ended early. `critical`: data; it is stopped last, has the longest grace and is never ended to
 * save memory. `rebuildable`: nothing that would not come back by itself; it is the first to go.
 */
export type Criticality = 'critical' | 'important' | 'rebuildable'

/** See shared/calendar.ts, which reads it. */
export interface SchedulePlan {
  readonly cron: string
  /** IANA name; absent: the zone in which Gatehouse runs. */
  readonly timezone?: string
}

export type DependencyCondition = 'started' | 'ready' | 'completed'

export interface Dependency {
  readonly process: string
  readonly condition: DependencyCondition
}

export interface RestartPolicy {
  /** `on-failure`: not after exit 0 (nor after 143 or SIGTERM when we asked for it). */
  readonly policy: 'always' | 'on-failure' | 'never'
  readonly backoff: {
    /** Pause before the first restart of a row, if it had been ready. */
    readonly first: Milliseconds
    /** Pause before the next; doubles each time, with jitter. */
    readonly next: Milliseconds
    readonly max: Milliseconds
  }
  /** So many failures within so long, times of starting not counted, without having been steady in between, make it fatal. */
  readonly giveUp: { readonly failures: number; readonly within: Milliseconds }
  /** Having been ready for so long without a break, its failures are forgotten. */
  readonly steady: Milliseconds
  /**
   * A change of its entry starts a successor beside it, on another port, and only when that is ready is it ended; `drain` is
   * how long requests under way may then take. Absent: it is ended first. Only for services whose port is chosen at the spawn.
   */
  readonly rolling?: { readonly drain: Milliseconds }
}

export interface StopPolicy {
  readonly signal: NodeJS.Signals
  /** Time between the signal to the process group and SIGKILL. */
  readonly grace: Milliseconds
}
