/**
 * A lock on a folder that several replicas may share, perhaps over a network file system. Its holder touches it all the time;
 * one that is not touched any more is taken over. No clock of another machine is trusted: each looks for changes itself.
 */

import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { link, lstat, lutimes, open, rename, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { inFolder, openFolder, type SafeFolder } from '../shared/files/safe-folder.ts'
import type { Milliseconds } from '../shared/time/duration.ts'
import { setInterval } from '../shared/time/timer.ts'

export interface Lock {
  /** False once somebody else has taken it over, as after this process was stopped for a while. */
  stillHeld(): Promise<boolean>
  release(): Promise<void>
}

export interface LockTimes {
  readonly heartbeat: Milliseconds
  /** Without a beat for so long, its holder is dead. */
  readonly stale: Milliseconds
}

const usual: LockTimes = { heartbeat: 2_000, stale: 15_000 }

/** For one folder; to be kept, since it remembers since when a foreign lock has not changed. */
export interface FolderLock {
  /** Undefined while somebody else holds it: to be tried again. Rejects with the file system's error. */
  take(): Promise<Lock | undefined>
}

export function createFolderLock(folder: string, times: LockTimes = usual): FolderLock {
  const name = 'lock'
  let seen: { readonly sign: string; readonly since: Milliseconds } | undefined

  /** True: what lies there has not changed for too long. */
  async function isStale(path: string): Promise<boolean> {
    const sign = await signOf(path)
    if (sign === undefined) return false
    if (seen?.sign !== sign) {
      seen = { sign, since: performance.now() }
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
        await removeStale(path, seen?.sign)
        seen = undefined
        return create(path, token)
      })
      return taken ? hold(await openFolder(folder), token, times) : undefined
    },
  }
}

/** Whole at once: a link to a file that is written already, which fails where the name is taken (also over NFS). */
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

/** Moved away first: of two who do so at once only one finds it. A fresh lock that was hit by mistake is put back. */
async function removeStale(path: string, sign: string | undefined): Promise<void> {
  const aside = `${path}.${randomUUID()}`
  try {
    await rename(path, aside)
  } catch {
    return
  }
  if ((await signOf(aside)) !== sign) await link(aside, path).catch(() => {})
  await rm(aside, { force: true })
}

/** Until it is released the folder stays open: what is beaten and removed is in the same one, whatever became of its path. */
function hold(folder: SafeFolder, token: string, { heartbeat }: LockTimes): Lock {
  const path = folder.at('lock')
  let released = false
  const isOurs = async () => !released && (await contentOf(path).catch(() => undefined)) === token
  const beat = async () => {
    const now = new Date()
    if ((await isOurs()) && !released) await lutimes(path, now, now).catch(() => {})
  }
  const timer = setInterval(beat, heartbeat).unref()
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
 * Who holds it and when it was touched last; undefined if nobody does. One that cannot be read, since another user left it, is
 * held all the same: by somebody who can only be known by the time.
 */
async function signOf(path: string): Promise<string | undefined> {
  try {
    const [content, { mtimeMs }] = await Promise.all([contentOf(path).catch(() => ''), lstat(path)])
    return `${content}${mtimeMs}`
  } catch {
    return undefined
  }
}

/** Without following a link, or waiting for the writer of a named pipe, that somebody put there. */
async function contentOf(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}
