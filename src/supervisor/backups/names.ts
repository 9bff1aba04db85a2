/** How files of backups are called, and when one was made by its name alone. */
import { join } from 'node:path'
import type { BackupPlan } from '../../plan/model/backups.ts'

/** Without colons, which tar and Windows take for something else. A second one of the same second gets a number. */
const timePattern = /^(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d)Z(-\d+)?$/

/** `at`: Unix time in milliseconds; `copy`: from 2 on, if there is one of this time already. */
export function nameFor({ prefix, suffix }: BackupPlan, at: number, copy = 1): string {
  const time = new Date(at).toISOString().slice(0, 19).replaceAll(':', '-')
  return `${prefix}${time}Z${copy === 1 ? '' : `-${copy}`}${suffix}`
}

/**
 * Whether a file counts, by its name. Those that we name say when they were made, which no copying of a volume changes; and
 * one that somebody called otherwise to keep it for good is none of ours.
 */
export function isBackupName(plan: BackupPlan, name: string): boolean {
  const { prefix, suffix, named } = plan
  if (name.length <= prefix.length + suffix.length || !name.startsWith(prefix) || !name.endsWith(suffix)) return false
  return !named || timeOfName(plan, name) !== undefined
}

/** Unix time in milliseconds; only of a name that we may have given: there is no 13th month. */
export function timeOfName(plan: BackupPlan, name: string): number | undefined {
  const [, day, hours, minutes, seconds] = timePattern.exec(middleOf(plan, name)) ?? []
  const time = Date.parse(`${day}T${hours}:${minutes}:${seconds}Z`)
  return Number.isNaN(time) ? undefined : time
}

function middleOf({ prefix, suffix }: Pick<BackupPlan, 'prefix' | 'suffix'>, name: string): string {
  return name.slice(prefix.length, name.length - suffix.length)
}

/** The folder of what is not a backup yet, and may never be one. It is there from the start of a run until one succeeds. */
export function unfinishedFolder({ folder, prefix, suffix }: BackupPlan): string {
  return join(folder, `.${prefix}${suffix}.unfinished`)
}
