/** Responses: what is sent of them, in which frames, and how their bodies wait for windows and for slow clients. */
import { describe, expect, it } from 'vitest'
import { headers, settings } from '../../../faults/gateway/h2-wire.ts'
import { answer, type Begun, get, head, Opened, opens, post, reset, settled } from './opened.ts'

const body = (length: number, seed = 0) =>
  Buffer.alloc(length, Buffer.from(Array.from({ length: 256 }, (_, i) => (i * 7 + seed) & 0xff)))
/** All of it is sent, whatever its length. */
const wide = { settings: { 4: 2 ** 31 - 1 } }

async function wideOpen(): Promise<Opened> {
  return new Opened(wide).after(opens(0, 2 ** 30))
}

/** Writes it in such pieces, as far as there is room, and ends the response. */
async function stream({ response }: Begun, whole: Buffer, size: number): Promise<void> {
  for (let at = 0; at < whole.length; at += size) {
    if (response.write(Buffer.from(whole.subarray(at, at + size)))) continue
    await new Promise<void>((resolve) => {
      for (const event of ['drain', 'close']) response.once(event, resolve)
    })
  }
  response.end()
}

describe('a body', () => {
  it.each([0, 1, 4_096, 4_097, 16_384, 16_385, 65_535, 65_536, 1_000_000])('of %i bytes', async (length) => {
    const opened = await wideOpen()
    await opened.after(get(1), get(3))
    const [whole, pieces] = opened.begun as [Begun, Begun]
    answer(whole, body(length))
    pieces.response.writeHead(200, [], false)
    const streamed = stream(pieces, body(length, 1), 10_000)
    await settled()
    await streamed
    await settled()
    for (const [seed, one] of [whole, pieces].entries()) {
      expect(opened.bodyOf(one.id).equals(body(length, seed))).toBe(true)
      expect(opened.of(one.id)[0]).toBe(`head ${one.id} 200`)
      expect(opened.of(one.id).filter((line) => line.endsWith('end'))).toHaveLength(1)
      expect(opened.of(one.id).at(-1)).toMatch(/^data .* end$/)
      expect(one.events.filter((event) => event !== 'drain')).toEqual(['end', 'finish', 'close'])
      expect(one.response).toMatchObject({ writableFinished: true, writableLength: 0 })
    }
    expect(opened.of(1)).toHaveLength(1 + Math.max(1, Math.ceil(length / 16_384)))
  })

  it.each([
    ['HEAD', 200],
    ['GET', 204],
    ['GET', 205],
    ['GET', 304],
  ])('there is none in the response to %s with %i', async (method, status) => {
    const opened = await new Opened().after(headers(1, head(method), true))
    const { response } = opened.last
    response.writeHead(status, ['content-length', '5'], false)
    let sent = 0
    // A handler that does not know; more than there is room for.
    for (let i = 0; i < 10; i++) response.write(Buffer.alloc(10_000), () => (sent += 1))
    response.end(Buffer.from('hello'))
    await settled()
    expect(opened.of(1)).toEqual([`head 1 ${status} end`])
    expect(opened.last.events).toEqual(['end', 'finish', 'close'])
    expect(response.writableLength).toBe(0)
    expect(sent).toBe(10)
  })

  it('there is none after a head that ends the stream, while the request goes on', async () => {
    const opened = await new Opened().after(post(1))
    const { response } = opened.last
    response.writeHead(403, [], true)
    let sent = 0
    for (let i = 0; i < 10; i++) expect(response.write(Buffer.alloc(10_000), () => (sent += 1))).toBe(true)
    await settled()
    expect(sent).toBe(10)
    expect(response.writableLength).toBe(0)
    expect(opened.of(1)).toEqual(['head 1 403 end'])
    expect(opened.last.events).toEqual(['finish'])
  })
})

