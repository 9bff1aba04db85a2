/** The words between the main thread and a gateway thread. Plain data: it is copied from one heap to the other. */
import type { GatewayPlan, LogPlan } from '../plan/model/plan.ts'
import type { ServedCertificate, ServedChallenge } from '../shared/served.ts'
import type { TargetStates } from '../shared/target-states.ts'
import type { Series } from '../telemetry/metrics-tally.ts'
import type { OutputDescriptor } from '../telemetry/output-descriptor.ts'
import type { StoreNews } from './guards/rate-limit/stores.ts'

/** The thread's global function that ends all its connections at once; to be called before it is ended, in the midst of whatever it does. */
export const destroyName = '__gatehouseDestroy'

/** Given to the thread at its birth, as `workerData`. */
export interface ThreadBirth {
  readonly log: LogPlan
  /** Decided on the main thread: a worker cannot ask whether stdout is a terminal. */
  readonly terminal: boolean
  readonly stdout: OutputDescriptor
  /** Where the thread shows that it lives; see heartbeat.ts. */
  readonly heartbeat: SharedArrayBuffer
  /** Where the thread counts, if anybody asked for metrics; see telemetry/metrics-tally.ts. */
  readonly tally?: SharedArrayBuffer
  /** Where all threads count for rate limits; see guards/rate-limit/table.ts. */
  readonly rateLimits: SharedArrayBuffer
  /** The 48 bytes with which all threads seal session tickets, so that each resumes what another began. A secret. */
  readonly ticketKey: Uint8Array
}

export type ToThread =
  /** Build the next generation, open and close listeners accordingly; answered by `applied` with the same id. */
  | {
      readonly type: 'apply'
      readonly id: number
      readonly plan: GatewayPlan
      readonly certificates: readonly ServedCertificate[]
    }
  /** Serve these certificates from the next handshake on. */
  | { readonly type: 'certificates'; readonly certificates: readonly ServedCertificate[] }
  /** Seal session tickets with this key from now on. */
  | { readonly type: 'ticket-key'; readonly key: Uint8Array }
  /** Show these to ACME servers, and no others; answered by `applied` with the same id. */
  | { readonly type: 'challenges'; readonly id: number; readonly challenges: readonly ServedChallenge[] }
  | { readonly type: 'targets'; readonly targets: TargetStates }
  /** Take leave of this target: its process is about to end, and `targets` named another one. Answered by `target-drained`. */
  | { readonly type: 'drain-target'; readonly id: number; readonly origin: string; readonly budget: number }
  /** Turn readiness to 503; serving goes on. */
  | { readonly type: 'withdraw' }
  /** Stop accepting, answer what is in flight, close tunnels; answered by `drained`. `budget` in milliseconds. */
  | { readonly type: 'drain'; readonly budget: number }

export type FromThread =
  | { readonly type: 'applied'; readonly id: number; readonly error?: string }
  | { readonly type: 'drained'; readonly cut: number }
  /** Nothing is under way to that target any more; `cut`: answers that took too long. */
  | { readonly type: 'target-drained'; readonly id: number; readonly cut: number }
  /** What is counted in the cells from `series.first` on. */
  | { readonly type: 'series'; readonly series: Series }
  /** How a store of rate limits is doing has changed. */
  | { readonly type: 'store'; readonly news: StoreNews }
  /** Something was thrown that nobody caught. The thread serves on until another has taken its place. */
  | { readonly type: 'threw'; readonly error: string; readonly stack?: string }
