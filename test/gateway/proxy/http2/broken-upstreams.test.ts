/** HTTP/2 upstreams that break rules, as handwritten frames: 502, or a cut answer, and nothing left for the next one. */
import { afterEach, describe, expect, it } from 'vitest'
import { type Field, flags, frame, headers, settings, uint32 } from '../../../faults/gateway/h2-wire.ts'
import { ask, type Protocol } from '../../clients.ts'
import { cleanUp, proxyTo, type RunningGateway, startGateway } from '../../support.ts'
import { data, goAway, good, ok, refusedStream, reset } from './frames.ts'
import { type WireAnswer, type WireConnection, type WireUpstream, wireUpstream } from './wire-upstream.ts'

afterEach(cleanUp)

const protocols: readonly Protocol[] = ['h1', 'h2']

interface Site {
  readonly gateway: RunningGateway
  readonly upstream: WireUpstream
  /** The next request is answered so, the others well. */
  next(answer: WireAnswer): void
}

async function site(timeouts = { connect: 3_000, response: 5_000 }): Promise<Site> {
  let next = good
  const upstream = await wireUpstream((connection, stream, request) => {
    const answer = next
    next = good
    answer(connection, stream, request)
  })
  const gateway = await startGateway({
    routes: [proxyTo(0, { origin: upstream.origin, timeouts })],
    limits: { answerHeaders: 8_000 },
  })
  return {
    gateway,
    upstream,
    next(answer) {
      next = answer
    },
  }
}

/** The error in the log of the next request. */
function nextError({ records, waitForRecord }: RunningGateway): Promise<string | undefined> {
  const before = new Set(records)
  return waitForRecord((record) => !before.has(record)).then(({ error }) => error)
}

const fields = (count: number, length: number): Field[] =>
  Array.from({ length: count }, (_, index) => [`x-${index}`, 'v'.repeat(length)])

/** The frames of an answer, and what the log says. */
type Case = readonly [what: string, frames: (stream: number) => Buffer[], cause: RegExp]

