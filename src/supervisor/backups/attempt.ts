/**
 * One run's backup, from the first byte to its final name. Until it is complete and synced it lies in a hidden folder,
 * so that an incomplete file never looks like a backup, whatever dies on the way.
 */
import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { chmod, lchown, lstat, mkdir, open, rename, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { BackupPlan } from '../../plan/model/backups.ts'
import { codeOf } from '../../shared/errors.ts'
import { syncFolder } from '../../shared/files/folder.ts'
import { inFolder, type SafeFolder } from '../../shared/files/safe-folder.ts'
import { type BackupFile, filesOf, firstAttempt, lastAttempt, unlessMissing } from './folder.ts'
import { nameFor, unfinishedFolder } from './names.ts'

export interface Attempt {
  /** The path for `{backup}` to which the program writes; absent if it names its files itself. */
  readonly path?: string
  /**
   * To be called when the run exited with 0 and its group is gone. Resolves with undefined if there is a backup, else
   * with the reason as a predicate. Never rejects.
   */
  keep(): Promise<string | undefined>
  /** To be called when the run ended otherwise: removes what it wrote. Never rejects. */
  discard(): Promise<void>
}

/** The user of the program, if it is not ours. */
export interface Owner {
  readonly uid: number
  readonly gid: number
}

/** Mode of the attempt's folders: the program's user must reach its own and see no others. */
const passable = 0o711

/**
 * Rejects if the folder cannot be written to, or if a user other than the program's or ours could redirect us
 * (see shared/files/safe-folder.ts).
 */
export async function beginAttempt(plan: BackupPlan, owner?: Owner): Promise<Attempt> {
  const mode = owner ? passable : 0o700
  const unfinished = unfinishedFolder(plan)
  await inFolder(plan.folder, { make: mode, trusted: owner ? [owner.uid] : [] }, async (folder) => {
    const hidden = folder.at(basename(unfinished))
    await mkdir(hidden, { mode }).catch(unlessThere)
    await refuseLink(hidden)
  })
  await inFolder(unfinished, {}, async (folder) => {
    await chmod(folder.at('.'), mode)
    await rm(folder.at('work'), { recursive: true, force: true })
    await writeFile(folder.at(firstAttempt), '', { flag: 'wx', mode: 0o600 }).catch(unlessThere)
    await rm(folder.at(lastAttempt), { force: true })
    await writeFile(folder.at(lastAttempt), '', { flag: 'wx', mode: 0o600 })
  })
  if (plan.named) return beginNamed(plan, owner)
  const before = await filesOf(plan)
  return { keep: () => problemOf(keepFound(plan, before)), discard: async () => {} }
}

/** For a program that writes to `{backup}`. */
async function beginNamed(plan: BackupPlan, owner: Owner | undefined): Promise<Attempt> {
  const work = join(unfinishedFolder(plan), 'work')
  // An old attempt may be discarded after the next one has begun, and must not take its folder with it.
  const own = randomUUID()
  const began = Date.now()
  const name = nameFor(plan, began)
  await inFolder(work, { make: owner ? passable : 0o700 }, async (folder) => {
    await chmod(folder.at('.'), owner ? passable : 0o700)
    await mkdir(folder.at(own), { mode: 0o700 })
    if (owner) await lchown(folder.at(own), owner.uid, owner.gid)
  })
  const inOwn = <T>(use: (path: string) => Promise<T>) =>
    inFolder(work, {}, async (folder) => {
      if (owner) await takeBack(folder.at(own))
      return use(folder.at(own))
    })
  const discard = () => inOwn((path) => rm(path, { recursive: true, force: true })).catch(() => {})
  return {
    path: join(work, own, name),
    async keep() {
      const problem = await problemOf(inOwn((path) => place(plan, join(path, name), began)))
      if (problem !== undefined) await discard()
      return problem
    },
    discard,
  }
}

/**
 * From now on the program's user can neither change files in it nor place links there while it is read, moved and
 * removed.
 */
async function takeBack(folder: string): Promise<void> {
  await lchown(folder, process.geteuid?.() ?? 0, process.getegid?.() ?? 0)
}

/** Through a link, a user who may write to the backup folder could have root chmod and delete files elsewhere. */
async function refuseLink(folder: string): Promise<void> {
  if ((await lstat(folder)).isDirectory()) return
  throw Object.assign(new Error(`${folder} is not a folder`), { code: 'ENOTDIR' })
}

/** Turns what the program wrote into a backup that only our user can read. */
async function place(plan: BackupPlan, path: string, began: number): Promise<string | undefined> {
  // The program's user may have put a link there, to a file that is not its own, or a named pipe, on which open(2)
  // would block.
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(unlessMissing)
  if (!file) return 'exited with code 0, but wrote nothing to {backup}'
  try {
    const stats = await file.stat()
    if (!stats.isFile()) return 'exited with code 0, but what it wrote to {backup} is not a file'
    if (stats.nlink > 1) return 'exited with code 0, but what it wrote to {backup} has another hard link'
    if (stats.size === 0) return 'exited with code 0, but the backup is empty'
    await file.chmod(0o600)
    await file.sync()
  } finally {
    await file.close()
  }
  return inFolder(plan.folder, { untrusted: true }, async (folder) => {
    await rename(path, await freePath(plan, folder, began))
    await syncFolder(folder.at('.'))
    await rm(folder.at(basename(unfinishedFolder(plan))), { recursive: true, force: true })
    return undefined
  })
}

/** rename(2) would replace a backup of the same second. */
async function freePath(plan: BackupPlan, folder: SafeFolder, began: number): Promise<string> {
  for (let copy = 1; ; copy += 1) {
    const path = folder.at(nameFor(plan, began, copy))
    if (!(await lstat(path).catch(unlessMissing))) return path
  }
}

/**
 * For a program that names its files itself: there must be a new file that is not empty. It is compared with the files
 * of before, not with the time of the run: a file that a wrong clock dated ahead would make every run a success.
 */
async function keepFound(plan: BackupPlan, before: readonly BackupFile[]): Promise<string | undefined> {
  const times = new Map(before.map(({ name, at }) => [name, at]))
  const newest = (await filesOf(plan)).find(({ name, at }) => times.get(name) !== at)
  if (!newest) return 'exited with code 0, but there is no new file among its backups'
  if (newest.size === 0) return 'exited with code 0, but its newest backup is empty'
  await inFolder(plan.folder, { untrusted: true }, (folder) =>
    rm(folder.at(basename(unfinishedFolder(plan))), { recursive: true, force: true }),
  )
  return undefined
}

async function problemOf(kept: Promise<string | undefined>): Promise<string | undefined> {
  try {
    return await kept
  } catch (error) {
    return `exited with code 0, but its backup could not be kept (${codeOf(error)})`
  }
}

function unlessThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}
