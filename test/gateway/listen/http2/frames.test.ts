/** Frames of the wrong length or on the wrong stream (RFC 9113 §6), on streams in each state (§5.1). */
import { describe, expect, it } from 'vitest'
import { fieldBlock, flags, frame, headers, uint32 } from '../../../faults/gateway/h2-wire.ts'
import { answer, data, get, head, Opened, opens, post, reset, settled } from './opened.ts'

const bytes = (length: number) => Buffer.alloc(length, 1)
const padded = (length: number, payload: string) =>
  Buffer.concat([Buffer.from([length]), Buffer.from(payload), Buffer.alloc(length)])

describe('a connection ends with', () => {
  it.each([
    ['DATA on the connection', data(0, 'x'), 'PROTOCOL_ERROR'],
    ['DATA on a stream that has not begun', data(1, 'x'), 'PROTOCOL_ERROR'],
    ['DATA on a stream of ours', data(2, 'x'), 'PROTOCOL_ERROR'],
    ['empty DATA on the connection', data(0, ''), 'PROTOCOL_ERROR'],
    [
      'padded DATA on the connection',
      frame('data', { flags: flags.padded, payload: padded(3, 'x') }),
      'PROTOCOL_ERROR',
    ],
    ['a head on the connection', headers(0, head(), true), 'PROTOCOL_ERROR'],
    ['a head on a stream of ours', headers(2, head(), true), 'PROTOCOL_ERROR'],
    ['PRIORITY on the connection', frame('priority', { payload: bytes(5) }), 'PROTOCOL_ERROR'],
    ['PRIORITY of 4 bytes', frame('priority', { stream: 1, payload: bytes(4) }), 'FRAME_SIZE_ERROR'],
    ['PRIORITY of 6 bytes', frame('priority', { stream: 1, payload: bytes(6) }), 'FRAME_SIZE_ERROR'],
    ['RST_STREAM of the connection', reset(0), 'PROTOCOL_ERROR'],
    ['RST_STREAM on a stream that has not begun', reset(1), 'PROTOCOL_ERROR'],
    ['RST_STREAM on a stream of ours', reset(2), 'PROTOCOL_ERROR'],
    ['RST_STREAM of 3 bytes', frame('resetStream', { stream: 1, payload: bytes(3) }), 'FRAME_SIZE_ERROR'],
    ['RST_STREAM of 5 bytes', frame('resetStream', { stream: 1, payload: bytes(5) }), 'FRAME_SIZE_ERROR'],
    ['PUSH_PROMISE', frame('pushPromise', { stream: 1, payload: bytes(8), flags: flags.endHeaders }), 'PROTOCOL_ERROR'],
    ['PING of 7 bytes', frame('ping', { payload: bytes(7) }), 'FRAME_SIZE_ERROR'],
    ['PING of 9 bytes', frame('ping', { payload: bytes(9) }), 'FRAME_SIZE_ERROR'],
    ['PING on a stream', frame('ping', { stream: 1, payload: bytes(8) }), 'PROTOCOL_ERROR'],
    ['an acknowledged PING on a stream', frame('ping', { stream: 1, flags: 1, payload: bytes(8) }), 'PROTOCOL_ERROR'],
    ['GOAWAY of 7 bytes', frame('goAway', { payload: bytes(7) }), 'FRAME_SIZE_ERROR'],
    ['GOAWAY on a stream', frame('goAway', { stream: 1, payload: bytes(8) }), 'PROTOCOL_ERROR'],
    ['WINDOW_UPDATE of 3 bytes', frame('windowUpdate', { payload: bytes(3) }), 'FRAME_SIZE_ERROR'],
    ['WINDOW_UPDATE of 5 bytes', frame('windowUpdate', { payload: bytes(5) }), 'FRAME_SIZE_ERROR'],
    ['WINDOW_UPDATE by 0', opens(0, 0), 'PROTOCOL_ERROR'],
    ['WINDOW_UPDATE by 0, and the reserved bit', opens(0, 2 ** 31), 'PROTOCOL_ERROR'],
    ['WINDOW_UPDATE beyond 2^31', opens(0, 2 ** 31 - 1), 'FLOW_CONTROL_ERROR'],
    ['WINDOW_UPDATE on a stream that has not begun', opens(1, 1), 'PROTOCOL_ERROR'],
    ['WINDOW_UPDATE on a stream of ours', opens(2, 1), 'PROTOCOL_ERROR'],
    ['CONTINUATION of nothing', frame('continuation', { stream: 1, flags: flags.endHeaders }), 'PROTOCOL_ERROR'],
    ['a frame of 16385 bytes', frame('ping', { payload: bytes(16_385) }), 'FRAME_SIZE_ERROR'],
    ['a frame of 16385 bytes, of an unknown kind', Buffer.from([0, 64, 1, 99, 0, 0, 0, 0, 0]), 'FRAME_SIZE_ERROR'],
  ])('%s', async (_what, wrong, error) => {
    for (const pieces of [
      [wrong],
      [wrong.subarray(0, 9), wrong.subarray(9)],
      [wrong.subarray(0, 4), wrong.subarray(4)],
    ]) {
      const opened = new Opened()
      for (const piece of pieces) if (piece.length > 0) await opened.after(piece)
      expect(opened.seen).toEqual([`goaway 0 ${error}`])
      expect(opened.begun).toEqual([])
      expect(opened.wire.destroyed).toBe(true)
    }
  })
})

