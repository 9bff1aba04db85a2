/** What a change of plans did to the processes, by name. */
export interface AppliedChanges {
  readonly started: readonly string[]
  readonly stopped: readonly string[]
  readonly restarted: readonly string[]
  readonly unchanged: readonly string[]
  /** They keep running, with the changes in force. Absent: none. */
  readonly adjusted?: readonly string[]
  /** Unchanged or adjusted ones that had failed for good and are started again. Absent: none. */
  readonly revived?: readonly string[]
  /** Absent: no rolling restart. */
  readonly rolling?: RollingChanges
}

export interface RollingChanges {
  readonly processes: readonly string[]
  /** Resolves when each of them was replaced or kept, with those that were kept. Never rejects. */
  readonly kept: Promise<readonly KeptProcess[]>
}

/** A process that keeps running because its successor did not get ready. */
export interface KeptProcess {
  readonly process: string
  readonly reason: string
}

/** What a change of plans would do to a process. */
export interface PlannedChange {
  readonly process: string
  /** A predicate: `restarts, because command changed`. */
  readonly words: string
}

export const noChanges: AppliedChanges = { started: [], stopped: [], restarted: [], unchanged: [] }
