import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'

/** `f_type` of file systems that are gone with their container (statfs(2)). */
const kinds: ReadonlyMap<number, string> = new Map([
  [0x01021994, 'tmpfs'],
  [0x858458f6, 'ramfs'],
  [0x794c7630, 'overlayfs'],
])

/**
 * The name of the file system that this absolute path is on, or would be made on, if what is written there is lost with the
 * container; undefined if it is not, or if that cannot be known. Never rejects.
 */
export async function ephemeralKind(path: string): Promise<string | undefined> {
  // The numbers mean this on Linux alone.
  if (process.platform !== 'linux') return undefined
  try {
    return kinds.get((await statfs(path)).type)
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT' && dirname(path) !== path
    return isMissing ? ephemeralKind(dirname(path)) : undefined
  }
}
