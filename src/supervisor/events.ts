import type { State } from './machine.ts'

export type SupervisorEvent = TransitionEvent | EssentialFailedEvent

/** A process changed its state, or only whether it is ready. */
export interface TransitionEvent {
  readonly type: 'transition'
  readonly process: string
  readonly from: State
  readonly to: State
  readonly ready: boolean
  readonly reason?: string
  readonly pid?: number
  /** Unix time in milliseconds. */
  readonly at: number
}

/** An essential process is fatal, or ended with a failure after which it is not started again. */
export interface EssentialFailedEvent {
  readonly type: 'essential-failed'
  readonly process: string
  /** With which Gatehouse should exit: 1 to 255. */
  readonly exitCode: number
  readonly reason: string
}

export type SupervisorListener = (event: SupervisorEvent) => void