describe('a stream is reset by', () => {
  it.each([
    ['a head, while it is open', () => [headers(1, head('POST'), false)], 'PROTOCOL_ERROR'],
    ['DATA after its end', () => [data(1, '', true), data(1, 'x')], 'STREAM_CLOSED'],
    ['trailers after its end', () => [data(1, '', true), headers(1, [['x-a', 'b']], true)], 'STREAM_CLOSED'],
    ['WINDOW_UPDATE by 0', () => [opens(1, 0)], 'PROTOCOL_ERROR'],
    ['WINDOW_UPDATE beyond 2^31', () => [opens(1, 2 ** 31 - 1)], 'FLOW_CONTROL_ERROR'],
    ['more DATA than its window', () => Array.from({ length: 5 }, () => data(1, 16_000)), 'FLOW_CONTROL_ERROR'],
    ['trailers without an end', () => [headers(1, [['x-a', 'b']], false)], 'PROTOCOL_ERROR'],
    ['trailers with a pseudo-header', () => [headers(1, [[':path', '/']], true)], 'PROTOCOL_ERROR'],
    ['trailers in upper case', () => [headers(1, [['X-A', 'b']], true)], 'PROTOCOL_ERROR'],
    ['trailers that frame', () => [headers(1, [['content-length', '0']], true)], 'PROTOCOL_ERROR'],
    ['trailers that are too long', () => [headers(1, [['x-a', 'b'.repeat(40_000)]], true)], 'PROTOCOL_ERROR'],
  ])('%s', async (_what, make, error) => {
    const opened = await new Opened({ begins: () => {} }).after(post(1))
    await opened.after(...make())
    expect(opened.of(1)).toEqual([`reset 1 ${error}`])
    expect(opened.last.events.filter((event) => event === 'close')).toEqual(['close'])
    expect(opened.last.events).not.toContain('finish')
    expect(opened.last.response.stream.aborted).toBe(true)
    expect(await opened.answers()).toBe(true)
    expect(opened.closed).toBe(0)
  })
})

