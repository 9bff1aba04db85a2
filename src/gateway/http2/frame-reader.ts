/** Cuts what is read from a connection into frames (RFC 9113 §4.1). */
import type { Bytes } from '../../shared/bytes.ts'
import { ConnectionError } from './error-codes.ts'
import { flags, frameHeadLength, frameTypes, maxFrameSize } from './frames.ts'

/** What it is given is valid during the call only. Either call may throw, which ends the reading. */
export interface FrameReceiver {
  /** Part of the payload of a DATA frame without padding; `last`: the stream ends with it. */
  onData(stream: number, part: Buffer, last: boolean): void
  /** Any other frame, as a whole. */
  onFrame(type: number, set: number, stream: number, payload: Buffer): void
}

/** Resumable at every byte. What follows an error must not be given to it any more. */
export class FrameReader {
  readonly #receiver: FrameReceiver
  /** A frame of which not everything has arrived yet. */
  #frame: Buffer | undefined
  #filled: Bytes = 0
  /** Of the DATA frame that is being passed on. */
  #dataLeft: Bytes = 0
  #dataStream = 0
  #dataEnds = false

  constructor(receiver: FrameReceiver) {
    this.#receiver = receiver
  }

  /** Throws a ConnectionError for a frame that is too long, and whatever the receiver throws. */
  take(bytes: Buffer): void {
    let at = 0
    while (at < bytes.length) {
      if (this.#dataLeft > 0) at = this.#passData(bytes, at)
      else if (this.#filled > 0) at = this.#fill(bytes, at)
      else at = this.#read(bytes, at)
    }
  }

  /** Returns where the next frame begins: the end, if this one is incomplete. */
  #read(bytes: Buffer, at: number): number {
    const left = bytes.length - at
    if (left < frameHeadLength) return this.#keep(bytes, at)
    const length = lengthOf(bytes, at)
    if (this.#beginsData(bytes, at, length)) return at + frameHeadLength
    if (left < frameHeadLength + length) return this.#keep(bytes, at)
    this.#pass(bytes, at, length)
    return at + frameHeadLength + length
  }

  #keep(bytes: Buffer, at: number): number {
    this.#frame ??= Buffer.allocUnsafeSlow(frameHeadLength + maxFrameSize)
    this.#filled = bytes.copy(this.#frame, 0, at)
    return bytes.length
  }

  #fill(bytes: Buffer, at: number): number {
    const frame = this.#frame as Buffer
    const headKnown = this.#filled >= frameHeadLength
    const wanted = headKnown ? frameHeadLength + lengthOf(frame, 0) : frameHeadLength
    const added = bytes.copy(frame, this.#filled, at, at + wanted - this.#filled)
    this.#filled += added
    if (this.#filled < wanted) return at + added
    const length = lengthOf(frame, 0)
    if (!headKnown && this.#beginsData(frame, 0, length)) this.#filled = 0
    else if (headKnown || length === 0) {
      this.#filled = 0
      this.#pass(frame, 0, length)
    }
    return at + added
  }

  #pass(bytes: Buffer, at: number, length: Bytes): void {
    const payload = bytes.subarray(at + frameHeadLength, at + frameHeadLength + length)
    this.#receiver.onFrame(bytes[at + 3] as number, bytes[at + 4] as number, streamOf(bytes, at), payload)
  }

  /** DATA need not be complete to be passed on. */
  #beginsData(bytes: Buffer, at: number, length: Bytes): boolean {
    const set = bytes[at + 4] as number
    if (bytes[at + 3] !== frameTypes.data || (set & flags.padded) !== 0) return false
    this.#dataStream = streamOf(bytes, at)
    this.#dataEnds = (set & flags.endStream) !== 0
    this.#dataLeft = length
    if (length === 0) this.#receiver.onData(this.#dataStream, empty, this.#dataEnds)
    return true
  }

  #passData(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#dataLeft)
    this.#dataLeft -= end - at
    this.#receiver.onData(this.#dataStream, bytes.subarray(at, end), this.#dataEnds && this.#dataLeft === 0)
    return end
  }
}

const empty = Buffer.alloc(0)

function lengthOf(bytes: Buffer, at: number): Bytes {
  const length = ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number)
  if (length > maxFrameSize) throw new ConnectionError('FRAME_SIZE_ERROR', `a frame of ${length} bytes`)
  return length
}

/** Without the reserved bit. */
function streamOf(bytes: Buffer, at: number): number {
  return uint31(bytes, at + 5)
}

export function uint31(bytes: Buffer, at: number): number {
  return (
    (((bytes[at] as number) & 0x7f) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  )
}
