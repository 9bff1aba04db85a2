/** The system's tools with which Gatehouse starts programs. */
import { join } from 'node:path'

/**
 * Used instead of PATH: the tools run with our rights, and a PATH may have folders that other users can write to.
 * Systems differ in where a tool is.
 */
export const systemFolders: readonly string[] = ['/usr/bin', '/bin', '/usr/sbin', '/sbin']

/** The PATH of our own shell scripts. */
export const systemPath = systemFolders.join(':')

/** The path of a tool; undefined if this machine lacks it. `isThere` checks one path. */
export function findTool(name: string, isThere: (path: string) => boolean): string | undefined {
  return systemFolders.map((folder) => join(folder, name)).find(isThere)
}

/** The Debian package of each tool. */
export const packages = {
  env: 'coreutils',
  nice: 'coreutils',
  prlimit: 'util-linux',
  setpriv: 'util-linux',
} as const

export type ToolName = keyof typeof packages
