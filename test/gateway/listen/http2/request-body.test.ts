/** Bodies of requests: their windows open by what is read, and no further. */
import { describe, expect, it } from 'vitest'
import { flags, frame } from '../../../faults/gateway/h2-wire.ts'
import { answer, data, Opened, post, readBody, reset } from './opened.ts'

const window = 65_535
const unread = { begins: () => {} }
const fill = (stream: number, length = window) =>
  Array.from({ length: Math.ceil(length / 16_384) }, (_, i) => data(stream, Math.min(16_384, length - i * 16_384)))

/** What the client may send at the moment, by what it has sent and was allowed. */
class Windows {
  sent = 0
  readonly opened: Opened
  constructor(opened: Opened) {
    this.opened = opened
  }

  get connection(): number {
    const opened = this.opened.seen.filter((line) => line.startsWith('window 0 ')).map((line) => Number(line.slice(9)))
    return opened.reduce((sum, by) => sum + by, 262_144 - this.sent)
  }
}

describe('the window of a stream', () => {
  it('does not open while nothing is read, and opens when it is', async () => {
    const opened = await new Opened(unread).after(post(1), ...fill(1))
    expect(opened.seen).toEqual([])
    expect(opened.last.request.readableLength).toBe(window)
    readBody(opened.last)
    await opened.after()
    expect(opened.of(1)).toEqual([`window 1 ${window}`])
    await opened.after(...fill(1), data(1, '', true))
    expect(opened.last.body.length).toBe(2 * window)
    expect(opened.last.events).toEqual(['end'])
  })

  it('does not open for a reader that pauses', async () => {
    const opened = await new Opened().after(post(1))
    opened.last.request.pause()
    await opened.after(...fill(1))
    expect(opened.of(1)).toEqual([])
    opened.last.request.resume()
    await opened.after()
    expect(opened.of(1)).toEqual([`window 1 ${window}`])
  })

  it('opens for a body that is discarded', async () => {
    const opened = await new Opened(unread).after(post(1), ...fill(1))
    opened.last.request.discard()
    await opened.after()
    expect(opened.of(1)).toEqual([`window 1 ${window}`])
    await opened.after(...fill(1))
    expect(opened.of(1)).toEqual([`window 1 ${window}`, 'window 1 32768'])
  })

  it('counts padding, of which all can be sent again at once', async () => {
    const padded = frame('data', {
      stream: 1,
      flags: flags.padded,
      payload: Buffer.concat([Buffer.from([255]), Buffer.from('x'), Buffer.alloc(255)]),
    })
    const opened = await new Opened(unread).after(post(1), ...Array.from({ length: 200 }, () => padded))
    // 200 bytes are held; more than half of the window is padding.
    expect(opened.of(1)).toEqual([`window 1 ${128 * 256}`])
    expect(opened.last.request.readableLength).toBe(200)
  })

  it('holds to the byte', async () => {
    const opened = await new Opened(unread).after(post(1), ...fill(1), data(1, '', false))
    expect(opened.of(1)).toEqual([])
    await opened.after(data(1, 'x'))
    expect(opened.of(1)).toEqual(['reset 1 FLOW_CONTROL_ERROR'])
  })
})

describe('the window of the connection', () => {
  it('is all that streams which are not read hold together', async () => {
    const opened = await new Opened(unread).after(
      ...[1, 3, 5, 7].map((id) => post(id)),
      ...[1, 3, 5, 7].flatMap((id) => fill(id)),
    )
    expect(opened.seen).toEqual([])
    expect(await opened.answers()).toBe(true)
    // 4 bytes are left.
    await opened.after(post(9), data(9, 'abcd'))
    expect(await opened.answers()).toBe(true)
    await opened.after(data(9, 'e'))
    expect(opened.seen.at(-1)).toBe('goaway 9 FLOW_CONTROL_ERROR')
  })

  it.each<[how: string, late: number, end: (opened: Opened) => unknown]>([
    ['are read', 0, ({ last }) => readBody(last)],
    ['are discarded', 0, ({ last }) => last.request.discard()],
    ['are reset by the client', 100, (opened) => opened.send(reset(opened.last.id))],
    ['are reset by us', 100, ({ last }) => last.response.stream.close(2)],
    ['are shorter than they say', 100, (opened) => opened.send(data(opened.last.id, 0, true))],
    [
      'are answered, and reset without an error',
      100,
      ({ last }) => {
        answer(last)
        last.response.stream.close(0)
      },
    ],
  ])('opens again by the bodies of streams that %s', async (_how, late, end) => {
    const opened = new Opened(unread)
    const windows = new Windows(opened)
    for (let id = 1; id < 60; id += 2) {
      await opened.after(post(id, ['content-length', '50001']), ...fill(id, 50_000))
      await end(opened)
      await opened.after(...(late > 0 ? [data(id, late)] : []))
      windows.sent += 50_000 + late
      expect(windows.connection).toBeGreaterThan(131_072)
      expect(windows.connection).toBeLessThanOrEqual(262_144)
    }
    expect(await opened.answers()).toBe(true)
  })

  it('opens once for what a stream held that is answered, and read later', async () => {
    const opened = new Opened(unread)
    const windows = new Windows(opened)
    for (let id = 1; id < 40; id += 2) {
      await opened.after(post(id), ...fill(id, 50_000), data(id, '', true))
      windows.sent += 50_000
      answer(opened.last)
      await opened.after()
      readBody(opened.last)
      await opened.after()
      expect(opened.last.body.length).toBe(50_000)
      expect(windows.connection).toBeLessThanOrEqual(262_144)
    }
  })

  it('opens by refused, malformed and late streams', async () => {
    const opened = new Opened()
    const windows = new Windows(opened)
    await opened.after(post(1, ['connection', 'close']))
    for (let i = 0; i < 100; i++) {
      await opened.after(data(1, 16_384))
      windows.sent += 16_384
    }
    expect(windows.connection).toBeGreaterThan(100_000)
    expect(await opened.answers()).toBe(true)
  })
})

it('a body comes in pieces of any frames, and in its order', async () => {
  const text = Array.from({ length: 40_000 }, (_, i) => String.fromCharCode(97 + (i % 26))).join('')
  for (const size of [1, 7, 1_000, 16_384]) {
    const opened = await new Opened().after(post(1))
    const sent = size === 1 ? text.slice(0, 3_000) : text
    for (let at = 0; at < sent.length; at += size) opened.send(data(1, sent.slice(at, at + size)))
    await opened.after(data(1, '', true))
    expect(opened.last.body).toBe(sent)
    expect(opened.last.events).toEqual(['end'])
  }
})

it('a body of single bytes that is not read takes no more memory than others', async () => {
  const frames = Buffer.concat(Array.from({ length: 60_000 }, () => data(1, 'd')))
  const opened = new Opened(unread)
  await opened.after(post(1), frames)
  expect(opened.last.request.readableLength).toBe(60_000)
  let pieces = 0
  opened.last.request.on('data', () => {
    pieces += 1
  })
  readBody(opened.last)
  await opened.after(data(1, '', true))
  expect(opened.last.body).toBe('d'.repeat(60_000))
  expect(pieces).toBeLessThan(100)
})