describe('what comes on a stream that is over is ignored', () => {
  const late = [
    data(1, 'x'),
    data(1, '', true),
    opens(1, 1),
    opens(1, 0),
    reset(1),
    headers(1, [['x-a', 'b']], true),
    frame('priority', { stream: 1, payload: bytes(5) }),
  ]

  it.each([
    [
      'by both ends',
      async (opened: Opened) => {
        await opened.after(get(1))
        answer(opened.last)
      },
    ],
    ['by a reset of the client', (opened: Opened) => opened.after(get(1), reset(1))],
    [
      'by a reset of ours',
      async (opened: Opened) => {
        await opened.after(post(1))
        opened.last.response.stream.close(2)
      },
    ],
    ['because it was malformed', (opened: Opened) => opened.after(headers(1, [], true))],
    ['because a higher one has begun', (opened: Opened) => opened.after(get(3))],
  ])('%s', async (_what, end) => {
    const opened = new Opened()
    await end(opened)
    await settled()
    const before = opened.seen.length
    await opened.after(...late)
    expect(opened.seen.slice(before)).toEqual([])
    expect(await opened.answers()).toBe(true)
  })
})

describe('a connection goes on after', () => {
  it.each([
    [
      'frames of unknown kinds',
      [Buffer.from([0, 0, 2, 77, 255, 0, 0, 0, 9, 1, 2]), Buffer.from([0, 0, 0, 10, 1, 0, 0, 0, 0])],
    ],
    ['PRIORITY on any stream', [1, 2, 99].map((stream) => frame('priority', { stream, payload: bytes(5) }))],
    ['an acknowledged PING', [frame('ping', { flags: 1, payload: bytes(8) })]],
    ['the reserved bit of a stream', [Buffer.concat([Buffer.from([0, 0, 0, 77, 0, 128, 0, 0, 1])])]],
    ['undefined flags', [frame('ping', { flags: 0xfe | 1, payload: bytes(8) })]],
  ])('%s', async (_what, frames) => {
    const opened = await new Opened().after(...frames)
    expect(opened.seen).toEqual([])
    await opened.after(get(1))
    answer(opened.last, 'good')
    expect((await opened.after()).of(1)).toEqual(['head 1 200', 'data 1 4 end'])
  })
})

