/**
 * Reads a task's backups from the disk. The files are the only record: they outlive us, move with their volume, and
 * never claim a backup that is not there.
 */
import { lstat, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { BackupPlan } from '../../plan/model/backups.ts'
import type { Bytes } from '../../shared/bytes.ts'
import { codeOf } from '../../shared/errors.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { isBackupName, timeOfName, unfinishedFolder } from './names.ts'

export interface BackupFile {
  readonly name: string
  /** When it was made; Unix time in milliseconds. */
  readonly at: number
  readonly size: Bytes
}

export interface FolderContents {
  /** Complete ones, the newest first. */
  readonly files: readonly BackupFile[]
  /** When the last attempt began, if none has succeeded since. */
  readonly tried?: number
  /** Why the folder cannot be read: an error code. */
  readonly problem?: string
}

/** Marker files in the folder for unfinished backups: written at the first and at the last attempt since a success. */
export const firstAttempt = 'first-attempt'
export const lastAttempt = 'last-attempt'

/** Never rejects. */
export async function readBackups(plan: BackupPlan): Promise<FolderContents> {
  try {
    const first = await marked(plan, firstAttempt)
    const last = await marked(plan, lastAttempt)
    const found = await filesOf(plan)
    // A file that a program named itself, written since the first failed attempt, may be incomplete.
    const complete = plan.named || first === undefined ? found : found.filter(({ at }) => at < first)
    const files = newestFirst(complete.map((file) => ({ ...file, at: plausibleTime(file.at) })))
    return { files, ...(last !== undefined && { tried: last }) }
  } catch (error) {
    return { files: [], problem: codeOf(error) }
  }
}

/** The clock of a file server may be ahead of ours. */
const clockTolerance: Milliseconds = 3_600_000

/**
 * A file with a time in the future was dated by a wrong clock and counts as the oldest. Otherwise it would stay the
 * newest until then, and `keep` would delete each new backup instead of it.
 */
function plausibleTime(at: number): number {
  return at > Date.now() + clockTolerance ? 0 : Math.max(0, at)
}

/** Within the same second, the one with the higher number, which may have more digits. */
function newestFirst(files: readonly BackupFile[]): readonly BackupFile[] {
  return files.toSorted((a, b) => b.at - a.at || b.name.length - a.name.length || (a.name < b.name ? 1 : -1))
}

/** All files that look like backups, complete or not. A missing folder holds none. */
export async function filesOf(plan: BackupPlan): Promise<readonly BackupFile[]> {
  const names = await readdir(plan.folder).catch(unlessMissing)
  const files: BackupFile[] = []
  // One after the other: see shared/files/disk-lane.ts.
  for (const name of names ?? []) {
    const file = isBackupName(plan, name) ? await fileAt(plan, name) : undefined
    if (file) files.push(file)
  }
  return newestFirst(files)
}

/** Undefined if it is not a file, or is gone. Links are not followed: `keep` deletes what it counts. */
async function fileAt(plan: BackupPlan, name: string): Promise<BackupFile | undefined> {
  const stats = await lstat(join(plan.folder, name)).catch(unlessMissing)
  if (!stats?.isFile()) return undefined
  const at = (plan.named ? timeOfName(plan, name) : undefined) ?? stats.mtimeMs
  return { name, at, size: stats.size }
}

async function marked(plan: BackupPlan, mark: string): Promise<number | undefined> {
  return (await stat(join(unfinishedFolder(plan), mark)).catch(unlessMissing))?.mtimeMs
}

export function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
