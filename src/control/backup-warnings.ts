import { formatBytes } from '../shared/bytes.ts'
import { formatDuration } from '../shared/time/duration.ts'
import type { ProcessStatus } from './contract/contract.ts'

/**
 * What is wrong with a task's backups, in a few words each. Warnings, never a reason to restart a container: what it serves is
 * well, and a restart makes no backup. `now`: Unix time in milliseconds.
 */
export function backupWarnings({ name, backup, lastRun, pid }: ProcessStatus, now: number): readonly string[] {
  if (!backup) return []
  const { newest, allowed = 0, overdue, shrunk, unfinished, trouble } = backup
  const ago = (time: number) => formatDuration(Math.max(0, now - time))
  const warnings: string[] = []
  if (trouble !== undefined) warnings.push(`the backups of ${name} cannot be looked at: ${trouble}`)
  // That of our own run is told with its reason.
  else if (unfinished !== undefined && pid === undefined && !lastRun)
    warnings.push(`the last run of ${name}, ${ago(unfinished)} ago, did not succeed`)
  if (overdue && newest)
    warnings.push(
      `${name} is overdue: the last success was ${ago(newest.at)} ago (${formatDuration(allowed)} are allowed)`,
    )
  if (overdue && !newest && trouble === undefined) warnings.push(`${name} has never succeeded: there is no backup`)
  if (newest?.size === 0) warnings.push(`the newest backup of ${name} is empty`)
  else if (shrunk && newest?.before !== undefined)
    warnings.push(
      `the newest backup of ${name} holds ${formatBytes(newest.size)}, the one before ${formatBytes(newest.before)}`,
    )
  return warnings
}
