/** The backups that a task makes, as the supervisor manages them. */
import type { Milliseconds } from '../../shared/time/duration.ts'

export interface BackupPlan {
  /** Absolute path of the folder of its files. */
  readonly folder: string
  /** What their names begin and end with; at least one is not empty. */
  readonly prefix: string
  readonly suffix: string
  /** Whether the command gets the path to write to (`{backup}`); otherwise the program names its files itself. */
  readonly named: boolean
  /** Maximum age of the newest; absent: none. */
  readonly overdue?: Milliseconds
  /** How many to keep after a success; absent: all. */
  readonly keep?: number
  /** Variables are part of the names, which must not be shown. */
  readonly secret?: true
}

/** In a command: replaced by the path that this run writes to. */
export const backupPlaceholder = '{backup}'
