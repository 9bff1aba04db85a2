/** A process as the supervisor is to run it. */
import type { SourcePosition } from '../config/diagnostics.ts'
import type { Milliseconds } from '../shared/duration.ts'

export interface ProcessPlan {
  readonly name: string
  /** A service should run for ever; a task runs to its end once. */
  readonly kind: 'service' | 'task'
  /** Program and arguments, at least one; `{port}` is already replaced. Never passed through a shell. */
  readonly command: readonly string[]
  /** Absolute working directory. */
  readonly directory: string
  /** The whole environment of the child. Holds secrets: never logged, never part of a status. */
  readonly environment: Readonly<Record<string, string>>
  /** The TCP port on 127.0.0.1 on which it serves; also `PORT` in its environment. */
  readonly port?: number
  /** Only processes that are part of this plan: one that `when` excludes counts as satisfied. */
  readonly dependsOn: readonly Dependency[]
  /** Absent: ready as soon as it was spawned (a task: as soon as it completed). */
  readonly ready?: ReadinessProbe
  readonly restart: RestartPolicy
  /** If it becomes fatal, everything stops and Gatehouse exits non-zero. */
  readonly essential: boolean
  readonly criticality: Criticality
  readonly stop: StopPolicy
  readonly position: SourcePosition
}

/**
 * What is lost if it is ended early. `critical`: data; it is stopped last, has the longest grace and is never ended to
 * save memory. `rebuildable`: nothing that would not come back by itself; it is the first to go.
 */
export type Criticality = 'critical' | 'important' | 'rebuildable'

export type DependencyCondition = 'started' | 'ready' | 'completed'

export interface Dependency {
  readonly process: string
  readonly condition: DependencyCondition
}

export type ReadinessProbe = ProbeTiming & ProbeCheck

export interface ProbeTiming {
  /** Pause between two attempts. */
  readonly every: Milliseconds
  /** Longest wait for one attempt. */
  readonly timeout: Milliseconds
  /** Not ready this long after the start counts as a crash. */
  readonly deadline: Milliseconds
}

export type ProbeCheck =
  /** Ready at any status from 200 to 399; redirects are not followed. */
  | { readonly kind: 'http'; readonly url: string }
  /** Ready when a connection is accepted. */
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  /** Ready when the command exits 0; it runs with the process's directory and environment. */
  | { readonly kind: 'exec'; readonly command: readonly string[] }
  /** Ready when a line of stdout or stderr matches this regular expression; `every` and `timeout` do not apply. */
  | { readonly kind: 'log'; readonly pattern: string }

export interface RestartPolicy {
  /** `on-failure`: not after exit 0 (nor after 143 or SIGTERM when we asked for it). */
  readonly policy: 'always' | 'on-failure' | 'never'
  readonly backoff: {
    /** Pause before the first restart after it had been ready. */
    readonly first: Milliseconds
    /** Pause before the next; doubles each time, with jitter. */
    readonly next: Milliseconds
    readonly max: Milliseconds
  }
  /** So many failures within so long, without having been ready in between, make it fatal. */
  readonly giveUp: { readonly failures: number; readonly within: Milliseconds }
}

export interface StopPolicy {
  readonly signal: NodeJS.Signals
  /** Time between the signal to the process group and SIGKILL. */
  readonly grace: Milliseconds
}
