/** Files in safe folders: links are not followed, and opening a named pipe does not wait for its other end. */
import { closeSync, constants, fstatSync, openSync, readFileSync, statSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { inFolder, inFolderSync, type SafeFolder, withoutLinks } from './safe-folder.ts'
import { runSync } from './steps.ts'
import { contentRisk, fileRisk } from './trust.ts'

const cautiously = constants.O_NOFOLLOW | constants.O_NONBLOCK

/** Opens a file that we write, or creates it with this mode. Rejects if it is a link, or may come from another user. */
export async function openFile(folder: SafeFolder, name: string, flags: number, mode?: number): Promise<FileHandle> {
  const path = folder.at(name)
  const file = await open(path, flags | cautiously, mode).catch(refuseLink(path))
  try {
    const risk = fileRisk(await file.stat())
    if (risk !== undefined) throw new Error(`${path} ${risk}, and is not used: move it away`)
    return file
  } catch (error) {
    await file.close()
    throw error
  }
}

/** Reads a file that only we and root may have written. Rejects with ENOENT if it does not exist. */
export async function readSafely(path: string): Promise<Buffer> {
  return inFolder(dirname(path), {}, async (folder) => {
    const file = await openFile(folder, basename(path), constants.O_RDONLY)
    try {
      if (!(await file.stat()).isFile()) throw new Error(`${path} is not a regular file: move it away`)
      return await file.readFile()
    } finally {
      await file.close()
    }
  })
}

export interface Reading {
  readonly text: string
  /** Why the content may come from an untrusted user, as a predicate. */
  readonly risk?: string
}

/**
 * Reads a file that others may have written, and says so. Follows links of trusted users only. Throws the error of
 * open(2), and an error if it is not a regular file or may be a hard link that an untrusted user created.
 */
export function readUntrusted(path: string): Reading {
  const real = runSync(withoutLinks(resolve(path)))
  return inFolderSync(dirname(real), { untrusted: true }, (folder) => {
    const file = openSync(folder.at(basename(real)), constants.O_RDONLY | cautiously)
    try {
      const stats = fstatSync(file)
      if (!stats.isFile()) throw new Error('is not a regular file')
      // Users who may add files there may have linked this one, even if the folder is sticky.
      const linkers = stats.nlink > 1 ? contentRisk(statSync(folder.at('.'))) : undefined
      if (linkers !== undefined)
        throw new Error(`has another name as well (a hard link), and its folder ${linkers}: copy it`)
      const risk = contentRisk(stats) ?? (folder.risk && `is in a folder that ${folder.risk}`)
      return { text: readFileSync(file, 'utf8'), ...(risk !== undefined && { risk }) }
    } finally {
      closeSync(file)
    }
  })
}

function refuseLink(path: string): (error: NodeJS.ErrnoException) => never {
  return (error) => {
    if (error.code !== 'ELOOP') throw error
    throw Object.assign(new Error(`ELOOP: ${path} is a link, and is not followed: move it away`), { code: 'ELOOP' })
  }
}
