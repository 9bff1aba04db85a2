/** What is on disk, and reading it without ever opening what is no regular file: a fifo would hold us, a device answer. */
import { constants } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import type { Bytes } from '../../shared/bytes.ts'
import { messageOf } from '../../shared/errors.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'

/** What tells one state of a file from another. Times in milliseconds since 1970, with fractions. */
export interface FileFacts {
  readonly size: number
  readonly mtimeMs: number
  readonly ctimeMs: number
  readonly ino: number
  readonly dev: number
}

/** A file that is there, or may be, and cannot be given: why, for our log, and the status that says so to the client. */
export interface Trouble {
  readonly status: 403 | 404 | 500 | 503
  readonly cause: string
}

export type Sighting = { readonly file: FileFacts } | { readonly trouble: Trouble } | 'folder' | 'absent'

/** A path that names nothing: also one that goes through a file, is too long, or goes round in links. */
const nothingThere = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP', 'EINVAL'])

/** Looks at a path, following links: whoever can make one in the folder could as well put the file there. */
export async function look(path: string): Promise<Sighting> {
  try {
    const found = await stat(path)
    if (found.isFile()) return { file: factsOf(found) }
    if (found.isDirectory()) return 'folder'
    return { trouble: { status: 404, cause: `${path} is no regular file` } }
  } catch (error) {
    return nothingThere.has(codeOf(error)) ? 'absent' : { trouble: troubleOf(error) }
  }
}

/** Whether these are one file in one state. */
export function isSame(a: FileFacts, b: FileFacts): boolean {
  return isUnchanged(a, b) && a.ctimeMs === b.ctimeMs && a.ino === b.ino && a.dev === b.dev
}

/** Of one open descriptor: its change time also moves when the file is renamed or unlinked, which harms no reader. */
function isUnchanged(a: FileFacts, b: FileFacts): boolean {
  return a.size === b.size && a.mtimeMs === b.mtimeMs
}

/** Whether a file was only added to, as a log is, as far as its facts can tell. */
export function isGrown(now: FileFacts, before: FileFacts): boolean {
  return now.ino === before.ino && now.dev === before.dev && now.size > before.size
}

// Clocks of local file systems tick every 10 ms at most, those of some network file systems in seconds.
const coarsestTick: Milliseconds = 2_000
const fineTick: Milliseconds = 100

/**
 * False while a further change could still leave the file with the same facts: what was read of it may be outdated. The
 * modification time can be set to anything, the change time cannot; one with a fraction is of a clock that ticks finely.
 */
export function isSettled({ mtimeMs, ctimeMs }: FileFacts): boolean {
  const now = Date.now()
  const tick = ctimeMs % 1_000 === 0 ? coarsestTick : fineTick
  return Math.abs(now - mtimeMs) > coarsestTick && Math.abs(now - ctimeMs) > tick
}

/** Whether the file was changed so lately that somebody may be in the middle of writing it. */
export function isFresh({ ctimeMs }: FileFacts): boolean {
  return Math.abs(Date.now() - ctimeMs) < coarsestTick
}

/** A regular file, open for reading; whoever opens it closes it. Rejects if the path names anything else. */
export async function openFile(path: string): Promise<{ readonly handle: FileHandle; readonly facts: FileFacts }> {
  // Without O_NONBLOCK a fifo that was put in the file's place a moment ago would hold a thread of the pool for ever.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const found = await handle.stat()
    if (!found.isFile()) throw new Error(`${path} is no regular file`)
    return { handle, facts: factsOf(found) }
  } catch (error) {
    await handle.close()
    throw error
  }
}

const attempts = 3

/**
 * The whole file in one state; rejects if it changes again and again while it is read, and if it has more than `most` bytes by
 * now, for which nobody has made room.
 */
export async function readWhole(
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

/** From the first byte's offset to that behind the last one's. */
export interface Part {
  readonly from: number
  readonly to: number
}

const pieceSize = 256 * 1024

/** A file that was changed less than so long ago is expected to be changed again. */
const quietAfter: Milliseconds = 600_000

/**
 * The bytes of a part; each piece is good until the next one is asked for, since all use one buffer. Throws FileChanged
 * instead of giving the last of them if the file is not what it was when it was opened: so that no answer is completed that
 * is half the one state and half the other. A file that only grows may do so, as a log does: what was sent is compared with
 * what is there in the end.
 */
export async function* readPart(
  handle: FileHandle,
  facts: FileFacts,
  { from, to }: Part,
  size: Bytes = pieceSize,
): AsyncGenerator<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(Math.min(size, to - from))
  // To sum up what is sent costs a third of sending it, so it is done only where it may be needed.
  const mayGrow = Date.now() - facts.ctimeMs < quietAfter
  let sum = 0
  for (let at = from; at < to; ) {
    const piece = await readPiece(handle, buffer.subarray(0, Math.min(buffer.length, to - at)), at)
    if (mayGrow) sum = crc32(piece, sum)
    at += piece.length
    if (at === to && !(await isStillThere())) throw new FileChanged()
    yield piece
  }

  async function isStillThere(): Promise<boolean> {
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

/** Fills the whole piece; throws FileChanged if the file ends before. */
async function readPiece(handle: FileHandle, piece: Buffer, at: number): Promise<Buffer> {
  let filled = 0
  while (filled < piece.length) {
    const { bytesRead } = await handle.read(piece, filled, piece.length - filled, at + filled)
    if (bytesRead === 0) throw new FileChanged()
    filled += bytesRead
  }
  return piece
}

export function troubleOf(error: unknown): Trouble {
  const code = codeOf(error)
  const cause = messageOf(error)
  if (code === 'EACCES' || code === 'EPERM') return { status: 403, cause }
  if (nothingThere.has(code)) return { status: 404, cause }
  // No descriptor is free now: it passes.
  if (code === 'EMFILE' || code === 'ENFILE') return { status: 503, cause }
  return { status: 500, cause }
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown }).code)
}

function factsOf({ size, mtimeMs, ctimeMs, ino, dev }: FileFacts): FileFacts {
  return { size, mtimeMs, ctimeMs, ino, dev }
}