const malformed: readonly Case[] = [
  ['no status', (s) => [headers(s, [['x-a', 'b']], true)], /PROTOCOL_ERROR/],
  ['an empty status', (s) => [headers(s, [[':status', '']], true)], /PROTOCOL_ERROR/],
  ['a status of words', (s) => [headers(s, [[':status', 'abc']], true)], /PROTOCOL_ERROR|no valid status/],
  ['status 20', (s) => [headers(s, [[':status', '20']], true)], /PROTOCOL_ERROR|no valid status/],
  ['status 099', (s) => [headers(s, [[':status', '099']], true)], /PROTOCOL_ERROR|no valid status/],
  ['status 2000', (s) => [headers(s, [[':status', '2000']], true)], /PROTOCOL_ERROR|no valid status/],
  ['two statuses', (s) => [headers(s, [ok, ok], true)], /PROTOCOL_ERROR/],
  ['status 101', (s) => [headers(s, [[':status', '101']], true)], /PROTOCOL_ERROR|status 101/],
  [
    'an interim answer that ends the stream',
    (s) => [headers(s, [[':status', '103']], true)],
    /PROTOCOL_ERROR|status 103/,
  ],
  ['a status after other fields', (s) => [headers(s, [['x-a', 'b'], ok], true)], /PROTOCOL_ERROR/],
  ['a field of requests', (s) => [headers(s, [ok, [':path', '/']], true)], /PROTOCOL_ERROR/],
  ['upper case', (s) => [headers(s, [ok, ['X-Upper', 'b']], true)], /PROTOCOL_ERROR/],
  ['Connection', (s) => [headers(s, [ok, ['connection', 'close']], true)], /PROTOCOL_ERROR/],
  ['Transfer-Encoding', (s) => [headers(s, [ok, ['transfer-encoding', 'chunked']], true)], /PROTOCOL_ERROR/],
  ['Upgrade', (s) => [headers(s, [ok, ['upgrade', 'h2c']], true)], /PROTOCOL_ERROR/],
  ['Content-Length of words', (s) => [headers(s, [ok, ['content-length', 'ten']], true)], /PROTOCOL_ERROR/],
  [
    'two lengths',
    (s) => [headers(s, [ok, ['content-length', '1'], ['content-length', '2']], false), data(s, 'a', true)],
    /PROTOCOL_ERROR/,
  ],
  ['data before its head', (s) => [data(s, 'early', true)], /PROTOCOL_ERROR: a body before its head/],
  [
    'a head above the limit',
    (s) => [headers(s, [ok, ...fields(10, 900)], true)],
    /longer than the limit of 8000 bytes/,
  ],
  ['a head far above the limit', (s) => [headers(s, [ok, ...fields(40, 900)], true)], /ENHANCE_YOUR_CALM/],
  ['very many fields', (s) => [headers(s, [ok, ...fields(5_000, 0)], true)], /ENHANCE_YOUR_CALM/],
  [
    'interim answers above the limit',
    (s) =>
      Array.from({ length: 20 }, () =>
        headers(
          s,
          [
            [':status', '103'],
            ['link', 'x'.repeat(500)],
          ],
          false,
        ),
      ),
    /interim answers of more than 8000 bytes/,
  ],
  [
    'a head that is not compressed as it must be',
    (s) => [
      frame('headers', {
        stream: s,
        flags: flags.endHeaders | flags.endStream,
        payload: Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
      }),
    ],
    /malformed answer: invalid frames: /,
  ],
  ['DATA on stream 0', () => [data(0, 'x', false)], /malformed answer: invalid frames: /],
  [
    'a pushed stream',
    (s) => [frame('pushPromise', { stream: s, flags: flags.endHeaders, payload: uint32(2) })],
    /malformed answer: invalid frames: /,
  ],
  ['PING of 7 bytes', () => [frame('ping', { payload: Buffer.alloc(7) })], /FRAME_SIZE_ERROR/],
  ['PING on a stream', (s) => [frame('ping', { stream: s, payload: Buffer.alloc(8) })], /PROTOCOL_ERROR/],
  ['SETTINGS on a stream', (s) => [frame('settings', { stream: s })], /PROTOCOL_ERROR/],
  ['SETTINGS that break off', () => [frame('settings', { payload: Buffer.alloc(7) })], /FRAME_SIZE_ERROR/],
  [
    'an acknowledgement with a payload',
    () => [frame('settings', { flags: flags.acknowledgement, payload: Buffer.alloc(6) })],
    /FRAME_SIZE_ERROR/,
  ],
  ['very many SETTINGS', () => [frame('settings', { payload: Buffer.alloc(6 * 17) })], /ENHANCE_YOUR_CALM/],
  ['SETTINGS that enable push', () => [settings({ 2: 1 })], /PROTOCOL_ERROR/],
  ['an initial window of 2^31', () => [settings({ 4: 2 ** 31 })], /FLOW_CONTROL_ERROR/],
  ['frames of 2^24 bytes', () => [settings({ 5: 2 ** 24 })], /PROTOCOL_ERROR/],
  ['a window that opens by 0', () => [frame('windowUpdate', { payload: uint32(0) })], /PROTOCOL_ERROR/],
  [
    'a window of a stream that opens by 0',
    (s) => [frame('windowUpdate', { stream: s, payload: uint32(0) })],
    /PROTOCOL_ERROR/,
  ],
  ['a window above 2^31', () => [frame('windowUpdate', { payload: uint32(2 ** 31 - 1) })], /FLOW_CONTROL_ERROR/],
  [
    'a window of a stream above 2^31',
    (s) => [frame('windowUpdate', { stream: s, payload: uint32(2 ** 31 - 1) })],
    /FLOW_CONTROL_ERROR/,
  ],
  ['a window of 3 bytes', (s) => [frame('windowUpdate', { stream: s, payload: Buffer.alloc(3) })], /FRAME_SIZE_ERROR/],
  ['a stream that has not begun', (s) => [headers(s + 2, [ok], true)], /PROTOCOL_ERROR/],
  ['a stream of its own', () => [headers(2, [ok], true)], /PROTOCOL_ERROR/],
  ['a reset of stream 0', () => [reset(0, 8)], /PROTOCOL_ERROR/],
  ['a reset of 5 bytes', (s) => [frame('resetStream', { stream: s, payload: Buffer.alloc(5) })], /FRAME_SIZE_ERROR/],
  ['an incomplete GOAWAY', () => [frame('goAway', { payload: Buffer.alloc(7) })], /FRAME_SIZE_ERROR/],
  ['CONTINUATION without HEADERS', (s) => [frame('continuation', { stream: s, flags: 4 })], /PROTOCOL_ERROR/],
  [
    'a header block that is interrupted',
    (s) => [frame('headers', { stream: s }), frame('ping', { payload: Buffer.alloc(8) })],
    /PROTOCOL_ERROR/,
  ],
  [
    'a header block that goes on forever',
    (s) => [frame('headers', { stream: s }), ...Array<Buffer>(100).fill(frame('continuation', { stream: s }))],
    /ENHANCE_YOUR_CALM/,
  ],
  [
    'a header block of very many bytes',
    (s) => [
      frame('headers', { stream: s }),
      ...Array<Buffer>(20).fill(frame('continuation', { stream: s, payload: Buffer.alloc(16_384) })),
    ],
    /ENHANCE_YOUR_CALM/,
  ],
  [
    'more padding than its frame',
    (s) => [frame('headers', { stream: s, flags: flags.padded | flags.endHeaders, payload: Buffer.from([9, 0x88]) })],
    /PROTOCOL_ERROR/,
  ],
  [
    'a priority that breaks off',
    (s) => [frame('headers', { stream: s, flags: flags.priority | flags.endHeaders, payload: Buffer.alloc(4) })],
    /FRAME_SIZE_ERROR/,
  ],
  ['no HTTP/2 frames', () => [Buffer.from('HTTP/1.1 200 OK\r\n\r\n')], /malformed answer: invalid frames: /],
]

