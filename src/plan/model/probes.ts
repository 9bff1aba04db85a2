/** How the supervisor checks a process. */
import type { Milliseconds } from '../../shared/time/duration.ts'

/** For programs that start slowly: no readiness or liveness probe runs until it has passed. */
export type StartupProbe = ProbeTiming & ProbeCheck & { readonly deadline: Milliseconds }

export type ReadinessProbe = ProbeTiming &
  ProbeCheck & {
    /** Not ready this long after the start (after the startup probe's success, if there is one) counts as a crash. */
    readonly deadline: Milliseconds
    /**
     * Consecutive failures that make a ready process unready until it passes again. Absent: once ready, it stays ready.
     */
    readonly failures?: number
  }

/** Runs as long as the process does, from when it became ready. */
export type LivenessProbe = ProbeTiming &
  PolledCheck & {
    /** Consecutive failures that count as a crash; not counted while a dependency is not ready. */
    readonly failures: number
  }

export interface ProbeTiming {
  /** Interval between attempts. */
  readonly every: Milliseconds
  /** Time limit for one attempt. */
  readonly timeout: Milliseconds
}

export type ProbeCheck = PolledCheck | ReportedCheck

interface Written {
  /** What to show of the URL, program or pattern, if variables were put into it (resolve/written.ts). */
  readonly written?: string
}

/** Checks that Gatehouse repeats. */
export type PolledCheck =
  /** Passes at any status from 200 to 399; redirects are not followed. */
  | (Written & { readonly kind: 'http'; readonly url: string })
  /** Passes if a connection is accepted. */
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  /** Passes if the command exits 0; it runs with the process's directory and environment. */
  | (Written & { readonly kind: 'exec'; readonly command: readonly string[] })
  /** Passes if gRPC health on this port of 127.0.0.1 says SERVING; an empty service means the server as a whole. */
  | { readonly kind: 'grpc'; readonly port: number; readonly service: string }

/** What the program itself reports, once; `every` and `timeout` do not apply. */
export type ReportedCheck =
  /** Ready when a line of stdout or stderr matches this regular expression. */
  | (Written & { readonly kind: 'log'; readonly pattern: string })
  /** Ready when it writes a newline to this file descriptor, 3 or above. */
  | { readonly kind: 'fd'; readonly descriptor: number }
