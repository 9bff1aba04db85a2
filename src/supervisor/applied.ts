/** What became of the processes when another plan was put into service. Names of processes. */
export interface AppliedChanges {
  readonly started: readonly string[]
  readonly stopped: readonly string[]
  readonly restarted: readonly string[]
  readonly unchanged: readonly string[]
  /** They go on, and what changed is in force. Absent: none. */
  readonly adjusted?: readonly string[]
  /** Those among the unchanged and the adjusted that were down because of a failure, and are started again. Absent: none. */
  readonly revived?: readonly string[]
  /** Absent: none of them is replaced while it serves. */
  readonly rolling?: RollingChanges
}

export interface RollingChanges {
  readonly processes: readonly string[]
  /** Resolves when each of them has been replaced or kept, with the latter. Never rejects. */
  readonly kept: Promise<readonly KeptProcess[]>
}

/** Its successor did not get ready: it goes on as it was. */
export interface KeptProcess {
  readonly process: string
  readonly reason: string
}

/** What another plan would do to a process. */
export interface PlannedChange {
  readonly process: string
  /** A predicate: `restarts, because command changed`. */
  readonly words: string
}

export const noChanges: AppliedChanges = { started: [], stopped: [], restarted: [], unchanged: [] }
