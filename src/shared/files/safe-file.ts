/** Files in folders that are safe: no link is followed at their last step, and nothing waits for the other end of a named pipe. */
import { closeSync, constants, fstatSync, openSync, readFileSync, statSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { inFolder, inFolderSync, type SafeFolder, withoutLinks } from './safe-folder.ts'
import { doAtOnce } from './steps.ts'
import { flawOfContent, flawOfFile } from './trust.ts'

const cautiously = constants.O_NOFOLLOW | constants.O_NONBLOCK

/** Opens what is ours to write to or to change, or makes it with this mode. Rejects if it is a link, or a stranger may have put it there. */
export async function openFile(folder: SafeFolder, name: string, flags: number, mode?: number): Promise<FileHandle> {
  const path = folder.at(name)
  const file = await open(path, flags | cautiously, mode).catch(refuseLink(path))
  try {
    const flaw = flawOfFile(await file.stat())
    if (flaw !== undefined) throw new Error(`${path} ${flaw}, and is left alone: move it away`)
    return file
  } catch (error) {
    await file.close()
    throw error
  }
}

/** Reads what only we and root may have written. Rejects with ENOENT if it is not there. */
export async function readSafely(path: string): Promise<Buffer> {
  return inFolder(dirname(path), {}, async (folder) => {
    const file = await openFile(folder, basename(path), constants.O_RDONLY)
    try {
      if (!(await file.stat()).isFile()) throw new Error(`${path} is no regular file: move it away`)
      return await file.readFile()
    } finally {
      await file.close()
    }
  })
}

export interface Reading {
  readonly text: string
  /** Who decides what it says, if it is somebody whom we need not believe: a predicate. */
  readonly doubt?: string
}

/**
 * Reads what others may have written, for us to judge. Links are followed where no stranger can have laid them. Throws if it is no
 * regular file, if it may be another's file to which a stranger gave this name, and what open(2) throws.
 */
export function readDoubtfully(path: string): Reading {
  const real = doAtOnce(withoutLinks(resolve(path)))
  return inFolderSync(dirname(real), { anybodys: true }, (folder) => {
    const file = openSync(folder.at(basename(real)), constants.O_RDONLY | cautiously)
    try {
      const stats = fstatSync(file)
      if (!stats.isFile()) throw new Error('is no regular file')
      // Sticky or not: who may add files there may have linked this one.
      const linkers = stats.nlink > 1 ? flawOfContent(statSync(folder.at('.'))) : undefined
      if (linkers !== undefined)
        throw new Error(`has another name as well (a hard link), and its folder ${linkers}: copy it`)
      const doubt = flawOfContent(stats) ?? (folder.flaw && `lies in a folder that ${folder.flaw}`)
      return { text: readFileSync(file, 'utf8'), ...(doubt !== undefined && { doubt }) }
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
