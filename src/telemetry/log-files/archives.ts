/**
 * Rotated log files: `<file>.20261123T021507.123Z`, compressed a little later to `….gz`. The names are times that
 * ascend even if the clock is set back, so that the order does not depend on the times of the file system.
 */
import { constants } from 'node:fs'
import { type FileHandle, readdir, rename, unlink } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Bytes } from '../../shared/bytes.ts'
import type { DiskLane } from '../../shared/files/disk-lane.ts'
import { openFile } from '../../shared/files/safe-file.ts'
import { openFolder, type SafeFolder } from '../../shared/files/safe-folder.ts'
import { onDemand } from '../../shared/system/on-demand.ts'

/** Readable by owner and group: the output of programs is not for everyone on a shared volume. */
export const fileMode = 0o640

const chunk: Bytes = 256 * 1024
const making = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL
const stampPattern = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d\.\d{3}Z)(\.gz)?(\.part)?$/

interface Archive {
  /** Valid while its folder is open. */
  readonly path: string
  readonly name: string
  /** The time of the rotation. */
  readonly stamp: string
  readonly compressed: boolean
  /** Left from an interrupted compression. */
  readonly partial: boolean
}

/** Renames a full log file to an archive and removes all archives but the newest `keep`. */
export async function rotate(folder: SafeFolder, name: string, keep: number): Promise<void> {
  const before = await archivesOf(folder, name)
  const stamp = stampAfter(before.at(-1)?.stamp)
  await rename(folder.at(name), folder.at(`${name}.${stamp}`)).catch(unlessAbsent)
  const kept = new Set([...new Set(before.map((archive) => archive.stamp)), stamp].slice(-keep))
  for (const archive of before) if (!kept.has(archive.stamp)) await remove(archive.path)
}

/**
 * Compresses all archives that are not compressed yet, those of earlier runs included. Rejects at the first failure.
 */
export async function compressArchives(path: string, disk: DiskLane): Promise<void> {
  const folder = await disk(() => openFolder(dirname(path)))
  try {
    for (const archive of await disk(() => archivesOf(folder, basename(path)))) {
      if (archive.partial) await disk(() => remove(archive.path))
      else if (!archive.compressed) await compress(folder, archive, disk)
    }
  } catch (error) {
    throw folder.named(error)
  } finally {
    folder.close()
  }
}

/** Oldest first. */
async function archivesOf(folder: SafeFolder, file: string): Promise<readonly Archive[]> {
  const prefix = `${file}.`
  const names = (await readdir(folder.at('.')).catch(unlessAbsent)) ?? []
  const archives = names.flatMap((name) => {
    const match = name.startsWith(prefix) ? stampPattern.exec(name.slice(prefix.length)) : undefined
    if (!match) return []
    const [stamp = ''] = name.slice(prefix.length).split(/(?<=Z)/)
    return { path: folder.at(name), name, stamp, compressed: match[7] !== undefined, partial: match[8] !== undefined }
  })
  return archives.sort((a, b) => (a.stamp < b.stamp ? -1 : 1))
}

/** Other programs may have removed the file. */
function unlessAbsent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}

function stampAfter(newest: string | undefined): string {
  const now = Date.now()
  const least = newest === undefined ? now : Date.parse(newest.replace(stampPattern, '$1-$2-$3T$4:$5:$6')) + 1
  return new Date(Math.max(now, least)).toISOString().replaceAll(/[-:]/g, '')
}

/** Under another name until it is complete. */
async function compress(folder: SafeFolder, { path, name }: Archive, disk: DiskLane): Promise<void> {
  const partial = `${path}.gz.part`
  let source: FileHandle | undefined
  let target: FileHandle | undefined
  try {
    await disk(() => remove(partial))
    source = await disk(() => openFile(folder, name, constants.O_RDONLY))
    target = await disk(() => openFile(folder, `${name}.gz.part`, making, fileMode))
    await pipeline(read(source, disk), onDemand.zlib().createGzip(), writeTo(target, disk))
    await disk(async () => {
      await rename(partial, `${path}.gz`)
      // A rotation may have removed it meanwhile: then its copy is too old as well.
      if (!(await remove(path))) await remove(`${path}.gz`)
    })
  } catch (error) {
    await disk(() => remove(partial))
    // ENOENT: a rotation removed it before.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  } finally {
    await disk(async () => source?.close())
    await disk(async () => target?.close())
  }
}

async function* read(file: FileHandle, disk: DiskLane): AsyncGenerator<Buffer> {
  for (;;) {
    const { bytesRead, buffer } = await disk(() => file.read(Buffer.allocUnsafe(chunk), 0, chunk))
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
  }
}

function writeTo(file: FileHandle, disk: DiskLane) {
  return async (chunks: AsyncIterable<Buffer>) => {
    for await (let rest of chunks) {
      while (rest.length > 0) {
        const { bytesWritten } = await disk(() => file.write(rest))
        rest = rest.subarray(bytesWritten)
      }
    }
  }
}

/** False if it did not exist. */
async function remove(path: string): Promise<boolean> {
  try {
    await unlink(path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return false
  }
}