/** Such fields are ignored, as nghttp2 does in requests. */
const dropped: readonly Field[] = [
  ['', 'b'],
  ['x a', 'b'],
  ['x-a', 'b\r\nset-cookie: c'],
  ['x-b', 'b\0c'],
  ['x-c', 'b\nc'],
]

const padded = flags.padded | flags.endStream

const unusual: readonly (readonly [what: string, frames: (stream: number) => Buffer[], body: string])[] = [
  [
    'a padded body',
    (s) => [
      headers(s, [ok], false),
      frame('data', { stream: s, flags: padded, payload: Buffer.from('\x03abc\0\0\0') }),
    ],
    'abc',
  ],
  [
    'a body of padding',
    (s) => [headers(s, [ok], false), frame('data', { stream: s, flags: padded, payload: Buffer.from('\x02\0\0') })],
    '',
  ],
  [
    'padding and a priority before the head',
    (s) => [
      frame('headers', {
        stream: s,
        flags: flags.padded | flags.priority | flags.endHeaders | flags.endStream,
        payload: Buffer.from([1, 0, 0, 0, 0, 0, 0x88, 0]),
      }),
    ],
    '',
  ],
  [
    'a head in empty pieces',
    (s) => [
      frame('headers', { stream: s, flags: flags.endStream }),
      frame('continuation', { stream: s, payload: Buffer.from([0x88]) }),
      frame('continuation', { stream: s, flags: flags.endHeaders }),
    ],
    '',
  ],
  [
    'frames of no known type, and of priority',
    (s) => [
      Buffer.from([0, 0, 1, 0xbe, 0xff, 0, 0, 0, s, 7]),
      frame('priority', { stream: s, payload: Buffer.alloc(5) }),
      headers(s, [ok], false),
      data(s, 'good', true),
    ],
    'good',
  ],
  ['a reset after its end', (s) => [headers(s, [ok], false), data(s, 'good', true), reset(s, 0)], 'good'],
  ['frames after its end', (s) => [headers(s, [ok], false), data(s, 'good', true), data(s, 'more', true)], 'good'],
  ['GOAWAY with an error after its end', (s) => [headers(s, [ok], false), data(s, 'good', true), goAway(0, 2)], 'good'],
  ['nonsense after its end', (s) => [headers(s, [ok], false), data(s, 'good', true), reset(0, 0)], 'good'],
  [
    'a body in many frames',
    (s) => [headers(s, [ok], false), ...[...'good'].map((one) => data(s, one, false)), data(s, '', true)],
    'good',
  ],
]

