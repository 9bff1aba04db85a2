import type { Milliseconds } from '../shared/duration.ts'
import type { Exit } from './exit.ts'
import type { State } from './machine.ts'

/** What may be told of a process: nothing of its environment. */
export interface ProcessStatus {
  readonly name: string
  readonly kind: 'service' | 'task'
  /** Whether it should run. Apart from the state: what is fatal is still wanted, what is stopping may not be. */
  readonly wanted: boolean
  readonly state: State
  /** Whether it can be used; a task: whether it has completed, or its probe found it ready. */
  readonly ready: boolean
  /** These three are there while it has a process; `startedAt` is Unix time in milliseconds. */
  readonly pid?: number
  readonly startedAt?: number
  readonly uptime?: Milliseconds
  /** How often it was spawned again after the first time. */
  readonly restarts: number
  /** Dependencies whose condition is not met; only while it waits for them. */
  readonly waitingFor: readonly string[]
  /** How it ended last. */
  readonly exit?: Exit
  /** Why it is in backoff, exited or fatal. */
  readonly reason?: string
  /** With a reason: the last lines that it wrote, if it wrote any. */
  readonly lastOutput?: readonly string[]
  readonly essential: boolean
}
