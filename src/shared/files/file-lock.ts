/**
 * A lock on a file that ends with its process, even by SIGKILL. Node has no flock(2), but its SQLite locks by fcntl(2):
 * the kernel drops the lock with the process, and children do not inherit it. See
 * docs/adr/0025-socket-and-port-locks.md.
 */
import { closeSync, lstatSync, openSync, readFileSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { isTrusted } from './trust.ts'

export interface FileLock {
  /** Removes the file and releases the lock; further calls do nothing. */
  release(): void
}

const busy = 5 // SQLITE_BUSY

/**
 * Takes the lock, or returns that another process holds it. Creates the file if it is missing (mode 0600, empty); its
 * folder must exist. Throws the file system's error, or an error if the file is not a lock file.
 */
export function lockFile(path: string): FileLock | 'held' {
  for (;;) {
    const lock = tryLock(path)
    if (lock !== 'removed') return lock
  }
}

/**
 * `removed`: its holder released the lock and removed the file while we were opening it; another file counts by now.
 */
function tryLock(path: string): FileLock | 'held' | 'removed' {
  const before = makeFile(path)
  const database = new DatabaseSync(path)
  try {
    // Without a journal file: nothing is ever written.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if ((error as { errcode?: unknown }).errcode === busy) return 'held'
    throw error
  }
  // Only the holder removes the file. So if it is still the same, it stays while the lock is ours.
  if (lstatSync(path, { throwIfNoEntry: false })?.ino !== before) {
    database.close()
    return 'removed'
  }
  return {
    release() {
      if (!database.isOpen) return
      rmSync(path, { force: true })
      database.close()
    },
  }
}

/** Its inode. */
function makeFile(path: string): number | undefined {
  try {
    // Only a new file is opened here: closing one drops all locks that this process has on it (fcntl(2)).
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (!found) return undefined
  // SQLite would follow a link.
  if (!found.isFile() || found.size > 0) throw new Error(`${path} exists and is not a lock file: move it away`)
  // Its owner could turn it into a database whose journal makes SQLite write and delete files.
  if (!isTrusted(found.uid)) throw new Error(`the lock file ${path} belongs to uid ${found.uid}: remove it`)
  return found.ino
}

/**
 * The pid of the process that holds the lock; undefined if the kernel does not say, as of another container's. Linux
 * only.
 */
export function lockHolder(path: string): number | undefined {
  try {
    const { ino } = lstatSync(path)
    // `1: POSIX  ADVISORY  WRITE 4711 fe:00:9978008 1073741824 1073742335` (proc_locks(5))
    const row = readFileSync('/proc/locks', 'latin1')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .find((words) => words[1] === 'POSIX' && words[5]?.endsWith(`:${ino}`))
    const pid = Number(row?.[4])
    return pid > 0 ? pid : undefined
  } catch {
    return undefined
  }
}
