/** How a task stands with its backups, judged by what lies on the disk. Pure. */
import type { BackupPlan } from '../../plan/model/backups.ts'
import type { Bytes } from '../../shared/bytes.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import type { BackupFile, Seen } from './folder.ts'

/** Times are Unix time in milliseconds. */
export interface BackupStanding {
  /** The newest that is complete, and what the one before it holds. */
  readonly newest?: { readonly file?: string; readonly at: number; readonly size: Bytes; readonly before?: Bytes }
  /** How many there are, and what they hold together. */
  readonly files: number
  readonly size: Bytes
  /** How old the newest may get; absent: it is never too old. */
  readonly allowed?: Milliseconds
  readonly overdue: boolean
  /** The newest holds less than half of what the one before it does. */
  readonly shrunk: boolean
  /** When the last attempt began, if none has succeeded since. */
  readonly unfinished?: number
  /** Why its folder cannot be read: an error's code. */
  readonly trouble?: string
}

/** `since`: from when on one could have been made, for a volume on which there is none yet. */
export function standingOf(
  { overdue: allowed, secret }: BackupPlan,
  { files, tried, trouble }: Seen,
  { now, since }: { readonly now: number; readonly since: number },
): BackupStanding {
  const [newest, before] = files
  return {
    ...(newest && { newest: described(newest, before, secret === true) }),
    files: files.length,
    size: files.reduce((sum, { size }) => sum + size, 0),
    ...(allowed !== undefined && { allowed }),
    overdue: allowed !== undefined && now - (newest?.at ?? since) > allowed,
    shrunk: hasShrunk(files),
    ...(tried !== undefined && { unfinished: tried }),
    ...(trouble !== undefined && { trouble }),
  }
}

/** The newest of them, which is the first, holds less than half of what the one before does. */
export function hasShrunk([newest, before]: readonly BackupFile[]): boolean {
  return newest !== undefined && before !== undefined && newest.size < before.size / 2
}

function described({ name, at, size }: BackupFile, before: BackupFile | undefined, secret: boolean) {
  return { ...(!secret && { file: name }), at, size, ...(before && { before: before.size }) }
}

/** An attempt that took the whole container with it must not be made again at each of its starts. */
const betweenAttempts: Milliseconds = 3_600_000

/** Whether one is to be made as soon as it can, instead of at the next time of the schedule: asked once, at the start. */
export function isToBeMadeUp({ newest, allowed, overdue, unfinished, trouble }: BackupStanding, now: number): boolean {
  if (allowed === undefined || trouble !== undefined) return false
  if (unfinished !== undefined && Math.abs(now - unfinished) < betweenAttempts) return false
  return overdue || !newest
}
