import type { Bytes } from '../../shared/bytes.ts'

/** How the output of a process is handled. */
export interface OutputPlan {
  /** Which lines form one log record. Absent: each line is one. */
  readonly multiline?: MultilinePlan
  /** Whether its output also goes to log files, if there are any. */
  readonly files: boolean
}

export type MultilinePlan =
  /** The stack traces that its programs print. */
  | { readonly kind: 'java' | 'node' | 'python' }
  /** A record begins with a line that matches this regular expression. */
  | { readonly kind: 'first'; readonly pattern: string }

/** Files with the output of each process. */
export interface LogFilesPlan {
  /** Absolute. */
  readonly directory: string
  /** Size at which a file is rotated. */
  readonly size: Bytes
  /** How many rotated files of each to keep. */
  readonly keep: number
}
