/** Puts header blocks together (RFC 9113 §4.3): no other frame may come between the parts of one. */
import type { Bytes } from '../../shared/bytes.ts'
import { ConnectionError } from './error-codes.ts'
import { flags, frameTypes } from './frames.ts'

/** A block may be longer than its fields, which are counted by another measure. */
const allowance: Bytes = 65_536
/** Of a block, as in nghttp2; they may be empty. */
const maxFrames = 8

export interface HeaderBlock {
  readonly stream: number
  readonly block: Buffer
  readonly endStream: boolean
}

export class HeaderBlocks {
  #parts: Buffer[] = []
  #length: Bytes = 0
  /** Of the block that is not complete; 0 if there is none. */
  #stream = 0
  #endStream = false

  /** To be called for each frame. Throws a ConnectionError if it may not come now. */
  expect(type: number, stream: number): void {
    const continues = type === frameTypes.continuation
    if (this.#stream === 0 ? continues : !continues || stream !== this.#stream)
      throw new ConnectionError('PROTOCOL_ERROR', 'a header block that is interrupted, or has not begun')
  }

  /** The payload of HEADERS. Returns the block if it is complete; `limit`: of its fields. */
  begin(set: number, stream: number, payload: Buffer, limit: Bytes): HeaderBlock | undefined {
    const part = withoutPadding(set, payload)
    const priority = (set & flags.priority) === 0 ? 0 : 5
    if (part.length < priority) throw new ConnectionError('FRAME_SIZE_ERROR', 'HEADERS without its priority')
    this.#stream = stream
    this.#endStream = (set & flags.endStream) !== 0
    return this.continue(set, part.subarray(priority), limit)
  }

  /** The payload of CONTINUATION. */
  continue(set: number, part: Buffer, limit: Bytes): HeaderBlock | undefined {
    this.#length += part.length
    if (this.#length > limit + allowance || this.#parts.length >= maxFrames)
      throw new ConnectionError('ENHANCE_YOUR_CALM', 'a header block that is too long')
    if ((set & flags.endHeaders) === 0) {
      this.#parts.push(Buffer.from(part))
      return undefined
    }
    const block = this.#parts.length === 0 ? part : Buffer.concat([...this.#parts.splice(0), part])
    const stream = this.#stream
    this.#stream = 0
    this.#length = 0
    return { stream, block, endStream: this.#endStream }
  }
}

/** RFC 9113 §6.1. */
export function withoutPadding(set: number, payload: Buffer): Buffer {
  if ((set & flags.padded) === 0) return payload
  const padding = payload[0] ?? payload.length
  if (padding >= payload.length) throw new ConnectionError('PROTOCOL_ERROR', 'more padding than payload')
  return payload.subarray(1, payload.length - padding)
}

export function expectLength({ length }: Buffer, expected: Bytes): void {
  if (length !== expected) throw new ConnectionError('FRAME_SIZE_ERROR', `a frame of ${length} bytes`)
}

export function expectConnection(stream: number): void {
  if (stream !== 0) throw new ConnectionError('PROTOCOL_ERROR', `a frame of the connection on stream ${stream}`)
}
