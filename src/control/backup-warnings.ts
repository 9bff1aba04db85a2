import { formatBytes } from '../shared/bytes.ts'
import { formatDuration } from '../shared/time/duration.ts'
import type { ProcessStatus } from './contract/contract.ts'

/**
 * What is wrong with a task's backups, a few words each. Warnings, not reasons to restart a container: a restart makes
 * no backup. `now`: Unix time in milliseconds.
 */
export function backupWarnings({ name, backup, lastRun, pid }: ProcessStatus, now: number): readonly string[] {
  if (!backup) return []
  const { newest, allowed = 0, overdue, shrunk, unfinished, problem } = backup
  const ago = (time: number) => formatDuration(Math.max(0, now - time))
  const warnings: string[] = []
  if (problem !== undefined) warnings.push(`cannot read the backups of ${name}: ${problem}`)
  // A failure in this run of Gatehouse is reported with its reason.
  else if (unfinished !== undefined && pid === undefined && !lastRun)
    warnings.push(`the last run of ${name}, ${ago(unfinished)} ago, did not succeed`)
  if (overdue && newest)
    warnings.push(
      `${name} is overdue: the last success was ${ago(newest.at)} ago (allowed: ${formatDuration(allowed)})`,
    )
  if (overdue && !newest && problem === undefined) warnings.push(`${name} has never succeeded: there is no backup`)
  if (newest?.size === 0) warnings.push(`the newest backup of ${name} is empty`)
  else if (shrunk && newest?.before !== undefined)
    warnings.push(
      `the newest backup of ${name} has ${formatBytes(newest.size)}, the previous one ${formatBytes(newest.before)}`,
    )
  return warnings
}
