import { open } from 'node:fs/promises'

/** What was renamed or linked in it outlives a power cut from now on (fsync(2)). */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
