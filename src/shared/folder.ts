import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Makes a folder and those above it that are missing, each with this mode; what is there already is left as it is.
 * Not `mkdir` with `recursive`: where the kernel says ENOENT although the parent exists (below /proc), Node 26 tries again
 * for ever, and a start with such a storage would hang instead of being refused.
 */
export async function makeFolder(path: string, mode: number): Promise<void> {
  const first = await attempt(path, mode)
  if (!first) return
  if (first.code !== 'ENOENT' || dirname(path) === path) throw first
  await makeFolder(dirname(path), mode)
  const second = await attempt(path, mode)
  if (second) throw second
}

/** Undefined if the folder is there now, whoever made it. */
async function attempt(path: string, mode: number): Promise<NodeJS.ErrnoException | undefined> {
  try {
    await mkdir(path, { mode })
    return undefined
  } catch (error) {
    const failure = error as NodeJS.ErrnoException
    return failure.code === 'EEXIST' ? undefined : failure
  }
}

/** What was renamed or linked in it outlives a power cut from now on (fsync(2)). */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
