/**
 * Pieces of bodies on their way. What is read is valid until the next read only (own-buffer.ts), so it is copied: large
 * pieces into buffers that are used again, because a new one for each costs more than the copy, and much memory until
 * it is collected.
 */
import type { Bytes } from '../../shared/bytes.ts'
import { countReleased } from './released-buffers.ts'

/** Of a buffer, and of a read at most. */
const bufferLength: Bytes = 64 * 1024
/** Smaller pieces are copied into memory that Node pools. */
const worthReuse: Bytes = 16 * 1024
/** Buffers that wait to be used again: 2 MB of a thread. */
const maxSpare = 32

const spare: ArrayBufferLike[] = []
/** Those that are in use, and were not released yet. */
const lent = new WeakSet<ArrayBufferLike>()

/** A copy of the pieces, one after the other; `releasePiece` is to be called when it is done with, or never. */
export function keepPieces(pieces: readonly Buffer[]): Buffer {
  const [first] = pieces as [Buffer]
  const length = pieces.length === 1 ? first.length : pieces.reduce((sum, piece) => sum + piece.length, 0)
  if (length < worthReuse || length > bufferLength) {
    countReleased(length)
    return pieces.length === 1 ? Buffer.from(first) : Buffer.concat(pieces)
  }
  const memory = spare.pop() ?? newBuffer()
  lent.add(memory)
  const copy = Buffer.from(memory, 0, length)
  let at = 0
  for (const piece of pieces) at += piece.copy(copy, at)
  return copy
}

/** Whether it pays to release it. */
export function isReusable(piece: Buffer): boolean {
  return lent.has(piece.buffer)
}

/** The kernel has taken the piece, or its reader has read it: its buffer will hold other bytes. */
export function releasePiece(piece: Buffer): void {
  if (lent.delete(piece.buffer) && spare.length < maxSpare) spare.push(piece.buffer)
}

function newBuffer(): ArrayBufferLike {
  countReleased(bufferLength)
  return Buffer.allocUnsafeSlow(bufferLength).buffer
}
