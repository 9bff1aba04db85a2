import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { lstat, rename, rm } from 'node:fs/promises'
import type { Server } from 'node:net'
import { dirname, join } from 'node:path'
import { GatehouseError, messageOf } from '../shared/errors.ts'
import { type FileLock, lockFile, lockHolder } from '../shared/files/file-lock.ts'
import { openFolder } from '../shared/files/safe-folder.ts'
import { lockPath, readStatus } from './client/client.ts'

/**
 * A path that is reserved for as long as we run: for the control socket, and for the files beside it with its name. The
 * lock is on `<path>.lock`: of several processes that start at once one gets it, and removing the socket does not
 * release it.
 */
export interface SocketReservation {
  /** Absolute. */
  readonly path: string
  /** Listens there; only its owner and root may connect. Throws `control-failed`. */
  listen(server: Server): Promise<void>
  /** Removes the socket, unless it has been replaced since, and releases the path. */
  release(): Promise<void>
}

// sun_path of sockaddr_un holds 108 bytes on Linux and 104 elsewhere, its final NUL included (unix(7)).
const longestPath = process.platform === 'linux' ? 107 : 103

/**
 * Reserves the path and creates its folder. Main thread only. Throws `already-running` if another Gatehouse has it or a
 * process listens there, `control-failed` if it cannot be used.
 */
export async function reserveSocket(path: string): Promise<SocketReservation> {
  // On close libuv unlinks the path that it bound, even if another process's socket is there by then. So we bind a
  // random name and rename it, which also replaces a dead socket atomically.
  const bound = join(dirname(path), `.${randomBytes(3).toString('hex')}`)
  checkLength(path, bound)
  const lock = await explained(path, async () => {
    // Users who may rename files there could replace our socket with theirs.
    const folder = await openFolder(dirname(path), { make: 0o700, makeSticky: true })
    folder.close()
    return lockFile(lockPath(path))
  })
  if (lock === 'held') throw new GatehouseError('already-running', await describeHolder(path))
  try {
    await checkVacant(path)
  } catch (error) {
    lock.release()
    throw error
  }
  return reservation(path, bound, lock)
}

function reservation(path: string, bound: string, lock: FileLock): SocketReservation {
  let file: { readonly dev: number; readonly ino: number } | undefined
  return {
    path,
    async listen(server) {
      await explained(path, async () => {
        await listenPrivately(server, bound)
        await rename(bound, path)
        file = await lstat(path)
      }).catch((error) => {
        server.close()
        throw error
      })
    },
    async release() {
      const there = file && (await lstat(path).catch(() => undefined))
      if (there && there.ino === file?.ino && there.dev === file.dev) await rm(path, { force: true })
      lock.release()
    },
  }
}

async function explained<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    throw new GatehouseError(
      'control-failed',
      `cannot open the control socket ${path}: ${messageOf(error)}; make its folder writable for user ${process.geteuid?.()} or change \`control.socket\``,
      { cause: error },
    )
  }
}

function checkLength(path: string, bound: string): void {
  const length = Math.max(Buffer.byteLength(path), Buffer.byteLength(bound))
  if (length <= longestPath) return
  throw new GatehouseError(
    'control-failed',
    `the path of the control socket is ${length} bytes long, and the limit is ${longestPath}: ${path}; shorten \`control.socket\``,
  )
}

async function checkVacant(path: string): Promise<void> {
  const there = await lstat(path).catch(() => undefined)
  if (there === undefined) return
  if (!there.isSocket()) {
    throw new GatehouseError(
      'control-failed',
      `${path} exists and is not a socket; move it away or change \`control.socket\``,
    )
  }
  const occupant = await askOccupant(path)
  if (occupant !== undefined) throw new GatehouseError('already-running', occupant)
}

/** Who has the lock. A Gatehouse that is starting does not listen yet: only the kernel knows its pid. */
async function describeHolder(path: string): Promise<string> {
  const occupant = await askOccupant(path)
  if (occupant !== undefined) return occupant
  const pid = lockHolder(lockPath(path))
  const who = pid === undefined ? 'another gatehouse' : `a gatehouse (pid ${pid})`
  return `${who} has locked ${path} and is starting or stopping; stop it or change \`control.socket\``
}

/** Who listens on a socket, as a sentence; undefined if no process does. A refusal or a timeout counts as listening. */
async function askOccupant(path: string): Promise<string | undefined> {
  try {
    const { pid, config } = await readStatus(path, 2_000)
    return `a gatehouse is already running on ${path}: pid ${pid}, with ${config}; stop it or change \`control.socket\``
  } catch (error) {
    if (error instanceof GatehouseError && error.code === 'not-running') return undefined
    return `the control socket is in use: ${messageOf(error)}; stop that process or change \`control.socket\``
  }
}

async function listenPrivately(server: Server, path: string): Promise<void> {
  // bind(2) takes the mode from the umask; a chmod afterwards would be too late. The bind happens inside listen(), so
  // nothing else of this process, above all no child, gets this umask.
  const umask = process.umask(0o177)
  try {
    server.listen(path)
  } finally {
    process.umask(umask)
  }
  await once(server, 'listening')
}
