import type { BackupStanding } from '../../supervisor/backups/backup-state.ts'
import type { ProcessStatus } from '../../supervisor/status.ts'
import type { Family } from '../../telemetry/metrics-page.ts'

/** Of tasks that make backups. Times and sizes are there as long as there is a backup. */
export function backupFamilies(processes: readonly ProcessStatus[]): readonly Family[] {
  const family = (name: string, help: string, pick: (one: BackupStanding) => number | undefined): Family => ({
    name: `gatehouse_backup_${name}`,
    help,
    type: 'gauge',
    values: processes.flatMap(({ name: process, backup }) => {
      const value = backup && pick(backup)
      return value === undefined ? [] : [{ labels: { process }, value }]
    }),
  })
  return [
    family('last_success_timestamp_seconds', 'When the newest backup was made, in Unix time.', ({ newest }) =>
      newest ? newest.at / 1_000 : undefined,
    ),
    family('last_success_size_bytes', 'What the newest backup holds.', ({ newest }) => newest?.size),
    family('files', 'Backups that there are.', ({ files }) => files),
    family('size_bytes', 'What all backups hold together.', ({ size }) => size),
    family('overdue', '1 if the newest backup is older than it may get, or there is none.', ({ overdue }) =>
      Number(overdue),
    ),
    family('max_age_seconds', 'How old the newest backup may get.', ({ allowed }) =>
      allowed === undefined ? undefined : allowed / 1_000,
    ),
  ]
}