describe('a head', () => {
  it('has a date, names in lower case, and no fields of HTTP/1', async () => {
    const opened = await new Opened().after(get(1), get(3))
    const [one, other] = opened.begun as [Begun, Begun]
    one.response.writeHead(
      200,
      ['X-A', 'b', 'Connection', 'close', 'Transfer-Encoding', 'chunked', 'Keep-Alive', '5'],
      true,
    )
    other.response.writeHead(599, ['Date', 'today', 'x-a', '\xe9'], true)
    await settled()
    expect(opened.fieldsOf(1)).toEqual([[':status', '200', 'x-a', 'b', 'date', expect.stringMatching(/ GMT$/)]])
    expect(opened.fieldsOf(3)).toEqual([[':status', '599', 'date', 'today', 'x-a', '\xe9']])
  })

  it.each([
    ['x a', 'b'],
    ['', 'b'],
    ['x-a', 'a\nb'],
    ['x-a', '\u0100'],
  ])('throws for the field %j: %j, with nothing sent', async (name, value) => {
    const opened = await new Opened().after(get(1))
    const { response } = opened.last
    expect(() => response.writeHead(200, ['x-b', 'c', name, value], false)).toThrow(/^invalid /)
    expect(() => response.writeInformation(103, { [name]: value })).toThrow(/^invalid /)
    expect(() => response.addTrailers({ [name]: value })).toThrow(/^invalid /)
    answer(opened.last)
    await settled()
    expect(opened.of(1)).toEqual(['head 1 200', 'data 1 0 end'])
  })

  it('comes after interim ones, and none after it', async () => {
    const opened = await new Opened().after(post(1))
    const { response } = opened.last
    response.writeContinue()
    response.writeInformation(103, { link: '</a>' })
    response.writeHead(200, [], false)
    response.writeHead(500, [], false)
    response.writeContinue()
    response.end(Buffer.from('x'))
    await settled()
    expect(opened.of(1)).toEqual(['head 1 100', 'head 1 103', 'head 1 200', 'data 1 1 end'])
  })

  it.each([20_000, 100_000])('of %i bytes comes in several frames', async (length) => {
    const opened = await new Opened().after(get(1))
    opened.last.response.writeHead(
      200,
      Array.from({ length: length / 5_000 }, (_, i) => [`x-${i}`, 'b'.repeat(5_000)]).flat(),
      true,
    )
    await settled()
    const frames = opened.frames.filter(({ stream: id }) => id === 1)
    expect(frames.map(({ type }) => type)).toEqual([1, ...Array.from({ length: frames.length - 1 }, () => 9)])
    expect(frames.map(({ flags: set }) => set & 4).lastIndexOf(0)).toBe(frames.length - 2)
  })

  it('tells once, and after each change of the table by the client, that the table is not used', async () => {
    const opened = new Opened()
    const first = async (id: number) => {
      await opened.after(get(id))
      answer(opened.last)
      await settled()
      return opened.frames.find(({ type, stream: of }) => type === 1 && of === id)?.payload[0]
    }
    expect([await first(1), await first(3)]).toEqual([0x20, 0x88])
    opened.send(settings({ 1: 100 }))
    expect([await first(5), await first(7)]).toEqual([0x20, 0x88])
  })
})

it('trailers end the response', async () => {
  const opened = await new Opened().after(get(1), get(3))
  const [one, other] = opened.begun as [Begun, Begun]
  one.response.writeHead(200, [], false)
  one.response.addTrailers({ 'x-a': '1' })
  one.response.end(Buffer.from('body'))
  other.response.writeHead(200, [], false)
  other.response.addTrailers({ 'x-b': '2' })
  other.response.end()
  await settled()
  expect(opened.of(1)).toEqual(['head 1 200', 'data 1 4', 'head 1 1 end'])
  expect(opened.of(3)).toEqual(['head 3 200', 'head 3 2 end'])
  expect(opened.fieldsOf(1)[1]).toEqual(['x-a', '1'])
})

