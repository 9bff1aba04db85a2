/** The system's own small programs, by which Gatehouse starts others. */
import { join } from 'node:path'

/**
 * Never the folders of a PATH: the tools run with our rights, and a PATH may name one to which others write. Which of these holds
 * a tool differs between systems.
 */
export const systemFolders: readonly string[] = ['/usr/bin', '/bin', '/usr/sbin', '/sbin']

/** For a shell of ours that calls some of them. */
export const systemPath = systemFolders.join(':')

/** The path of a tool; undefined: this machine lacks it. `isThere` looks at one path. */
export function findTool(name: string, isThere: (path: string) => boolean): string | undefined {
  return systemFolders.map((folder) => join(folder, name)).find(isThere)
}

/** Who brings a tool, in the words of Debian. */
export const packages = {
  env: 'coreutils',
  nice: 'coreutils',
  prlimit: 'util-linux',
  setpriv: 'util-linux',
} as const

export type ToolName = keyof typeof packages
