/** A process as the supervisor runs it. */
import type { SourcePosition } from '../../config/diagnostics.ts'
import type { Bytes } from '../../shared/bytes.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import type { BackupPlan } from './backups.ts'
import type { OutputPlan } from './output.ts'
import type { LivenessProbe, ReadinessProbe, StartupProbe } from './probes.ts'
import type { RightsPlan } from './rights.ts'

export interface ProcessPlan {
  readonly name: string
  /** A service runs forever; a task runs once to its end. */
  readonly kind: 'service' | 'task'
  /** Tasks only: it runs at these times and on request, not at startup. */
  readonly schedule?: SchedulePlan
  /** Tasks only. */
  readonly backup?: BackupPlan
  /** Program and arguments, at least one. Never passed through a shell. */
  readonly command: readonly string[]
  /** Absolute working directory. */
  readonly directory: string
  /** How to show command and directory; absent: as they are. */
  readonly written?: WrittenCommand
  /** The whole environment of the process. Contains secrets: never logged, never part of a status. */
  readonly environment: Readonly<Record<string, string>>
  /** Size of its arguments and variables (launch-size.ts); absent: small enough for any program. */
  readonly launchSize?: Bytes
  /**
   * Absent: those of Gatehouse. With a user, `environment` has HOME, USER and LOGNAME only if its own section sets
   * them.
   */
  readonly rights?: RightsPlan
  /**
   * The TCP port on 127.0.0.1 it listens on, already filled in where it is used (own-port.ts). 0: a free one, chosen at
   * each spawn and filled in then.
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
  /** If it ends for good, everything stops: Gatehouse exits non-zero if it failed, with 0 if a service ended well. */
  readonly essential: boolean
  readonly criticality: Criticality
  /** Memory limit; `auto`: a share of the container's (supervisor/memory/budget.ts). Absent: not watched. */
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
 * What is lost if it is killed early. `critical`: data; it is stopped last, has the longest grace and is never killed
 * to save memory. `rebuildable`: only state that can be rebuilt; it goes first.
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
  /** `on-failure`: not after exit 0 (nor after 143 or SIGTERM if Gatehouse stopped it). */
  readonly policy: 'always' | 'on-failure' | 'never'
  readonly backoff: {
    /** Delay before the first restart in a row, if it had been ready. */
    readonly first: Milliseconds
    /** Delay before the next; doubles each time, with jitter. */
    readonly next: Milliseconds
    readonly max: Milliseconds
  }
  /**
   * This many failures within this time (time spent starting not counted), without a steady run in between, are fatal.
   */
  readonly giveUp: { readonly failures: number; readonly within: Milliseconds }
  /** After being ready this long without a break, its failures are forgotten. */
  readonly steady: Milliseconds
  /**
   * A change of its entry starts a successor on another port and stops this process once that is ready; `drain` is the
   * time limit for requests in flight. Absent: it is stopped first. Only for services whose port is chosen at spawn.
   */
  readonly rolling?: { readonly drain: Milliseconds }
}

export interface StopPolicy {
  readonly signal: NodeJS.Signals
  /** Time between the signal to the process group and SIGKILL. */
  readonly grace: Milliseconds
}
