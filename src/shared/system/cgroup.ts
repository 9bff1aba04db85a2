/** Where the control groups of this process are mounted (cgroups(7)). */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

export interface CgroupFolders {
  /** 1 is the hierarchy of one controller, 2 the unified one. */
  readonly version: 1 | 2
  /** Of the group of this process, then of its parents, as far as they are visible. */
  readonly folders: readonly string[]
}

/**
 * Finds the groups of `controller` (`memory`) for this process. `root` is where /proc and /sys are. Undefined if there
 * are none: not Linux, not mounted, or the controller is disabled.
 */
export function cgroupFolders(controller: string, root = '/'): CgroupFolders | undefined {
  const memberships = readLines(join(root, 'proc/self/cgroup')).map(membershipOf)
  const mounts = readLines(join(root, 'proc/self/mountinfo')).flatMap(mountOf)
  // On a hybrid system both are mounted; a controller is in the hierarchy that lists it, else in the unified one.
  const legacy = memberships.find((one) => one.controllers.includes(controller))
  const membership = legacy ?? memberships.find(({ unified }) => unified)
  const mount = legacy
    ? mounts.find(({ type, options }) => type === 'cgroup' && options.includes(controller))
    : mounts.find(({ type }) => type === 'cgroup2')
  if (!membership || !mount) return undefined
  const inside = pathBelow(membership.path, mount.root)
  return { version: legacy ? 1 : 2, folders: upwards(inside).map((path) => join(root, mount.point, path)) }
}

interface Membership {
  readonly unified: boolean
  readonly controllers: readonly string[]
  readonly path: string
}

/** `hierarchy:controllers:path`; the unified hierarchy is number 0 and lists none. */
function membershipOf(line: string): Membership {
  const [, number = '', controllers = '', path = '/'] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? []
  return { unified: number === '0', controllers: controllers.split(','), path }
}

interface Mount {
  readonly type: string
  /** The group at the mount point: not `/` in a container without a cgroup namespace. */
  readonly root: string
  readonly point: string
  readonly options: readonly string[]
}

/** `36 35 98:0 /root /point rw,noatime [optional...] - type source options` (proc_pid_mountinfo(5)). */
function mountOf(line: string): Mount[] {
  const [before = '', after] = line.split(' - ')
  if (after === undefined) return []
  const [, , , root = '/', point = ''] = before.split(' ').map(unescaped)
  const [type = '', , options = ''] = after.split(' ')
  return [{ type, root, point, options: options.split(',') }]
}

/** Blanks and backslashes in paths are written in octal. */
function unescaped(field: string): string {
  return field.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}

/** If the mount does not show the group, its root is the nearest visible one. */
function pathBelow(path: string, mountRoot: string): string {
  if (mountRoot === '/') return path.includes('/..') ? '/' : path
  return path.startsWith(`${mountRoot}/`) ? path.slice(mountRoot.length) : '/'
}

function upwards(path: string): string[] {
  return path === '/' ? ['/'] : [path, ...upwards(dirname(path))]
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n')
  } catch {
    return []
  }
}