const cut: readonly (readonly [string, (stream: number) => Buffer[]])[] = [
  [
    'a body shorter than its Content-Length',
    (s) => [headers(s, [ok, ['content-length', '9']], false), data(s, 'short', true)],
  ],
  [
    'a body longer than its Content-Length',
    (s) => [headers(s, [ok, ['content-length', '3']], false), data(s, 'too long', true)],
  ],
  [
    'trailers that do not end the stream',
    (s) => [headers(s, [ok], false), data(s, 'a', false), headers(s, [['x-a', 'b']], false)],
  ],
  ['trailers with a status', (s) => [headers(s, [ok], false), data(s, 'a', false), headers(s, [ok], true)]],
  [
    'trailers above the limit',
    (s) => [headers(s, [ok], false), data(s, 'a', false), headers(s, fields(10, 900), true)],
  ],
  ...Array.from(
    { length: 14 },
    (_, code) =>
      [
        `a reset with code ${code}`,
        (s: number) => [headers(s, [ok], false), data(s, 'half', false), reset(s, code)],
      ] as const,
  ),
  ['GOAWAY with an error', (s) => [headers(s, [ok], false), data(s, 'half', false), goAway(s, 2)]],
]

describe.each(protocols)('over %s', (protocol) => {
  it('a malformed answer is 502, with its cause in the log, and the next request is answered', async () => {
    const { gateway, next } = await site()
    for (const [what, frames, cause] of malformed) {
      next((connection, stream) => connection.write(...frames(stream)))
      const error = nextError(gateway)
      expect(await ask(gateway, protocol), what).toMatchObject({ status: 502, body: '502 Bad Gateway\n' })
      expect(await error, what).toMatch(/^upstream: /)
      expect(await error, what).toMatch(cause)
      expect(await ask(gateway, protocol), what).toMatchObject({ status: 200, body: 'good' })
    }
  })

  it('an answer that breaks off, or breaks a rule after its head, is cut, and the next request is answered', async () => {
    const { gateway, next } = await site()
    for (const [what, frames] of cut) {
      next((connection, stream) => connection.write(...frames(stream)))
      const error = nextError(gateway)
      // What is malformed with the first bytes may be 502 as well, but never a complete answer.
      const answer = await ask(gateway, protocol).catch(() => 'cut')
      if (answer !== 'cut') expect(answer, what).toMatchObject({ status: 502 })
      expect(await error, what).toMatch(/^upstream: /)
      expect(await ask(gateway, protocol), what).toMatchObject({ status: 200, body: 'good' })
    }
  })

  it('an answer that is unusual, and follows the rules, is passed on', async () => {
    const { gateway, next } = await site()
    for (const [what, frames, body] of unusual) {
      next((connection, stream) => connection.write(...frames(stream)))
      expect(await ask(gateway, protocol), what).toMatchObject({ status: 200, body })
      expect(await ask(gateway, protocol), what).toMatchObject({ status: 200, body: 'good' })
    }
  })

  it('an invalid field reaches no client', async () => {
    const { gateway, next } = await site()
    next((connection, stream) => connection.write(headers(stream, [ok, ...dropped, ['x-good', 'g']], true)))
    const { raw, status } = await ask(gateway, protocol)
    expect(status).toBe(200)
    const names = raw.map(([name]) => name.toLowerCase())
    expect(names).toContain('x-good')
    expect(names).not.toContain('set-cookie')
    expect(names.filter((name) => dropped.some(([invalid]) => invalid === name))).toEqual([])
  })

  it('an answer that breaks off with its connection is cut', async () => {
    const { gateway, next } = await site()
    next((connection, stream) => {
      connection.write(headers(stream, [ok], false), data(stream, 'half', false))
      connection.socket.end()
    })
    expect(await ask(gateway, protocol).catch(() => 'cut')).toBe('cut')
    expect((await gateway.waitForRecord(() => true)).error).toMatch(/connection was closed/)
    expect(await ask(gateway, protocol)).toMatchObject({ status: 200, body: 'good' })
  })
})

