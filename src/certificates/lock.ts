/**
 * A lock on a folder that several replicas may share, perhaps over a network file system. Its holder touches it
 * periodically; a lock that is no longer touched is taken over. Clocks of other machines are not compared: each replica
 * watches for changes itself.
 */

import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { link, lstat, lutimes, open, rename, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { inFolder, openFolder, type SafeFolder } from '../shared/files/safe-folder.ts'
import type { Milliseconds } from '../shared/time/duration.ts'
import { setInterval } from '../shared/time/timer.ts'

export interface Lock {
  /** False once another holder has taken it over, for example because this process was suspended for a while. */
  stillHeld(): Promise<boolean>
  release(): Promise<void>
}

export interface LockTimes {
  readonly heartbeat: Milliseconds
  /** Without a heartbeat for this long its holder counts as dead. */
  readonly stale: Milliseconds
}

const usual: LockTimes = { heartbeat: 2_000, stale: 15_000 }

/** For one folder. To be kept: it remembers since when another holder's lock has not changed. */
export interface FolderLock {
  /** Undefined while another holder has it: try again later. Rejects with the file system's error. */
  take(): Promise<Lock | undefined>
}

export function createFolderLock(folder: string, times: LockTimes = usual): FolderLock {
  const name = 'lock'
  let seen: { readonly version: string; readonly since: Milliseconds } | undefined

  async function isStale(path: string): Promise<boolean> {
    const version = await versionOf(path)
    if (version === undefined) return false
    if (seen?.version !== version) {
      seen = { version, since: performance.now() }
      return false
    }
    return performance.now() - seen.since > times.stale
  }

  return {
    async take() {
      const token = `${hostname()} ${process.pid} ${randomUUID()}\n`
      const taken = await inFolder(folder, { make: 0o700 }, async (opened) => {
        const path = opened.at(name)
        if (await create(path, token)) return true
        if (!(await isStale(path))) return false
        await removeStale(path, seen?.version)
        seen = undefined
        return create(path, token)
      })
      return taken ? hold(await openFolder(folder), token, times) : undefined
    },
  }
}

/** Atomic: links a complete file, which fails if the name is taken (also over NFS). */
async function create(path: string, token: string): Promise<boolean> {
  const temporary = `${path}.${randomUUID()}`
  await writeFile(temporary, token, { flag: 'wx', mode: 0o600 })
  try {
    await link(temporary, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    await rm(temporary, { force: true })
  }
}

/**
 * Moved away first: of two processes that do so only one succeeds. A fresh lock that was moved by mistake is put back.
 */
async function removeStale(path: string, version: string | undefined): Promise<void> {
  const aside = `${path}.${randomUUID()}`
  try {
    await rename(path, aside)
  } catch {
    return
  }
  if ((await versionOf(aside)) !== version) await link(aside, path).catch(() => {})
  await rm(aside, { force: true })
}

/**
 * The folder stays open until the release: the lock is touched and removed in the same folder, even if its path
 * changes.
 */
function hold(folder: SafeFolder, token: string, { heartbeat }: LockTimes): Lock {
  const path = folder.at('lock')
  let released = false
  const isOurs = async () => !released && (await contentOf(path).catch(() => undefined)) === token
  const touch = async () => {
    const now = new Date()
    if ((await isOurs()) && !released) await lutimes(path, now, now).catch(() => {})
  }
  const timer = setInterval(touch, heartbeat).unref()
  return {
    stillHeld: isOurs,
    async release() {
      clearInterval(timer)
      if (released) return
      if (await isOurs()) await rm(path, { force: true })
      released = true
      folder.close()
    },
  }
}

/**
 * The holder and the time of the last touch; undefined if it is not held. A lock of another user that cannot be read
 * counts as held, by its time alone.
 */
async function versionOf(path: string): Promise<string | undefined> {
  try {
    const [content, { mtimeMs }] = await Promise.all([contentOf(path).catch(() => ''), lstat(path)])
    return `${content}${mtimeMs}`
  } catch {
    return undefined
  }
}

/** Does not follow a link, nor wait for the writer of a named pipe, that another user put there. */
async function contentOf(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}
