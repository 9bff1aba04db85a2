/** Frames of HTTP/2 (RFC 9113 §4.1 and §6) as they are written: texts of bytes, as latin1. */
import type { Bytes } from '../../shared/bytes.ts'

export const frameTypes = {
  data: 0,
  headers: 1,
  priority: 2,
  resetStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const

export const flags = { endStream: 1, acknowledgement: 1, endHeaders: 4, padded: 8, priority: 32 } as const

export const settingIds = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
} as const

/** What each side sends first, before its settings, if it is the client. */
export const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
export const frameHeadLength: Bytes = 9
/** Of a payload: the least that each side must accept. More is neither sent nor accepted here. */
export const maxFrameSize: Bytes = 16_384
/** Of streams and connections, until a side announces another one. */
export const initialWindow: Bytes = 65_535
export const maxWindow: Bytes = 2 ** 31 - 1

/** The first bytes of a frame. */
export function frameHead(type: number, set: number, stream: number, length: Bytes): string {
  return String.fromCharCode(
    length >>> 16,
    (length >>> 8) & 0xff,
    length & 0xff,
    type,
    set,
    stream >>> 24,
    (stream >>> 16) & 0xff,
    (stream >>> 8) & 0xff,
    stream & 0xff,
  )
}

export function uint32(value: number): string {
  return String.fromCharCode(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff)
}

/** HEADERS, and as many CONTINUATIONs as the header block needs. */
export function headersFrames(stream: number, block: string, endStream: boolean): string {
  const end = endStream ? flags.endStream : 0
  if (block.length <= maxFrameSize)
    return frameHead(frameTypes.headers, flags.endHeaders | end, stream, block.length) + block
  let frames = frameHead(frameTypes.headers, end, stream, maxFrameSize) + block.slice(0, maxFrameSize)
  for (let at = maxFrameSize; at < block.length; at += maxFrameSize) {
    const piece = block.slice(at, at + maxFrameSize)
    const last = at + maxFrameSize >= block.length ? flags.endHeaders : 0
    frames += frameHead(frameTypes.continuation, last, stream, piece.length) + piece
  }
  return frames
}

export function resetFrame(stream: number, code: number): string {
  return frameHead(frameTypes.resetStream, 0, stream, 4) + uint32(code)
}

export function windowFrame(stream: number, increment: Bytes): string {
  return frameHead(frameTypes.windowUpdate, 0, stream, 4) + uint32(increment)
}

export function goAwayFrame(lastStream: number, code: number): string {
  return frameHead(frameTypes.goAway, 0, 0, 8) + uint32(lastStream) + uint32(code)
}

/** `data`: eight bytes. */
export function pingFrame(data: string, acknowledgement: boolean): string {
  return frameHead(frameTypes.ping, acknowledgement ? flags.acknowledgement : 0, 0, 8) + data
}

export const settingsAcknowledgement = frameHead(frameTypes.settings, flags.acknowledgement, 0, 0)

/** Each with its value. */
export function settingsFrame(settings: readonly (readonly [id: number, value: number])[]): string {
  let payload = ''
  for (const [id, value] of settings) payload += String.fromCharCode(id >>> 8, id & 0xff) + uint32(value)
  return frameHead(frameTypes.settings, 0, 0, payload.length) + payload
}
