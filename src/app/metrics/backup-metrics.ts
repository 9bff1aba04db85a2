import type { BackupState } from '../../supervisor/backups/backup-state.ts'
import type { ProcessStatus } from '../../supervisor/status.ts'
import type { Family } from '../../telemetry/metrics-page.ts'

/** Of tasks that make backups. Without a backup there are no times and sizes. */
export function backupFamilies(processes: readonly ProcessStatus[]): readonly Family[] {
  const family = (name: string, help: string, pick: (one: BackupState) => number | undefined): Family => ({
    name: `gatehouse_backup_${name}`,
    help,
    type: 'gauge',
    values: processes.flatMap(({ name: process, backup }) => {
      const value = backup && pick(backup)
      return value === undefined ? [] : [{ labels: { process }, value }]
    }),
  })
  return [
    family('last_success_timestamp_seconds', 'Time of the newest backup, in Unix time.', ({ newest }) =>
      newest ? newest.at / 1_000 : undefined,
    ),
    family('last_success_size_bytes', 'Size of the newest backup.', ({ newest }) => newest?.size),
    family('files', 'Number of backups.', ({ files }) => files),
    family('size_bytes', 'Total size of all backups.', ({ size }) => size),
    family('overdue', '1 if the newest backup is older than its maximum age, or there is none.', ({ overdue }) =>
      Number(overdue),
    ),
    family('max_age_seconds', 'Maximum age of the newest backup.', ({ allowed }) =>
      allowed === undefined ? undefined : allowed / 1_000,
    ),
  ]
}