it('a reset before the head is 502 at once, whatever its code, and the connection stays', async () => {
  const { gateway, upstream, next } = await site()
  const codes = Array.from({ length: 14 }, (_, code) => code).filter((code) => code !== refusedStream)
  for (const code of codes) {
    next((connection, stream) => connection.write(reset(stream, code)))
    expect(await ask(gateway, 'h2', { method: 'POST', body: 'x' }), String(code)).toMatchObject({ status: 502 })
    expect(await ask(gateway, 'h2')).toMatchObject({ status: 200, body: 'good' })
  }
  expect(upstream.requests).toBe(2 * codes.length)
  expect(upstream.connections).toHaveLength(1)
})

describe('an upstream that says nothing', () => {
  it('not even its settings, gets no request: 504', async () => {
    const upstream = await wireUpstream(good, [])
    const timeouts = { connect: 200, response: 5_000 }
    const gateway = await startGateway({ routes: [proxyTo(0, { origin: upstream.origin, timeouts })] })
    expect(await ask(gateway, 'h2')).toMatchObject({ status: 504 })
    expect((await gateway.waitForRecord(() => true)).error).toMatch(/connect timeout: no HTTP\/2 settings/)
    expect(upstream.requests).toBe(0)
  })

  it('after its settings, has the time of other upstreams: 504, and the stream is cancelled', async () => {
    const { gateway, upstream, next } = await site({ connect: 3_000, response: 200 })
    next(() => {})
    expect(await ask(gateway, 'h2')).toMatchObject({ status: 504 })
    expect((await gateway.waitForRecord(() => true)).error).toMatch(/^upstream: no answer within 200 ms/)
    const [connection] = upstream.connections as [WireConnection]
    const { payload } = await connection.frame(({ type }) => type === 3)
    expect(payload.readUInt32BE()).toBe(8)
    expect(await ask(gateway, 'h2')).toMatchObject({ status: 200 })
    expect(upstream.connections).toHaveLength(1)
  })

  it('and reads nothing of a body: 504', async () => {
    const { gateway, upstream, next } = await site({ connect: 3_000, response: 300 })
    next(() => {})
    const answer = await ask(gateway, 'h1', { method: 'POST', body: Buffer.alloc(300_000) })
    expect(answer).toMatchObject({ status: 504 })
    const sent = upstream.connections[0]?.frames.filter(({ type }) => type === 0) ?? []
    expect(sent.reduce((sum, { payload }) => sum + payload.length, 0)).toBe(65_535)
  })
})

describe('a target of another protocol', () => {
  it('is 502 with the cause', async () => {
    const upstream = await wireUpstream(good, [Buffer.from('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n')])
    const gateway = await startGateway({ routes: [proxyTo(0, { origin: upstream.origin })] })
    expect(await ask(gateway, 'h2')).toMatchObject({ status: 502 })
    expect((await gateway.waitForRecord(() => true)).error).toMatch(/does not speak HTTP\/2: /)
  })

  it('that does not speak TLS is 502', async () => {
    const upstream = await wireUpstream(good, [settings({})])
    const gateway = await startGateway({ routes: [proxyTo(0, { origin: upstream.origin.replace('h2c:', 'h2:') })] })
    expect(await ask(gateway, 'h2')).toMatchObject({ status: 502 })
  })
})
