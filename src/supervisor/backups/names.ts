/** The names of backup files, and the time that a name tells. */
import { join } from 'node:path'
import type { BackupPlan } from '../../plan/model/backups.ts'

/** Without colons, which tar and Windows interpret. A second backup of the same second gets a number. */
const timePattern = /^(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d)Z(-\d+)?$/

/** `at`: Unix time in milliseconds; `copy`: 2 or more if there is a backup of this time already. */
export function nameFor({ prefix, suffix }: BackupPlan, at: number, copy = 1): string {
  const time = new Date(at).toISOString().slice(0, 19).replaceAll(':', '-')
  return `${prefix}${time}Z${copy === 1 ? '' : `-${copy}`}${suffix}`
}

/**
 * Whether a file counts as a backup, by its name. Names that we give tell the time, which copying a volume does not
 * change; a file that a user renamed to keep it for good does not count.
 */
export function isBackupName(plan: BackupPlan, name: string): boolean {
  const { prefix, suffix, named } = plan
  if (name.length <= prefix.length + suffix.length || !name.startsWith(prefix) || !name.endsWith(suffix)) return false
  return !named || timeOfName(plan, name) !== undefined
}

/** Unix time in milliseconds; undefined if we cannot have given this name: there is no 13th month. */
export function timeOfName(plan: BackupPlan, name: string): number | undefined {
  const [, day, hours, minutes, seconds] = timePattern.exec(middleOf(plan, name)) ?? []
  const time = Date.parse(`${day}T${hours}:${minutes}:${seconds}Z`)
  return Number.isNaN(time) ? undefined : time
}

function middleOf({ prefix, suffix }: Pick<BackupPlan, 'prefix' | 'suffix'>, name: string): string {
  return name.slice(prefix.length, name.length - suffix.length)
}

/** The folder for unfinished backups. It exists from the start of a run until one succeeds. */
export function unfinishedFolder({ folder, prefix, suffix }: BackupPlan): string {
  return join(folder, `.${prefix}${suffix}.unfinished`)
}
