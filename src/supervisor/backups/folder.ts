/**
 * What the disk knows of a task's backups. It is the only record there is: it outlives us, moves with its volume, and cannot
 * say that there is a backup where there is none.
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

export interface Seen {
  /** Complete ones, the newest first. */
  readonly files: readonly BackupFile[]
  /** When the last attempt began, if none has succeeded since. */
  readonly tried?: number
  /** Why the folder cannot be read: an error's code. */
  readonly trouble?: string
}

/** In the folder of what is unfinished: made at the first and at the last attempt since a success. */
export const firstAttempt = 'first-attempt'
export const lastAttempt = 'last-attempt'

/** Never rejects. */
export async function lookInto(plan: BackupPlan): Promise<Seen> {
  try {
    const first = await marked(plan, firstAttempt)
    const last = await marked(plan, lastAttempt)
    const found = await filesOf(plan)
    // What a program that names its files itself has written since then may be half of what it should be.
    const whole = plan.named || first === undefined ? found : found.filter(({ at }) => at < first)
    const files = newestFirst(whole.map((file) => ({ ...file, at: believed(file.at) })))
    return { files, ...(last !== undefined && { tried: last }) }
  } catch (error) {
    return { files: [], trouble: codeOf(error) }
  }
}

/** The clocks of file servers differ. */
const ahead: Milliseconds = 3_600_000

/**
 * A time that is still to come was written by a clock that was wrong: such a file counts as the oldest. Else it would be the newest
 * until then, and `keep` would delete each new one for its sake.
 */
function believed(at: number): number {
  return at > Date.now() + ahead ? 0 : Math.max(0, at)
}

/** Of the same second the one with the higher number, which may be one with more digits. */
function newestFirst(files: readonly BackupFile[]): readonly BackupFile[] {
  return files.toSorted((a, b) => b.at - a.at || b.name.length - a.name.length || (a.name < b.name ? 1 : -1))
}

/** All that look like backups, also those that may not be complete. A missing folder holds none. */
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

/** Undefined if it is no file, or was removed a moment ago. Links are not followed: `keep` deletes what it counts. */
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
