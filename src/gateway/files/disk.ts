/** Reads regular files from disk, and nothing else: a FIFO would block, a device would deliver anything. */
import { constants } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import type { Bytes } from '../../shared/bytes.ts'
import { messageOf } from '../../shared/errors.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'

/** The metadata that distinguish two states of a file. Times in milliseconds since 1970, with fractions. */
export interface FileFacts {
  readonly size: number
  readonly mtimeMs: number
  readonly ctimeMs: number
  readonly ino: number
  readonly dev: number
}

/** Why a file cannot be served: the cause for the log, and the status for the client. */
export interface FileProblem {
  readonly status: 403 | 404 | 500 | 503
  readonly cause: string
}

export type PathState = { readonly file: FileFacts } | { readonly problem: FileProblem } | 'folder' | 'absent'

/** Errors of a path that names nothing, or goes through a file, is too long, or has a loop of links. */
const absentCodes = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP', 'EINVAL'])

/** Checks what is at a path, following links: anyone who can create links in the folder can create files too. */
export async function inspectPath(path: string): Promise<PathState> {
  try {
    const found = await stat(path)
    if (found.isFile()) return { file: factsOf(found) }
    if (found.isDirectory()) return 'folder'
    return { problem: { status: 404, cause: `${path} is not a regular file` } }
  } catch (error) {
    return absentCodes.has(codeOf(error)) ? 'absent' : { problem: problemOf(error) }
  }
}

/** Whether these are the same file in the same state. */
export function isSame(a: FileFacts, b: FileFacts): boolean {
  return isUnchanged(a, b) && a.ctimeMs === b.ctimeMs && a.ino === b.ino && a.dev === b.dev
}

/**
 * For an open descriptor: the change time also moves when the file is renamed or unlinked, which does not affect
 * readers.
 */
function isUnchanged(a: FileFacts, b: FileFacts): boolean {
  return a.size === b.size && a.mtimeMs === b.mtimeMs
}

/** Whether a file has only grown, like a log, as far as its facts show. */
export function isGrown(now: FileFacts, before: FileFacts): boolean {
  return now.ino === before.ino && now.dev === before.dev && now.size > before.size
}

// Timestamps of local file systems have a resolution of 10 ms or better, those of some network file systems of seconds.
const coarsestTick: Milliseconds = 2_000
const fineTick: Milliseconds = 100

/**
 * False while another change could leave the file with the same facts, so that what was read may be outdated. The
 * modification time can be set to anything, the change time cannot; a fraction shows a fine resolution.
 */
export function isSettled({ mtimeMs, ctimeMs }: FileFacts): boolean {
  const now = Date.now()
  const tick = ctimeMs % 1_000 === 0 ? coarsestTick : fineTick
  return Math.abs(now - mtimeMs) > coarsestTick && Math.abs(now - ctimeMs) > tick
}

/** Whether the file was changed so recently that it may still be being written. */
export function isFresh({ ctimeMs }: FileFacts): boolean {
  return Math.abs(Date.now() - ctimeMs) < coarsestTick
}

/** Opens a regular file for reading; the caller closes it. Rejects if the path names anything else. */
export async function openFile(path: string): Promise<{ readonly handle: FileHandle; readonly facts: FileFacts }> {
  // Without O_NONBLOCK, a FIFO that has just replaced the file would block a thread of the pool for ever.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const found = await handle.stat()
    if (!found.isFile()) throw new Error(`${path} is not a regular file`)
    return { handle, facts: factsOf(found) }
  } catch (error) {
    await handle.close()
    throw error
  }
}

const attempts = 3

/**
 * The complete file in one state. Rejects if it keeps changing while it is read, or has grown beyond `most` bytes.
 */
export async function readContent(
  path: string,
  most: Bytes,
): Promise<{ readonly body: Buffer; readonly facts: FileFacts }> {
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const { handle, facts } = await openFile(path)
    try {
      if (facts.size > most) break
      const body = Buffer.allocUnsafeSlow(facts.size)
      let at = 0
      for await (const chunk of readPart(handle, facts, { from: 0, to: facts.size })) at += chunk.copy(body, at)
      return { body, facts }
    } catch (error) {
      if (!(error instanceof FileChanged)) throw error
    } finally {
      await handle.close()
    }
  }
  throw new FileChanged(path)
}

export class FileChanged extends Error {
  constructor(what = 'the file') {
    super(`${what} changed while it was read`)
  }
}

/** Offsets of the first byte, and of that after the last one. */
export interface Part {
  readonly from: number
  readonly to: number
}

const pieceSize = 256 * 1024

/** A file that was changed more recently is expected to change again. */
const quietAfter: Milliseconds = 600_000

/**
 * The bytes of a part. Each piece is valid until the next is requested, since all use one buffer. Throws FileChanged
 * instead of yielding the last piece if the file has changed since it was opened, so that no answer is completed with a
 * mix of two states. A file may grow, like a log: then what was sent is compared with what is there in the end.
 */
export async function* readPart(
  handle: FileHandle,
  facts: FileFacts,
  { from, to }: Part,
  size: Bytes = pieceSize,
): AsyncGenerator<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(Math.min(size, to - from))
  // A checksum adds a third to the cost of sending, so it is computed only if it may be needed.
  const mayGrow = Date.now() - facts.ctimeMs < quietAfter
  let sum = 0
  for (let at = from; at < to; ) {
    const piece = await readPiece(handle, buffer.subarray(0, Math.min(buffer.length, to - at)), at)
    if (mayGrow) sum = crc32(piece, sum)
    at += piece.length
    if (at === to && !(await isStillSame())) throw new FileChanged()
    yield piece
  }

  async function isStillSame(): Promise<boolean> {
    const now = factsOf(await handle.stat())
    if (isUnchanged(now, facts)) return true
    return mayGrow && now.size >= facts.size && (await sumOf(handle, { from, to })) === sum
  }
}

async function sumOf(handle: FileHandle, { from, to }: Part): Promise<number> {
  const buffer = Buffer.allocUnsafeSlow(Math.min(pieceSize, to - from))
  let sum = 0
  for (let at = from; at < to; ) {
    const piece = await readPiece(handle, buffer.subarray(0, Math.min(buffer.length, to - at)), at)
    sum = crc32(piece, sum)
    at += piece.length
  }
  return sum
}

/** Fills the piece; throws FileChanged if the file is too short. */
async function readPiece(handle: FileHandle, piece: Buffer, at: number): Promise<Buffer> {
  let filled = 0
  while (filled < piece.length) {
    const { bytesRead } = await handle.read(piece, filled, piece.length - filled, at + filled)
    if (bytesRead === 0) throw new FileChanged()
    filled += bytesRead
  }
  return piece
}

export function problemOf(error: unknown): FileProblem {
  const code = codeOf(error)
  const cause = messageOf(error)
  if (code === 'EACCES' || code === 'EPERM') return { status: 403, cause }
  if (absentCodes.has(code)) return { status: 404, cause }
  // Temporary: no file descriptor is free.
  if (code === 'EMFILE' || code === 'ENFILE') return { status: 503, cause }
  return { status: 500, cause }
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown }).code)
}

function factsOf({ size, mtimeMs, ctimeMs, ino, dev }: FileFacts): FileFacts {
  return { size, mtimeMs, ctimeMs, ino, dev }
}