describe('a header block', () => {
  const block = fieldBlock(head())
  const parts = (count: number) => {
    const size = Math.ceil(block.length / count)
    return Array.from({ length: count }, (_, i) =>
      frame(i === 0 ? 'headers' : 'continuation', {
        stream: 1,
        flags: (i === 0 ? flags.endStream : 0) | (i === count - 1 ? flags.endHeaders : 0),
        payload: block.subarray(i * size, (i + 1) * size),
      }),
    )
  }

  it.each([
    ['in two parts', parts(2)],
    ['in eight parts', parts(8)],
    ['with an empty part', [...parts(2).slice(0, 1), frame('continuation', { stream: 1 }), ...parts(2).slice(1)]],
    [
      'padded',
      [
        frame('headers', {
          stream: 1,
          flags: 5 | flags.padded,
          payload: Buffer.concat([Buffer.from([9]), block, bytes(9)]),
        }),
      ],
    ],
    [
      'with a priority',
      [
        frame('headers', {
          stream: 1,
          flags: 5 | flags.priority,
          payload: Buffer.concat([uint32(7), bytes(1), block]),
        }),
      ],
    ],
    [
      'padded and with a priority',
      [
        frame('headers', {
          stream: 1,
          flags: 5 | flags.priority | flags.padded,
          payload: Buffer.concat([Buffer.from([1]), uint32(7), bytes(1), block, bytes(1)]),
        }),
      ],
    ],
  ])('%s is a request', async (_what, frames) => {
    const opened = await new Opened().after(...frames)
    expect(opened.begun.map(({ request, events }) => [request.method, request.url, events])).toEqual([
      ['GET', '/', ['end']],
    ])
    expect(opened.last.request.rawHeaders).toEqual(head().flat())
  })

  it.each([
    ['interrupted by PING', [...parts(2).slice(0, 1), frame('ping', { payload: bytes(8) })], 'PROTOCOL_ERROR'],
    [
      'interrupted by an unknown frame',
      [...parts(2).slice(0, 1), Buffer.from([0, 0, 0, 77, 0, 0, 0, 0, 0])],
      'PROTOCOL_ERROR',
    ],
    ['interrupted by DATA', [...parts(2).slice(0, 1), data(1, 'x')], 'PROTOCOL_ERROR'],
    ['interrupted by another head', [...parts(2).slice(0, 1), get(3)], 'PROTOCOL_ERROR'],
    [
      'continued on another stream',
      [...parts(2).slice(0, 1), frame('continuation', { stream: 3, flags: 4 })],
      'PROTOCOL_ERROR',
    ],
    ['continued after its end', [...parts(1), frame('continuation', { stream: 1, flags: 4 })], 'PROTOCOL_ERROR'],
    ['in 10 parts', parts(10), 'ENHANCE_YOUR_CALM'],
    [
      'in parts of more than 100 KB',
      [headers(1, head('GET', ['x-a', 'b'.repeat(110_000)]), true)],
      'ENHANCE_YOUR_CALM',
    ],
    [
      'with more padding than payload',
      [frame('headers', { stream: 1, flags: 5 | flags.padded, payload: Buffer.from([4, 0, 0, 0, 0]).subarray(0, 4) })],
      'PROTOCOL_ERROR',
    ],
    ['without the length of its padding', [frame('headers', { stream: 1, flags: 5 | flags.padded })], 'PROTOCOL_ERROR'],
    [
      'with half a priority',
      [frame('headers', { stream: 1, flags: 5 | flags.priority, payload: bytes(4) })],
      'FRAME_SIZE_ERROR',
    ],
    [
      'with a field of no index',
      [frame('headers', { stream: 1, flags: 5, payload: Buffer.from([0x80]) })],
      'COMPRESSION_ERROR',
    ],
    [
      'with a field that is not in the table',
      [frame('headers', { stream: 1, flags: 5, payload: Buffer.from([0xbe]) })],
      'COMPRESSION_ERROR',
    ],
    [
      'that breaks off',
      [frame('headers', { stream: 1, flags: 5, payload: block.subarray(0, -1) })],
      'COMPRESSION_ERROR',
    ],
    [
      'with an endless number',
      [frame('headers', { stream: 1, flags: 5, payload: Buffer.alloc(40, 0xff) })],
      'COMPRESSION_ERROR',
    ],
    [
      'with a table of more than 4096 bytes',
      [frame('headers', { stream: 1, flags: 5, payload: Buffer.concat([Buffer.from([0x3f, 0xe2, 0x1f]), block]) })],
      'COMPRESSION_ERROR',
    ],
    [
      'with a change of the table in its middle',
      [frame('headers', { stream: 1, flags: 5, payload: Buffer.concat([block, Buffer.from([0x20])]) })],
      'COMPRESSION_ERROR',
    ],
    [
      'of a stream that is over, with a field that is not in the table',
      [get(3), frame('headers', { stream: 1, flags: 5, payload: Buffer.from([0xbe]) })],
      'COMPRESSION_ERROR',
    ],
  ])('%s ends the connection', async (_what, frames, error) => {
    const opened = await new Opened().after(...frames)
    expect(opened.seen.at(-1)).toMatch(new RegExp(`^goaway \\d ${error}$`))
    expect(opened.wire.destroyed).toBe(true)
  })

  it('of a request that is refused, malformed or late still changes the table', async () => {
    const enter = (value: string) => Buffer.concat([Buffer.from([0x40, 1, 0x78, value.length]), Buffer.from(value)]) // x: value
    const opened = new Opened()
    const send = (stream: number, payload: Buffer) => opened.after(frame('headers', { stream, flags: 5, payload }))
    await send(1, enter('malformed'))
    await send(5, Buffer.concat([block, enter('good')]))
    await send(3, enter('late'))
    await send(7, Buffer.concat([block, Buffer.from([0xbe, 0xbf, 0xc0])]))
    expect(opened.last.request.rawHeaders.slice(8)).toEqual(['x', 'late', 'x', 'good', 'x', 'malformed'])
  })
})
