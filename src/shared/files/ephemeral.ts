import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'

/** `f_type` of file systems that are lost with their container (statfs(2)). */
const kinds: ReadonlyMap<number, string> = new Map([
  [0x01021994, 'tmpfs'],
  [0x858458f6, 'ramfs'],
  [0x794c7630, 'overlayfs'],
])

/**
 * The name of the file system of this absolute path, or of its closest existing parent, if it is lost with the
 * container; undefined if it is not, or if that is not known. Never rejects.
 */
export async function ephemeralKind(path: string): Promise<string | undefined> {
  // The numbers are Linux's.
  if (process.platform !== 'linux') return undefined
  try {
    return kinds.get((await statfs(path)).type)
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT' && dirname(path) !== path
    return isMissing ? ephemeralKind(dirname(path)) : undefined
  }
}
