import { formatBytes } from '../shared/bytes.ts'
import { formatDuration } from '../shared/time/duration.ts'
import type { BackupStatus } from './contract/backups.ts'
import type { ProcessStatus } from './contract/contract.ts'

/** Of a scheduled task: when it ended, and when it runs next. */
export function runNotes({ state, schedule, nextRun, lastRun }: ProcessStatus): readonly string[] {
  if (!schedule) return []
  const atRest = state === 'exited' || state === 'fatal' || state === 'stopped'
  if (!atRest) return lastRun?.failed ? ['the previous run failed'] : []
  return [
    ...(lastRun ? [`that was ${untilNow(lastRun.startedAt + lastRun.duration)} ago`] : []),
    nextRun === undefined
      ? 'its schedule has no future time'
      : `next run in ${formatDuration(Math.max(0, nextRun - Date.now()))}, at ${timeOf(nextRun)}`,
  ]
}

function untilNow(time: number): string {
  return formatDuration(Math.max(0, Date.now() - time))
}

/** Of a task that makes backups: age and size of the newest one, and what is wrong with it. */
export function backupNotes({ backup }: ProcessStatus): readonly string[] {
  if (!backup) return []
  return [newestWords(backup), ...(backup.overdue ? ['overdue'] : []), ...(backup.shrunk ? [shrunkWords(backup)] : [])]
}

function newestWords({ newest, files, problem }: BackupStatus): string {
  if (problem !== undefined) return `cannot read its backups: ${problem}`
  if (!newest) return 'no backup yet'
  const others = files > 1 ? ` (${files} kept)` : ''
  return `last backup ${untilNow(newest.at)} ago, ${formatBytes(newest.size)}${others}`
}

function shrunkWords({ newest }: BackupStatus): string {
  return `the previous one has ${formatBytes(newest?.before ?? 0)}`
}

/** To the second, UTC. */
function timeOf(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`
}
