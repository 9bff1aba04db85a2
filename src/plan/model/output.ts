import type { Bytes } from '../../shared/bytes.ts'

/** What becomes of what a process writes. */
export interface OutputPlan {
  /** Which lines make one record of the log. Absent: every line is one. */
  readonly multiline?: MultilinePlan
  /** Whether what it writes also goes to log files, if there are any. */
  readonly files: boolean
}

export type MultilinePlan =
  /** The stack traces that its programs print. */
  | { readonly kind: 'java' | 'node' | 'python' }
  /** A record begins with a line that matches this regular expression. */
  | { readonly kind: 'first'; readonly pattern: string }

/** Files with what each process writes. */
export interface LogFilesPlan {
  /** Absolute. */
  readonly directory: string
  /** Where a file ends. */
  readonly size: Bytes
  /** How many older ones are kept of each. */
  readonly keep: number
}