describe('windows of the client', () => {
  it('of its streams are used up, and then opened by WINDOW_UPDATE', async () => {
    const opened = await new Opened({ settings: { 4: 10 } }).after(get(1))
    answer(opened.last, body(100))
    await settled()
    expect(opened.of(1)).toEqual(['head 1 200', 'data 1 10'])
    await opened.after(opens(1, 1))
    await opened.after(opens(1, 88))
    expect(opened.of(1).slice(2)).toEqual(['data 1 1', 'data 1 88'])
    expect(opened.last.events).toEqual(['end'])
    await opened.after(opens(1, 1))
    expect(opened.of(1).slice(4)).toEqual(['data 1 1 end'])
    expect(opened.bodyOf(1).equals(body(100))).toBe(true)
  })

  it('of the connection is shared', async () => {
    const opened = await new Opened(wide).after(get(1), get(3))
    for (const one of opened.begun) answer(one, body(40_000, one.id))
    await settled()
    expect(opened.bodyOf(1).length + opened.bodyOf(3).length).toBe(65_535)
    await opened.after(opens(0, 1))
    expect(opened.bodyOf(1).length + opened.bodyOf(3).length).toBe(65_536)
    await opened.after(opens(0, 100_000))
    for (const { id } of opened.begun) expect(opened.bodyOf(id).equals(body(40_000, id))).toBe(true)
  })

  it('change by its settings while bodies wait', async () => {
    const opened = await new Opened({ settings: { 4: 1_000 } }).after(get(1))
    answer(opened.last, body(5_000))
    await settled()
    // 1,000 were sent: now 900 less than none.
    await opened.after(settings({ 4: 100 }))
    await opened.after(opens(1, 900))
    expect(opened.of(1)).toEqual(['head 1 200', 'data 1 1000'])
    await opened.after(opens(1, 5))
    expect(opened.of(1).slice(2)).toEqual(['data 1 5'])
    await opened.after(settings({ 4: 110 }))
    expect(opened.of(1).slice(3)).toEqual(['data 1 10'])
    // A stream that begins now has the window of now.
    await opened.after(settings({ 4: 0 }), settings({ 4: 20 }), get(3))
    answer(opened.last, body(100))
    await settled()
    expect(opened.of(3)).toEqual(['head 3 200', 'data 3 20'])
    await opened.after(settings({ 4: 10_000 }))
    expect(opened.bodyOf(1).equals(body(5_000))).toBe(true)
    expect(opened.bodyOf(3).equals(body(100))).toBe(true)
    expect(opened.begun.map(({ events }) => events.at(-1))).toEqual(['close', 'close'])
  })

  it('of 0 keep bodies, but no heads, empty bodies or trailers', async () => {
    const opened = await new Opened({ settings: { 4: 0 } }).after(get(1), get(3), get(5))
    const [full, empty, trailed] = opened.begun as [Begun, Begun, Begun]
    answer(full, 'x')
    answer(empty)
    trailed.response.writeHead(200, [], false)
    trailed.response.addTrailers({ 'x-a': '1' })
    trailed.response.end()
    await settled()
    expect(opened.of(1)).toEqual(['head 1 200'])
    expect(opened.of(3)).toEqual(['head 3 200', 'data 3 0 end'])
    expect(opened.of(5)).toEqual(['head 5 200', 'head 5 1 end'])
    await opened.after(reset(1))
    expect(full.events).toEqual(['end', 'close'])
  })

  it('that become too large by settings end the connection', async () => {
    const opened = await new Opened().after(get(1))
    await opened.after(opens(1, 2 ** 31 - 1 - 65_535), settings({ 4: 65_536 }))
    expect(opened.seen).toEqual(['goaway 1 FLOW_CONTROL_ERROR'])
    expect(opened.last.events).toEqual(['end', 'close'])
  })
})

describe('128 streams at once', () => {
  it('send their frames in turn', async () => {
    const opened = await wideOpen()
    const ids = Array.from({ length: 128 }, (_, i) => 2 * i + 1)
    opened.wire.full = true
    await opened.after(...ids.map((id) => get(id)))
    for (const one of opened.begun) answer(one, body(40_000, one.id))
    while (opened.begun.some(({ events }) => !events.includes('close'))) {
      opened.wire.drain()
      opened.wire.full = true
      await new Promise(setImmediate)
    }
    for (const id of ids) expect(opened.bodyOf(id).equals(body(40_000, id))).toBe(true)
    const order = opened.frames.filter(({ type }) => type === 0).map(({ stream: id }) => id)
    // The first are sent at once, as far as there is room; of the others no third frame comes before any first.
    const others = ids.slice(4)
    expect(Math.min(...others.map((id) => order.lastIndexOf(id)))).toBeGreaterThan(
      Math.max(...others.map((id) => order.indexOf(id))),
    )
  })
})

