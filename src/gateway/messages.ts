/**
 * The messages between the main thread and a gateway thread. Plain data: they are copied from one heap to the other.
 */
import type { GatewayPlan, LogPlan } from '../plan/model/plan.ts'
import type { ServedCertificate, ServedChallenge } from '../shared/served.ts'
import type { TargetStates } from '../shared/target-states.ts'
import type { Series } from '../telemetry/metrics-tally.ts'
import type { OutputDescriptor } from '../telemetry/output-descriptor.ts'
import type { StoreEvent } from './guards/rate-limit/stores.ts'

/**
 * The thread's global function that ends all its connections; to be called before the thread is terminated, at any
 * moment.
 */
export const destroyName = '__gatehouseDestroy'

/**
 * The first message to the thread. It is not its `workerData`, so that the thread can load while the plan is read.
 */
export interface ThreadSetup {
  readonly log: LogPlan
  /** Decided on the main thread: a worker cannot ask whether stdout is a terminal. */
  readonly terminal: boolean
  readonly stdout: OutputDescriptor
  /** Memory for the thread's heartbeat; see heartbeat.ts. */
  readonly heartbeat: SharedArrayBuffer
  /** Memory for the thread's counters, if metrics are on; see telemetry/metrics-tally.ts. */
  readonly tally?: SharedArrayBuffer
  /** Memory for the rate limits of all threads; see guards/rate-limit/table.ts. */
  readonly rateLimits: SharedArrayBuffer
  /**
   * 48 bytes with which all threads seal session tickets, so that each can resume the sessions of the others. A secret.
   */
  readonly ticketKey: Uint8Array
}

export type ToThread =
  /** Build the next generation, open and close listeners accordingly; answered by `applied` with the same id. */
  | {
      readonly type: 'apply'
      readonly id: number
      readonly plan: GatewayPlan
      readonly certificates: readonly ServedCertificate[]
      /**
       * The plan was in service before: the thread replaces another one, or a reload is undone. A plugin that cannot be
       * loaded any more must not keep all other routes from being served.
       */
      readonly restoring?: true
    }
  /** Serve these certificates from the next handshake on. */
  | { readonly type: 'certificates'; readonly certificates: readonly ServedCertificate[] }
  /** Seal session tickets with this key from now on. */
  | { readonly type: 'ticket-key'; readonly key: Uint8Array }
  /** Answer exactly these ACME challenges; answered by `applied` with the same id. */
  | { readonly type: 'challenges'; readonly id: number; readonly challenges: readonly ServedChallenge[] }
  | { readonly type: 'targets'; readonly targets: TargetStates }
  /** Its process is about to stop, and `targets` named another one. Answered by `target-drained`. */
  | { readonly type: 'drain-target'; readonly id: number; readonly address: string; readonly budget: number }
  /** Readiness answers 503; requests are still served. */
  | { readonly type: 'withdraw' }
  /** Stop accepting, answer what is in flight, close tunnels; answered by `drained`. `budget` in milliseconds. */
  | { readonly type: 'drain'; readonly budget: number }

export type FromThread =
  | { readonly type: 'applied'; readonly id: number; readonly error?: string }
  | { readonly type: 'drained'; readonly cut: number }
  /** Nothing is in flight to that target any more; `cut`: answers that took too long. */
  | { readonly type: 'target-drained'; readonly id: number; readonly cut: number }
  /** Names what is counted in the cells from `series.first` on. */
  | { readonly type: 'series'; readonly series: Series }
  /** A rate limit store has changed its state. */
  | { readonly type: 'store'; readonly event: StoreEvent }
  /** An exception was not caught. The thread keeps serving until its successor does. */
  | { readonly type: 'threw'; readonly error: string; readonly stack?: string }
