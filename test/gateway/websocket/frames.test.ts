import { describe, expect, it } from 'vitest'
import { goingAway, ServerFrames } from '../../../src/gateway/proxy/websocket-frames.ts'

/** A frame as a server sends it: FIN set, not masked. */
function frame(opcode: number, length: number, form: 0 | 2 | 8 = length > 65_535 ? 8 : length > 125 ? 2 : 0): Buffer {
  const head = Buffer.alloc(2 + form)
  head[0] = 0x80 | opcode
  head[1] = form === 0 ? length : form === 2 ? 126 : 127
  if (form === 2) head.writeUInt16BE(length, 2)
  if (form === 8) head.writeBigUInt64BE(BigInt(length), 2)
  // A payload that looks like frames, which must never be read as such.
  return Buffer.concat([head, Buffer.alloc(length, goingAway)])
}

function roomBehind(...chunks: readonly Buffer[]): boolean {
  const frames = new ServerFrames()
  for (const chunk of chunks) frames.take(chunk)
  return frames.mayInterpose
}

const sound: readonly (readonly [string, Buffer])[] = [
  ['an empty text', frame(1, 0)],
  ['a text', frame(1, 5)],
  ['125 bytes, the longest short form', frame(2, 125)],
  ['126 bytes, in two bytes of length', frame(2, 126)],
  ['65,535 bytes', frame(2, 65_535)],
  ['65,536 bytes, in eight bytes of length', frame(2, 65_536)],
  ['5 bytes in two bytes of length', frame(2, 5, 2)],
  ['5 bytes in eight bytes of length', frame(2, 5, 8)],
  ['a ping', frame(9, 4)],
  ['a pong', frame(10, 0)],
  ['a continuation, between the parts of a message', Buffer.concat([Buffer.from([0x01, 1, 65]), frame(0, 3)])],
  ['the first part of a message', Buffer.from([0x01, 1, 65])],
  ['a compressed text (RSV1)', Buffer.from([0xc1, 2, 1, 2])],
]

describe('behind the bytes of a server', () => {
  it('there is room for a frame at the very start', () => {
    expect(roomBehind()).toBe(true)
  })

  it.each(sound)('there is room behind %s, however it is cut into pieces', (_what, bytes) => {
    expect(roomBehind(bytes)).toBe(true)
    expect(roomBehind(bytes, bytes, bytes)).toBe(true)
    expect(roomBehind(...[...bytes].map((byte) => Buffer.from([byte])))).toBe(true)
  })

  it.each(sound)('there is none anywhere inside %s', (_what, bytes) => {
    const frames = new ServerFrames()
    // Whole frames end at these places and nowhere else.
    const ends = new Set(bytes[0] === 0x01 && bytes.length > 3 ? [3, bytes.length] : [bytes.length])
    for (const [index, byte] of bytes.entries()) {
      frames.take(Buffer.from([byte]))
      expect(frames.mayInterpose).toBe(ends.has(index + 1))
    }
  })

  it.each([
    ['a Close', frame(8, 2)],
    ['an empty Close', frame(8, 0)],
    ['a frame behind a Close', Buffer.concat([frame(8, 2), frame(1, 5)])],
    ['a masked frame', Buffer.from([0x81, 0x81, 1, 2, 3, 4, 65])],
    ['an unknown opcode for data', frame(3, 1)],
    ['an unknown opcode for control', frame(11, 1)],
    ['a length with its first bit set', Buffer.from([0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 1])],
    ['a length that no one can count', Buffer.from([0x82, 127, 0, 0x20, 0, 0, 0, 0, 0, 1])],
    ['what is no WebSocket at all', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ])('there is none behind %s, nor ever after', (_what, bytes) => {
    expect(roomBehind(bytes)).toBe(false)
    expect(roomBehind(bytes, frame(1, 5))).toBe(false)
    expect(roomBehind(...[...bytes].map((byte) => Buffer.from([byte])), frame(1, 0))).toBe(false)
  })

  it('random sound frames in random pieces are followed to their end', () => {
    for (let round = 0; round < 200; round++) {
      const whole = Buffer.concat(
        Array.from({ length: 5 }, () =>
          frame([0, 1, 2, 9, 10][Math.floor(Math.random() * 5)] ?? 1, Math.floor(Math.random() * 300)),
        ),
      )
      const frames = new ServerFrames()
      for (let at = 0; at < whole.length; ) {
        const size = 1 + Math.floor(Math.random() * 40)
        frames.take(whole.subarray(at, at + size))
        at += size
      }
      expect(frames.mayInterpose).toBe(true)
    }
  })

  it('our own frame is a Close with 1001 and nothing else', () => {
    expect([...goingAway]).toEqual([0x88, 2, 0x03, 0xe9])
  })
})