describe('a client that does not read', () => {
  it('has bodies wait, of which each piece is given back once when it is sent', async () => {
    const opened = await wideOpen()
    opened.wire.full = true
    await opened.after(get(1), get(3))
    const given: string[] = []
    // Frames have 16,384 bytes, and the last of a piece may be short.
    const lengths = [100, 10_000, 16_500, 16_384, 33_000, 50_000]
    for (const { id, response } of opened.begun) {
      response.writeHead(200, [], false)
      for (let i = 0; i < 6; i++) {
        const piece = body(lengths[i] as number, i)
        response.write(piece, () => {
          given.push(`${id} ${i}`)
          // As a buffer that is used again.
          piece.fill('#')
        })
      }
      response.end()
    }
    await settled()
    const before = opened.wire.writableLength
    expect(before).toBeLessThan(4 * 16_384 + 20_000)
    expect(given.length).toBeLessThan(4)
    while (opened.begun.some(({ events }) => !events.includes('close'))) {
      opened.wire.drain()
      await settled()
    }
    const whole = Buffer.concat(lengths.map((length, i) => body(length, i)))
    for (const { id } of opened.begun) expect(opened.bodyOf(id).equals(whole)).toBe(true)
    expect(given.toSorted()).toEqual([1, 3].flatMap((id) => [0, 1, 2, 3, 4, 5].map((i) => `${id} ${i}`)))
  })

  it.each<[how: string, end: (opened: Opened) => unknown]>([
    ['the client resets its stream', (opened) => opened.after(reset(1))],
    ['its stream is reset', ({ last }) => last.response.stream.close(2)],
    ['its connection is reset', ({ wire }) => wire.destroy()],
    ['the client ends its side', ({ wire }) => wire.finish()],
    ['the connection is ended', ({ connection }) => connection.destroy()],
  ])('gets nothing more when %s, and no piece is given back while the socket holds it', async (_how, end) => {
    const opened = await wideOpen()
    opened.wire.full = true
    await opened.after(get(1))
    const given: number[] = []
    const { response } = opened.last
    response.writeHead(200, [], false)
    // The kernel has yet to take the first; part of the third is with the socket.
    for (let i = 0; i < 8; i++) response.write(body(10_000, i), () => given.push(i))
    await settled()
    const held = opened.wire.writableLength
    expect(held).toBeGreaterThan(10_000)
    expect(given).toEqual([])
    await end(opened)
    const late = Array.from({ length: 2 }, (_, i) => response.write(body(10, i), () => given.push(100 + i)))
    response.end()
    await settled()
    expect(late).toEqual([true, true])
    expect(opened.last.events.filter((event) => event === 'close')).toHaveLength(1)
    expect(opened.last.events).not.toContain('finish')
    if (!opened.wire.destroyed) {
      expect(given).not.toContain(0)
      opened.wire.drain()
      await settled()
    }
    expect(new Set(given).size).toBe(given.length)
    expect(given).toEqual(expect.arrayContaining([100, 101]))
  })

  it('is not read any further, however short responses are, until it reads', async () => {
    const opened = new Opened({
      begins: ({ response }) => response.writeHead(302, ['location', 'b'.repeat(8_000)], true),
    })
    opened.wire.full = true
    let id = 1
    for (; !opened.wire.isPaused(); id += 2) await opened.after(get(id))
    expect(opened.wire.writableLength).toBeLessThan(300_000)
    expect(opened.begun.length).toBeLessThan(50)
    for (const more of [id, id + 2, id + 4]) await opened.after(get(more))
    expect(opened.begun).toHaveLength((id - 1) / 2)
    opened.wire.drain()
    await settled()
    expect(opened.begun).toHaveLength((id - 1) / 2 + 3)
    expect(await opened.answers()).toBe(true)
  })
})
