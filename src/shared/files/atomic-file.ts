import { randomBytes } from 'node:crypto'
import { link, open, rename, rm } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { syncFolder } from './folder.ts'
import { inFolder } from './safe-folder.ts'

/**
 * Writes a file atomically: readers, also after a crash, see the old content or the new one. A temporary sibling is
 * written, synced and renamed, then the folder is synced. The file is created with `mode`, so that a secret is never
 * readable by others. Creates the folder if it is missing; rejects if it is not safe (safe-folder.ts).
 */
export async function writeFileAtomic(path: string, content: string | Buffer, mode: number): Promise<void> {
  await throughSibling({ path, content, mode }, (sibling, file) => rename(sibling, file))
}

/**
 * The same for a file that does not exist yet: an existing one, or a dangling link, is left alone. If several processes
 * create it at once one succeeds, and the others get false: unlike rename(2), link(2) replaces nothing.
 */
export async function createFileAtomic(path: string, content: string | Buffer, mode: number): Promise<boolean> {
  let created = true
  await throughSibling({ path, content, mode }, async (sibling, file) => {
    try {
      await link(sibling, file)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      created = false
    }
    await rm(sibling)
  })
  return created
}

interface NewFile {
  readonly path: string
  readonly content: string | Buffer
  readonly mode: number
}

/** `place` moves the complete sibling to the path of the file. */
async function throughSibling(
  { path, content, mode }: NewFile,
  place: (sibling: string, file: string) => Promise<void>,
): Promise<void> {
  await inFolder(dirname(path), { make: 0o700 }, async (folder) => {
    const sibling = folder.at(`.${basename(path)}.${randomBytes(6).toString('hex')}`)
    try {
      const file = await open(sibling, 'wx', mode)
      try {
        await file.writeFile(content)
        await file.sync()
      } finally {
        await file.close()
      }
      await place(sibling, folder.at(basename(path)))
    } catch (error) {
      await rm(sibling, { force: true })
      throw error
    }
    await syncFolder(folder.at('.'))
  })
}
