/** How the supervisor finds out how a process is. */
import type { Milliseconds } from '../../shared/time/duration.ts'

/** Until it has succeeded, neither readiness nor liveness is asked for: for programs that start slowly. */
export type StartupProbe = ProbeTiming & ProbeCheck & { readonly deadline: Milliseconds }

export type ReadinessProbe = ProbeTiming &
  ProbeCheck & {
    /** Not ready this long after the start (after the startup probe's success, if there is one) counts as a crash. */
    readonly deadline: Milliseconds
    /** So many failed attempts in a row make a ready process not ready, until it answers again. Absent: once is enough. */
    readonly failures?: number
  }

/** Asked for as long as it runs, from the moment it became ready. */
export type LivenessProbe = ProbeTiming &
  PolledCheck & {
    /** So many failed attempts in a row count as a crash; while what it depends on is not ready they are waited out. */
    readonly failures: number
  }

export interface ProbeTiming {
  /** Pause between two attempts. */
  readonly every: Milliseconds
  /** Longest wait for one attempt. */
  readonly timeout: Milliseconds
}

export type ProbeCheck = PolledCheck | ReportedCheck

interface Written {
  /** What to show of the URL, program or pattern, if variables were put into it (resolve/written.ts). */
  readonly written?: string
}

/** What can be asked again and again. */
export type PolledCheck =
  /** Good at any status from 200 to 399; redirects are not followed. */
  | (Written & { readonly kind: 'http'; readonly url: string })
  /** Good when a connection is accepted. */
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  /** Good when the command exits 0; it runs with the process's directory and environment. */
  | (Written & { readonly kind: 'exec'; readonly command: readonly string[] })
  /** Good when gRPC health on this port of 127.0.0.1 says SERVING; an empty service means the server as a whole. */
  | { readonly kind: 'grpc'; readonly port: number; readonly service: string }

/** What the program says by itself, once; `every` and `timeout` do not apply. */
export type ReportedCheck =
  /** Ready when a line of stdout or stderr matches this regular expression. */
  | (Written & { readonly kind: 'log'; readonly pattern: string })
  /** Ready when it writes a newline to this file descriptor, 3 or above. */
  | { readonly kind: 'fd'; readonly descriptor: number }
