/** Programs that are not supervised here, each at one address or more. */
import type { SourcePosition } from '../../config/diagnostics.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'

export interface UpstreamPlan {
  readonly name: string
  /** `http://host:port` or `https://host:port`, no path; at least one, none twice. */
  readonly targets: readonly string[]
  /** `least-requests` counts what is under way in one thread; `first` is the first of the list that is up. */
  readonly balance: Balance
  /** Absent: only what requests meet tells that a target is down. */
  readonly health?: HealthCheckPlan
  /** Absent: what requests meet changes nothing; so where there is only one target. */
  readonly passiveHealth?: PassiveHealthPlan
  /** For `https` targets. */
  readonly tls?: UpstreamTlsPlan
  readonly position: SourcePosition
}

export type Balance = 'round-robin' | 'random' | 'least-requests' | 'first'

/** A target is up at any status from 200 to 399. */
export interface HealthCheckPlan {
  /** Path and query. */
  readonly http: string
  /** Pause between two attempts. */
  readonly every: Milliseconds
  /** Longest wait for one attempt. */
  readonly timeout: Milliseconds
  /** So many in a row take it out. */
  readonly failures: number
  /** So many in a row bring it back. */
  readonly successes: number
}

/** When a target is ejected, that is left alone as long as another one is left. Each thread judges by its own requests. */
export interface PassiveHealthPlan {
  /** So many connection faults with no answer in between eject a target. */
  readonly failures: number
  /** The time in which they, and the answers of `errorRate`, must fall. */
  readonly within: Milliseconds
  readonly ejectFor: Milliseconds
  /** Absent: a 5xx is an answer like any other. */
  readonly errorRate?: ErrorRatePlan
}

export interface ErrorRatePlan {
  /** A share of 5xx from 1 to 100. */
  readonly percent: number
  /** Fewer answers than this decide nothing. */
  readonly minimum: number
}

export interface UpstreamTlsPlan {
  /** Absolute path of a PEM file: the only authorities that are trusted. Absent: those of Node. */
  readonly ca?: string
  /** Absent: the host of the target. */
  readonly serverName?: string
  /** False: any certificate will do. */
  readonly verify: boolean
}
