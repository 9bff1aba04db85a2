import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { lstat, rename, rm } from 'node:fs/promises'
import type { Server } from 'node:net'
import { dirname, join } from 'node:path'
import { GatehouseError, messageOf } from '../shared/errors.ts'
import { makeFolder } from '../shared/folder.ts'
import { readStatus } from './client.ts'

/** A server's place in the file system. */
export interface Seat {
  /** Removes the socket, unless another one has taken its place since. */
  leave(): Promise<void>
}

// sun_path of sockaddr_un holds 108 bytes on Linux and 104 elsewhere, its final NUL included (unix(7)).
const longestPath = process.platform === 'linux' ? 107 : 103

/**
 * Listens on a Unix socket that only its owner may open, and replaces one that a dead process left behind. Main thread only.
 * Throws `already-running` if somebody listens there, `control-failed` if the path is taken or cannot be used.
 */
export async function takeSeat(server: Server, path: string): Promise<Seat> {
  // libuv unlinks the path it has bound when it closes, whosever socket is there by then. So a name nobody knows is bound,
  // and renamed: that also replaces a dead socket in one step, with no moment at which the path leads nowhere.
  const bound = join(dirname(path), `.${randomBytes(3).toString('hex')}`)
  checkLength(path, bound)
  await checkVacant(path)
  try {
    await makeFolder(dirname(path), 0o700)
    await listenPrivately(server, bound)
    await rename(bound, path)
    const { dev, ino } = await lstat(path)
    return {
      async leave() {
        const there = await lstat(path).catch(() => undefined)
        if (there?.ino === ino && there.dev === dev) await rm(path, { force: true })
      },
    }
  } catch (error) {
    server.close()
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
    `the path of the control socket is ${length} bytes long, and the system takes ${longestPath} at most: ${path}; shorten \`control.socket\``,
  )
}

async function checkVacant(path: string): Promise<void> {
  const there = await lstat(path).catch(() => undefined)
  if (there === undefined) return
  if (!there.isSocket()) {
    throw new GatehouseError(
      'control-failed',
      `${path} is there already and is no socket, so it is left alone; move it away or change \`control.socket\``,
    )
  }
  const occupant = await askOccupant(path)
  if (occupant !== undefined) throw new GatehouseError('already-running', occupant)
}

/** Who listens on a socket, in words; undefined if nobody does. Refusing and being slow are signs of life too. */
async function askOccupant(path: string): Promise<string | undefined> {
  try {
    const { pid, config } = await readStatus(path, 2_000)
    return `a gatehouse is running already on ${path}: pid ${pid}, with ${config}; stop it or change \`control.socket\``
  } catch (error) {
    if (error instanceof GatehouseError && error.code === 'not-running') return undefined
    return `the control socket is taken: ${messageOf(error)}; stop it or change \`control.socket\``
  }
}

async function listenPrivately(server: Server, path: string): Promise<void> {
  // bind(2) takes the mode from the umask, and a chmod afterwards would come too late. The bind happens inside listen(), so
  // nothing else of this process, above all no child, is made under this umask.
  const umask = process.umask(0o177)
  try {
    server.listen(path)
  } finally {
    process.umask(umask)
  }
  await once(server, 'listening')
}
