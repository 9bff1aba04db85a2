/**
 * The plan: the config, resolved. Every default is filled in, every path absolute, every duration in milliseconds,
 * every reference checked. It is deeply frozen, and plain data, so that slices of it can be sent to a thread as they
 * are.
 */
import type { SourcePosition } from '../../config/diagnostics.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import type { CertificatePlan, TrustStorePlan } from './certificates.ts'
import type { GatewayPlan } from './gateway.ts'
import type { GuardsPlan, LimitsPlan } from './guards.ts'
import type { HookPlan } from './hooks.ts'
import type { LogFilesPlan } from './output.ts'
import type { ProcessPlan } from './processes.ts'

export type * from './certificates.ts'
export type * from './gateway.ts'
export type * from './output.ts'
export type * from './probes.ts'
export type * from './processes.ts'
export type * from './routes.ts'
export type { GuardsPlan, LimitsPlan, SourcePosition }

export interface Plan {
  /** Absolute path of the config file. */
  readonly file: string
  /** In dependency order: each process comes after all it depends on. */
  readonly processes: readonly ProcessPlan[]
  readonly hooks: readonly HookPlan[]
  readonly gateway: GatewayPlan
  readonly certificates: readonly CertificatePlan[]
  readonly trustStores: readonly TrustStorePlan[]
  /** Absolute path of the folder in which certificates and other state are kept. */
  readonly storage: string
  readonly control: ControlPlan
  /**
   * Absolute path of this user's folder below that for temporary files, if storage or socket are in it: others may
   * write there and could have created it first, so it must be checked before use.
   */
  readonly ownFolder?: string
  readonly shutdown: ShutdownPlan
  readonly log: LogPlan
  /** Absent: none are served. */
  readonly metrics?: MetricsPlan
}

/** Where Prometheus finds them. Without host on all addresses; port 0 is any free one. */
export interface MetricsPlan {
  readonly host?: string
  readonly port: number
}

export interface ControlPlan {
  /** Absolute path of the Unix socket. */
  readonly socket: string
}

export interface ShutdownPlan {
  /** Time limit for the whole shutdown: requests in flight first, then processes in reverse order. */
  readonly budget: Milliseconds
  /** How much of it to wait, with readiness at 503, before connections are refused: load balancers poll. */
  readonly deregistrationDelay: Milliseconds
}

export interface LogPlan {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  /** `auto` is text on a terminal and JSON elsewhere. */
  readonly format: 'auto' | 'json' | 'text'
  /** Absent: what processes write goes to stdout only. */
  readonly files?: LogFilesPlan
}
