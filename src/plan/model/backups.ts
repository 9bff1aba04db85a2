/** What a task keeps of the data, as the supervisor is to look after it. */
import type { Milliseconds } from '../../shared/time/duration.ts'

export interface BackupPlan {
  /** Absolute path of the folder in which its files lie. */
  readonly folder: string
  /** What their names begin and end with; not both are empty. */
  readonly prefix: string
  readonly suffix: string
  /** Whether the command is told where to write (`{backup}`); else the program names its files itself. */
  readonly named: boolean
  /** How old the newest may get; absent: it is never too old. */
  readonly overdue?: Milliseconds
  /** So many are left after a success; absent: all. */
  readonly keep?: number
  /** Variables are part of the names: they are not to be shown. */
  readonly secret?: true
}

/** Stands in a command for the path to which this run is to write. */
export const backupPlaceholder = '{backup}'
