/** Frames that arrive in pieces. */
import { expect, it } from 'vitest'
import { ConnectionError } from '../../../src/gateway/http2/error-codes.ts'
import { FrameReader } from '../../../src/gateway/http2/frame-reader.ts'
import { goAwayFrame, headersFrames, settingsFrame, windowFrame } from '../../../src/gateway/http2/frames.ts'
import { flags, frame } from '../../faults/gateway/h2-wire.ts'

/** What was read, with the parts of DATA joined. */
function read(pieces: readonly Buffer[]): string[] {
  const seen: string[] = []
  let data = ''
  const reader = new FrameReader({
    onData(stream, part, last) {
      data += part.toString('hex')
      if (last) {
        seen.push(`data ${stream} ${data}`)
        data = ''
      }
    },
    onFrame: (type, set, stream, payload) => void seen.push(`${type} ${set} ${stream} ${payload.toString('hex')}`),
  })
  for (const piece of pieces) reader.take(piece)
  return seen
}

const text = (frames: string) => Buffer.from(frames, 'latin1')
const whole = Buffer.concat([
  text(settingsFrame([[3, 100]])),
  text(settingsFrame([])),
  text(headersFrames(1, 'h'.repeat(40_000), false)),
  frame('data', { stream: 1, payload: Buffer.alloc(300, 'a') }),
  frame('data', { stream: 1, payload: Buffer.alloc(16_384, 'b') }),
  frame('data', { stream: 1, flags: flags.endStream }),
  frame('data', { stream: 3, flags: flags.padded, payload: Buffer.from([2, 1, 0, 0]) }),
  frame('data', { stream: 5, flags: flags.endStream, payload: Buffer.alloc(20, 'c') }),
  frame('ping', { payload: Buffer.alloc(8) }),
  text(windowFrame(0, 2 ** 31 - 1)),
  text(goAwayFrame(2 ** 31 - 1, 2)),
])
const expected = read([whole])

it('are the same as in one piece', () => {
  expect(expected).toHaveLength(11)
  for (const length of [1, 2, 5, 8, 9, 10, 17, 301, 4_096, 16_393, 16_394]) {
    const pieces: Buffer[] = []
    for (let at = 0; at < whole.length; at += length) pieces.push(whole.subarray(at, at + length))
    expect(read(pieces), `pieces of ${length}`).toEqual(expected)
  }
})

it('of more than 16 KB are an error of the connection, before their payload comes', () => {
  const head = frame('data', { stream: 1, payload: Buffer.alloc(16_385) }).subarray(0, 9)
  expect(() => read([head])).toThrow(ConnectionError)
  expect(() => read([head.subarray(0, 4), head.subarray(4)])).toThrow(ConnectionError)
})
