/**
 * Where state and control socket are if the file does not say so. A run and the commands that look for it follow the
 * same rule, based on the current user and environment: see docs/operating.md.
 */
import { dirname, isAbsolute, join } from 'node:path'
import type { FileUser } from '../../config/file-facts.ts'

/** All paths are absolute. */
export interface DefaultPlaces {
  readonly storage: string
  readonly socket: string
  /**
   * Where a Gatehouse of this user may have its socket, even if started with other variables; the most likely first.
   */
  readonly sockets: readonly string[]
  /** This user's folder below that for temporary files. */
  readonly ownFolder: string
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * `user`: absent for root, who may write to the default paths of images. `environment`: the variables of this process.
 */
export function defaultPlaces(environment: Environment, user: FileUser | undefined): DefaultPlaces {
  const own = (folder: string) => join(folder, `gatehouse-${user?.uid ?? 0}`)
  const temporary = absoluteIn(environment, 'TMPDIR') ?? '/tmp'
  const ownFolder = own(temporary)
  if (!user) return { storage: imageStorage, socket: imageSocket, sockets: [imageSocket], ownFolder }
  const sockets = [
    // XDG Base Directory Specification: there is no default, but on systems with logind it is this one.
    below(absoluteIn(environment, 'XDG_RUNTIME_DIR'), socketName),
    imageSocket,
    `/run/user/${user.uid}/${socketName}`,
    join(ownFolder, socketName),
    join(own('/tmp'), socketName),
  ].filter((path) => path !== undefined)
  const storages = [
    below(absoluteIn(environment, 'XDG_STATE_HOME'), 'gatehouse'),
    imageStorage,
    below(homeOf(environment, user), '.local/state/gatehouse'),
  ].filter((path) => path !== undefined)
  const socket = sockets.slice(0, -2).find((path) => user.canCreateIn(dirname(path))) ?? join(ownFolder, socketName)
  const storage = storages.find((path) => user.canCreateIn(path)) ?? join(ownFolder, 'storage')
  return { storage, socket, sockets: [...new Set([socket, ...sockets])], ownFolder }
}

const socketName = 'gatehouse.sock'
const imageSocket = `/run/${socketName}`
const imageStorage = '/data/gatehouse'

/** A folder that a variable names; relative paths are ignored (XDG Base Directory Specification). */
function absoluteIn(environment: Environment, name: string): string | undefined {
  const folder = environment[name]
  return folder !== undefined && isAbsolute(folder) ? folder : undefined
}

/** Images often set HOME to `/` or `/tmp`, or leave it unchanged for another user: then it is not this user's home. */
function homeOf(environment: Environment, user: FileUser): string | undefined {
  const home = absoluteIn(environment, 'HOME')
  return home !== undefined && user.owns(home) ? home : undefined
}

function below(folder: string | undefined, name: string): string | undefined {
  return folder === undefined ? undefined : join(folder, name)
}
