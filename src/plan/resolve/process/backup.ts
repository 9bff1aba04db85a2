import { basename, dirname } from 'node:path'
import type { ProcessConfig } from '../../../config/schema/process/process.ts'
import { deepest } from '../../../config/yaml/located.ts'
import { readCalendar } from '../../../shared/calendar.ts'
import type { Milliseconds } from '../../../shared/time/duration.ts'
import { type BackupPlan, backupPlaceholder } from '../../model/backups.ts'
import { absolute, type PlanContext } from '../plan-context.ts'

/** Undefined if the task makes none. */
export function resolveBackup(context: PlanContext, name: string, process: ProcessConfig): BackupPlan | undefined {
  const { backup, command, schedule } = process
  if (!backup) return undefined
  const path = absolute(context, backup.files)
  const [prefix = '', suffix = ''] = basename(path).split('*')
  const overdue = backup.overdue ?? (schedule && withLeeway(longestPause(schedule)))
  return {
    folder: dirname(path),
    prefix,
    suffix,
    named: command.some((word) => word.includes(backupPlaceholder)),
    ...(overdue !== undefined && { overdue }),
    ...(backup.keep !== undefined && { keep: backup.keep }),
    ...(hasVariableName(context, name) && { secret: true }),
  }
}

/** A run takes time, and a day in autumn has 25 hours. */
function withLeeway(pause: Milliseconds | undefined): Milliseconds | undefined {
  return pause === undefined ? undefined : Math.round((pause * 13) / 12)
}

/** Enough for each weekday of an hourly schedule; from a fixed date, so that a plan does not depend on the clock. */
const runCount = 200
const from = Date.UTC(2026, 0, 1)

/** The longest interval between two of the next runs; undefined if there are not two. */
export function longestPause({ cron, timezone }: NonNullable<ProcessConfig['schedule']>): Milliseconds | undefined {
  const calendar = readCalendar(cron, timezone)
  if ('unreadable' in calendar) return undefined
  let longest: Milliseconds | undefined
  let last = calendar.next(from)
  for (let run = 1; run < runCount && last !== undefined; run += 1) {
    const next = calendar.next(last)
    if (next !== undefined) longest = Math.max(longest ?? 0, next - last)
    last = next
  }
  return longest
}

function hasVariableName({ content }: PlanContext, name: string): boolean {
  const { node } = deepest(content.tree, ['processes', name, 'backup', 'files'])
  // Not by the `$` alone: the last part of `${FILES:-/data/app-*.dump}` has none.
  return node.kind === 'scalar' && basename(node.value ?? '') !== basename(node.written)
}
