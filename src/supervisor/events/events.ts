/**
 * What happens to processes, for everyone who wants to know: the control API, hooks, metrics, the gateway. A new kind of
 * event joins the union with the facts it adds, and plan/model/hooks.ts if hooks may be called on it.
 */
import type { Bytes } from '../../shared/bytes.ts'
import type { State } from '../process/machine.ts'

/** Every event has these. */
interface Stamped {
  /** Grows with every event, over restarts of Gatehouse too. */
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
export type Happening = SupervisorEvent extends infer E ? (E extends Stamped ? Omit<E, 'id' | 'at'> : never) : never

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
  /** Absent: it is the process that counts. */
  readonly role?: Role
}

/** Of a copy of a process, while it is replaced by another one that starts beside it. */
export type Role = 'successor' | 'predecessor'

/** The successor took over: the process is another one from now on. */
export interface ReplacedEvent extends Stamped {
  readonly type: 'replaced'
  readonly ready: boolean
  /** Of the successor. */
  readonly pid?: number
}

/** An essential process is fatal, or ended with a failure after which it is not started again. */
export interface EssentialFailedEvent extends Stamped {
  readonly type: 'essential-failed'
  /** With which Gatehouse should exit: 1 to 255. */
  readonly exitCode: number
  readonly reason: string
}

/** An essential service ended well, and its policy does not bring it back: Gatehouse should exit with 0. */
export interface EssentialEndedEvent extends Stamped {
  readonly type: 'essential-ended'
  readonly exitCode: 0
  readonly reason: string
}

/** A successor did not get ready, or is not wanted any more: the process goes on as it was. */
export interface RollFailedEvent extends Stamped {
  readonly type: 'roll-failed'
  readonly reason: string
}

/** The time of a scheduled task came, and it could not run. */
export interface ScheduleSkippedEvent extends Stamped {
  readonly type: 'schedule-skipped'
  /** Unix time in milliseconds. */
  readonly due: number
  readonly reason: string
}

/** The time of a scheduled task went by unseen: the clock was set, or we did not run. It is made up for now, once. */
export interface ScheduleLateEvent extends Stamped {
  readonly type: 'schedule-late'
  /** The first of the times that went by; Unix time in milliseconds. */
  readonly due: number
}

/** A process holds too much memory: of its own `memory`, or of what the container has. Or the kernel killed it for that. */
export interface MemoryEvent extends Stamped {
  readonly type: 'memory'
  readonly action: 'warned' | 'restarted' | 'killed'
  /** What it held when it was looked at last. */
  readonly used?: Bytes
}

/** The newest backup of a task is older than it may get, or holds far less than the one before. */
export interface BackupEvent extends Stamped {
  readonly type: 'backup-overdue' | 'backup-shrunk'
}

export type SupervisorListener = (event: SupervisorEvent) => void
