/** Programs that are not supervised here, each at one address or more. */
import type { SourcePosition } from '../../config/diagnostics.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'

export interface UpstreamPlan {
  readonly name: string
  /** `scheme://host:port`, no path (shared/net/origin-scheme.ts); at least one, none twice. */
  readonly targets: readonly string[]
  /** `least-requests` counts what is under way in one thread; `first` is the first of the list that is up. */
  readonly balance: Balance
  /** Absent: only failed requests show that a target is down. */
  readonly health?: HealthCheckPlan
  /** Absent: failed requests eject no target, as when there is only one. */
  readonly passiveHealth?: PassiveHealthPlan
  /** For `https` and `h2` targets. */
  readonly tls?: UpstreamTlsPlan
  readonly position: SourcePosition
}

export type Balance = 'round-robin' | 'random' | 'least-requests' | 'first'

export type HealthCheckPlan = HealthCheckTiming & (HttpHealthCheck | GrpcHealthCheck)

/** A target is up at any status from 200 to 399. */
export interface HttpHealthCheck {
  /** Path and query. */
  readonly http: string
}

/** A target is up if its gRPC health says SERVING; only for HTTP/2 targets. */
export interface GrpcHealthCheck {
  /** Of an empty service: the server as a whole. */
  readonly grpc: { readonly service: string }
}

export interface HealthCheckTiming {
  /** Interval between attempts. */
  readonly every: Milliseconds
  /** Time limit for one attempt. */
  readonly timeout: Milliseconds
  /** Consecutive failures that take it out. */
  readonly failures: number
  /** Consecutive successes that bring it back. */
  readonly successes: number
}

/**
 * When a target is ejected: it gets no requests while another target is left. Each thread judges by its own requests.
 */
export interface PassiveHealthPlan {
  /** Consecutive connection failures that eject a target. */
  readonly failures: number
  /** Time in which they, and the responses of `errorRate`, must occur. */
  readonly within: Milliseconds
  readonly ejectFor: Milliseconds
  /** Absent: a 5xx is an answer like any other. */
  readonly errorRate?: ErrorRatePlan
}

export interface ErrorRatePlan {
  /** A share of 5xx from 1 to 100. */
  readonly percent: number
  /** Fewer responses than this do not eject a target. */
  readonly minimum: number
}

export interface UpstreamTlsPlan {
  /** Absolute path of a PEM file: the only CAs that are trusted. Absent: those of Node. */
  readonly ca?: string
  /** Absent: the host of the target. */
  readonly serverName?: string
  /** False: accepts any certificate. */
  readonly verify: boolean
}
