import { rename, stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { writeFileAtomic } from '../shared/files/atomic-file.ts'
import { readSafely } from '../shared/files/safe-file.ts'
import { inFolder } from '../shared/files/safe-folder.ts'
import type { Log } from '../shared/log.ts'

/** The files of a certificate and its key: absolute paths. */
export interface PairFiles {
  readonly certificate: string
  readonly key: string
}

/** PEM texts; a file that does not exist is absent. The key is a secret. */
export interface StoredPair {
  readonly certificate?: string
  readonly key?: string
}

/** Reads both files. Throws the file system's error if one exists and cannot be read. */
export async function readPair(files: PairFiles): Promise<StoredPair> {
  const [certificate, key] = await Promise.all([readIfPresent(files.certificate), readIfPresent(files.key)])
  return { ...(certificate !== undefined && { certificate }), ...(key !== undefined && { key }) }
}

/**
 * Writes both, 0600 in a folder of 0700. The key comes first: a certificate on disk means that its key is there too.
 */
export async function writePair(files: PairFiles, pair: Required<StoredPair>): Promise<void> {
  await writeFileAtomic(files.key, pair.key, 0o600)
  await writeFileAtomic(files.certificate, pair.certificate, 0o600)
}

/** Renames the files of a pair, as far as they exist, so that nothing is lost. Returns the new paths. */
export async function setAside(files: PairFiles): Promise<string[]> {
  // No colons: some file systems of volumes (SMB, NTFS) refuse them.
  const suffix = `.unusable-${new Date().toISOString().replaceAll(':', '-')}`
  const moved: string[] = []
  for (const path of [files.certificate, files.key]) {
    try {
      await inFolder(dirname(path), {}, (folder) =>
        rename(folder.at(basename(path)), folder.at(basename(path) + suffix)),
      )
      moved.push(path + suffix)
    } catch (error) {
      if (!isAbsent(error)) throw error
    }
  }
  return moved
}

/** Warns if users other than its owner can read a private key; it is served all the same. */
export async function warnIfExposed(keyFile: string, log: Log): Promise<void> {
  const { mode } = await stat(keyFile)
  if ((mode & 0o077) === 0) return
  const octal = (mode & 0o777).toString(8).padStart(4, '0')
  log.warn(`the private key ${keyFile} is accessible to other users (mode ${octal}): chmod 600 ${keyFile}`)
}

async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return (await readSafely(path)).toString()
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}

function isAbsent(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT'
}
