/**
 * What happens to processes, for the control API, hooks, metrics and the gateway. A new kind of event joins the union,
 * and plan/model/hooks.ts if hooks may be called on it.
 */
import type { Bytes } from '../../shared/bytes.ts'
import type { State } from '../process/machine.ts'

/** Every event has these. */
interface Stamped {
  /** Grows with every event, also across restarts of Gatehouse. */
  readonly id: number
  /** Unix time in milliseconds. */
  readonly at: number
  readonly process: string
  /** What happened, as a predicate: `is ready`. No secrets. */
  readonly message: string
}

export type SupervisorEvent =
  | TransitionEvent
  | EssentialFailedEvent
  | EssentialEndedEvent
  | ReplacedEvent
  | RollFailedEvent
  | ScheduleSkippedEvent
  | ScheduleLateEvent
  | MemoryEvent
  | BackupEvent

/** An event before its id and time. */
export type NewEvent = SupervisorEvent extends infer E ? (E extends Stamped ? Omit<E, 'id' | 'at'> : never) : never

/** A process changed its state, or only whether it is ready. */
export interface TransitionEvent extends Stamped {
  readonly type: 'transition'
  readonly from: State
  readonly to: State
  readonly wasReady: boolean
  readonly ready: boolean
  /** It is down for good because of a failure. */
  readonly failed: boolean
  readonly reason?: string
  readonly pid?: number
  /** Absent: it is the process itself. */
  readonly role?: Role
}

/** Of a copy during a rolling restart. */
export type Role = 'successor' | 'predecessor'

/** The successor took over. */
export interface ReplacedEvent extends Stamped {
  readonly type: 'replaced'
  readonly ready: boolean
  /** Of the successor. */
  readonly pid?: number
}

/** An essential process is fatal, or ended with a failure after which it is not started again. */
export interface EssentialFailedEvent extends Stamped {
  readonly type: 'essential-failed'
  /** Gatehouse should exit with this code: 1 to 255. */
  readonly exitCode: number
  readonly reason: string
}

/** An essential service exited with 0, and its policy does not restart it: Gatehouse should exit with 0. */
export interface EssentialEndedEvent extends Stamped {
  readonly type: 'essential-ended'
  readonly exitCode: 0
  readonly reason: string
}

/** A successor did not get ready, or is no longer wanted: the old process is kept. */
export interface RollFailedEvent extends Stamped {
  readonly type: 'roll-failed'
  readonly reason: string
}

/** A scheduled task was due and could not run. */
export interface ScheduleSkippedEvent extends Stamped {
  readonly type: 'schedule-skipped'
  /** Unix time in milliseconds. */
  readonly due: number
  readonly reason: string
}

/**
 * The time of a scheduled task passed unnoticed: the clock was changed, or Gatehouse was suspended. The task runs now,
 * once.
 */
export interface ScheduleLateEvent extends Stamped {
  readonly type: 'schedule-late'
  /** The first of the missed times; Unix time in milliseconds. */
  readonly due: number
}

/** A process uses too much memory, by its own `memory` or for the container; or the kernel killed it for memory. */
export interface MemoryEvent extends Stamped {
  readonly type: 'memory'
  readonly action: 'warned' | 'restarted' | 'killed'
  /** What it used at the last check. */
  readonly used?: Bytes
}

/** The newest backup of a task is too old, or far smaller than the previous one. */
export interface BackupEvent extends Stamped {
  readonly type: 'backup-overdue' | 'backup-shrunk'
}

export type SupervisorListener = (event: SupervisorEvent) => void
