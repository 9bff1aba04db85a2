/** The state of a task's backups, by the files on the disk. Pure. */
import type { BackupPlan } from '../../plan/model/backups.ts'
import type { Bytes } from '../../shared/bytes.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import type { BackupFile, FolderContents } from './folder.ts'

/** Times are Unix time in milliseconds. */
export interface BackupState {
  /** The newest complete one; `before` is the size of the previous one. */
  readonly newest?: { readonly file?: string; readonly at: number; readonly size: Bytes; readonly before?: Bytes }
  /** How many there are, and their total size. */
  readonly files: number
  readonly size: Bytes
  /** How old the newest may get; absent: there is no limit. */
  readonly allowed?: Milliseconds
  readonly overdue: boolean
  /** The newest is less than half as large as the previous one. */
  readonly shrunk: boolean
  /** When the last attempt began, if none has succeeded since. */
  readonly unfinished?: number
  /** Why its folder cannot be read: an error code. */
  readonly problem?: string
}

/** `since`: the time from which age is counted on a volume without a backup. */
export function backupStateOf(
  { overdue: allowed, secret }: BackupPlan,
  { files, tried, problem }: FolderContents,
  { now, since }: { readonly now: number; readonly since: number },
): BackupState {
  const [newest, before] = files
  return {
    ...(newest && { newest: described(newest, before, secret === true) }),
    files: files.length,
    size: files.reduce((sum, { size }) => sum + size, 0),
    ...(allowed !== undefined && { allowed }),
    overdue: allowed !== undefined && now - (newest?.at ?? since) > allowed,
    shrunk: hasShrunk(files),
    ...(tried !== undefined && { unfinished: tried }),
    ...(problem !== undefined && { problem }),
  }
}

/** Whether the newest, which is the first, is less than half as large as the previous one. */
export function hasShrunk([newest, before]: readonly BackupFile[]): boolean {
  return newest !== undefined && before !== undefined && newest.size < before.size / 2
}

function described({ name, at, size }: BackupFile, before: BackupFile | undefined, secret: boolean) {
  return { ...(!secret && { file: name }), at, size, ...(before && { before: before.size }) }
}

/** An attempt that crashed the whole container must not be repeated at each of its starts. */
const betweenAttempts: Milliseconds = 3_600_000

/** At the start: whether to make a backup now instead of at the next scheduled time. */
export function isDueAtStart({ newest, allowed, overdue, unfinished, problem }: BackupState, now: number): boolean {
  if (allowed === undefined || problem !== undefined) return false
  if (unfinished !== undefined && Math.abs(now - unfinished) < betweenAttempts) return false
  return overdue || !newest
}
