/** How streams and connections end: resets, GOAWAY, graceful closes, timeouts, and sockets that break. */
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { headers } from '../../../faults/gateway/h2-wire.ts'
import { answer, type Begun, data, get, goAway, Opened, opens, post, readBody, reset, settled } from './opened.ts'

/** Where a request and its response may be when the stream ends. */
const phases: readonly (readonly [name: string, reach: (opened: Opened) => Promise<unknown>])[] = [
  ['its head has come', (opened) => opened.after(post(1))],
  ['part of its body has come, and is read', (opened) => opened.after(post(1), data(1, 'abc'))],
  [
    'part of its body has come, and is not read',
    async (opened) => {
      await opened.after(post(1))
      opened.last.request.pause()
      await opened.after(data(1, 'abc'))
    },
  ],
  ['its body has come', (opened) => opened.after(post(1), data(1, 'abc', true))],
  [
    'the head of its response was sent',
    async (opened) => {
      await opened.after(get(1))
      opened.last.response.writeHead(200, [], false)
      await settled()
    },
  ],
  [
    'part of its response was sent',
    async (opened) => {
      await opened.after(get(1))
      opened.last.response.writeHead(200, [], false)
      opened.last.response.write(Buffer.alloc(100_000))
      await settled()
    },
  ],
  [
    'its response waits for a window',
    async (opened) => {
      await opened.after(get(1))
      answer(opened.last, Buffer.alloc(100_000))
      await settled()
    },
  ],
  [
    'its response was sent, and its body has yet to end',
    async (opened) => {
      await opened.after(post(1), data(1, 'abc'))
      answer(opened.last, 'early')
      await settled()
    },
  ],
]
const early = 'its response was sent, and its body has yet to end'

/** Exactly one of each pair, and `close` once. */
function expectOneEnd({ events, response }: Begun, finished: boolean): void {
  expect(events.filter((event) => event === 'close')).toHaveLength(1)
  expect(events.filter((event) => event === 'finish')).toHaveLength(finished ? 1 : 0)
  expect(events.filter((event) => event === 'end' || event === 'aborted').length).toBe(1)
  expect(response.stream.closed).toBe(true)
  expect(response.stream.aborted).toBe(!finished)
  expect(response.writableLength).toBe(0)
}

describe.each(phases)('when %s', (phase, reach) => {
  const finished = phase === early

  it('the client may reset it', async () => {
    const opened = new Opened()
    await reach(opened)
    await opened.after(reset(1, 8))
    expectOneEnd(opened.last, finished)
    expect(opened.last.response.stream.rstCode).toBe(8)
    expect(opened.seen.filter((line) => line.startsWith('reset'))).toEqual([])
    await expectUseless(opened)
  })

  it('we may reset it', async () => {
    const opened = new Opened()
    await reach(opened)
    opened.last.response.stream.close(2)
    opened.last.response.stream.close(8)
    await settled()
    expectOneEnd(opened.last, finished)
    expect(opened.of(1).at(-1)).toBe('reset 1 INTERNAL_ERROR')
    await expectUseless(opened)
  })

  it('the connection may be destroyed, which resets it first', async () => {
    const opened = new Opened()
    await reach(opened)
    const before = opened.seen.length
    opened.connection.destroy()
    opened.connection.destroy()
    expect(opened.closed).toBe(1)
    await settled()
    expectOneEnd(opened.last, finished)
    expect(opened.seen.slice(before)).toEqual(['reset 1 INTERNAL_ERROR', 'goaway 1 NO_ERROR'])
    expect(opened.wire.destroyed).toBe(true)
    expect(opened.closed).toBe(1)
  })

  it.each<[how: string, end: (opened: Opened) => unknown]>([
    ['the socket may break', ({ wire }) => wire.destroy(new Error('broken'))],
    ['the client may end its side', ({ wire }) => wire.finish()],
    ['the client may break the protocol', (opened) => opened.send(opens(0, 0))],
    ['the client may give up with an error', (opened) => opened.send(goAway(1))],
  ])('%s', async (_how, end) => {
    const opened = new Opened()
    await reach(opened)
    await end(opened)
    await settled()
    expectOneEnd(opened.last, finished)
    expect(opened.wire.destroyed).toBe(true)
    expect(opened.closed).toBe(1)
  })

  it('the connection may be closed after it', async () => {
    const opened = new Opened()
    await reach(opened)
    opened.connection.close()
    opened.connection.close()
    await settled()
    expect(opened.wire.writableEnded).toBe(false)
    await opened.after(opens(0, 200_000), opens(1, 200_000))
    const { request, response } = opened.last
    request.resume()
    if (!request.complete) await opened.after(data(1, 'def', true))
    if (!response.writableEnded) {
      if (!response.headersSent) response.writeHead(200, [], false)
      response.end(Buffer.from('last'))
    }
    await settled()
    expectOneEnd(opened.last, true)
    expect(opened.seen.filter((line) => line.startsWith('goaway'))).toEqual(['goaway 1 NO_ERROR'])
    expect(opened.of(1).at(-1)).toMatch(/end$/)
    expect(opened.wire.writableFinished).toBe(true)
  })
})

/** Nothing more is sent on the stream, and the connection goes on. */
async function expectUseless(opened: Opened): Promise<void> {
  const before = opened.seen.length
  const { response, request, id } = opened.last
  expect(response.write(Buffer.alloc(10))).toBe(true)
  response.writeHead(200, [], false)
  response.end(Buffer.from('late'))
  request.pause()
  request.resume()
  request.discard()
  await opened.after(data(id, 'late'), opens(id, 5), reset(id))
  expect(opened.seen.slice(before)).toEqual([])
  expect(await opened.answers()).toBe(true)
  expect(opened.closed).toBe(0)
}

describe('after a graceful close', () => {
  it('what comes on streams that are not accepted any more is ignored, and those in flight are finished', async () => {
    const opened = await new Opened().after(get(1))
    opened.connection.close()
    await opened.after(
      post(3),
      data(3, 'abc'),
      opens(3, 5),
      reset(3),
      post(5),
      data(5, 16_384),
      headers(5, [['x-a', 'b']], true),
    )
    expect(opened.begun).toHaveLength(1)
    expect(opened.seen).toEqual(['goaway 1 NO_ERROR'])
    for (let i = 0; i < 20; i++) await opened.after(data(5, 16_384))
    answer(opened.last, 'good')
    await settled()
    expect(opened.of(1)).toEqual(['head 1 200', 'data 1 4 end'])
    expect(opened.seen.filter((line) => line.startsWith('goaway'))).toEqual(['goaway 1 NO_ERROR'])
  })

  it('frames on streams that nobody has begun still end it', async () => {
    const opened = await new Opened().after(get(1))
    opened.connection.close()
    await opened.after(data(3, 'abc'))
    expect(opened.seen).toEqual(['goaway 1 NO_ERROR', 'goaway 1 PROTOCOL_ERROR'])
  })

  it.each([
    ['without a request', 0],
    ['with one in flight', 1],
  ])('a connection %s is ended, and closed at once when the client has ended it, too', async (_what, count) => {
    const opened = await new Opened().after(...(count > 0 ? [get(1)] : []))
    opened.connection.close()
    if (count > 0) answer(opened.last)
    await settled()
    expect(opened.wire.writableFinished).toBe(true)
    expect(opened.wire.destroyed).toBe(false)
    opened.wire.finish()
    await settled()
    expect(opened.wire.destroyed).toBe(true)
    expect(opened.closed).toBe(1)
  })

  it('a client that asks on does not lose the last response, however slowly it reads', async () => {
    const opened = await new Opened().after(get(1))
    opened.wire.full = true
    answer(opened.last, Buffer.alloc(30_000))
    opened.connection.close()
    await settled()
    await opened.after(
      ...Array.from({ length: 5 }, () => Buffer.from('0000080600000000000000000000000000', 'hex')),
      get(3),
    )
    expect(opened.wire.destroyed).toBe(false)
    opened.wire.drain()
    await settled()
    expect(opened.bodyOf(1)).toHaveLength(30_000)
    expect(opened.last.events).toContain('finish')
    expect(opened.wire.writableFinished).toBe(true)
  })

  it('the connection is destroyed after the idle timeout if the client does not read', async () => {
    const opened = await new Opened({ idleTimeout: 30 }).after(get(1))
    opened.wire.full = true
    answer(opened.last, Buffer.alloc(30_000))
    opened.connection.close()
    await once(opened.wire, 'close')
    expect(opened.closed).toBe(1)
  })
})

describe('GOAWAY of the client', () => {
  it('has streams in flight finish, and then the connection end', async () => {
    const opened = await new Opened().after(get(1), get(3), goAway())
    expect(opened.seen).toEqual(['goaway 3 NO_ERROR'])
    for (const one of opened.begun) answer(one, `${one.id}`)
    await settled()
    expect([opened.of(1), opened.of(3)]).toEqual([
      ['head 1 200', 'data 1 1 end'],
      ['head 3 200', 'data 3 1 end'],
    ])
    expect(opened.wire.writableFinished).toBe(true)
  })

  it('without streams ends the connection', async () => {
    const opened = await new Opened().after(goAway())
    expect(opened.seen).toEqual(['goaway 0 NO_ERROR'])
    expect(opened.wire.writableFinished).toBe(true)
  })
})

describe('an idle connection', () => {
  it('is ended after the timeout', async () => {
    const opened = new Opened({ idleTimeout: 20 })
    await once(opened.wire, 'close')
    expect(opened.seen).toEqual(['goaway 0 NO_ERROR'])
    expect(opened.closed).toBe(1)
  })

  it('is one whose last stream is over, and none that has a stream', async () => {
    const opened = await new Opened({ idleTimeout: 20 }).after(get(1))
    await new Promise((resolve) => setTimeout(resolve, 40))
    expect(opened.wire.destroyed).toBe(false)
    answer(opened.last)
    await once(opened.wire, 'close')
    expect(opened.of(1)).toEqual(['head 1 200', 'data 1 0 end'])
    expect(opened.seen.at(-1)).toBe('goaway 1 NO_ERROR')
  })

  it('is not ended if there is no timeout', async () => {
    const opened = new Opened({ idleTimeout: 0, headerTimeout: 0 })
    await new Promise((resolve) => setTimeout(resolve, 10))
    expect(await opened.answers()).toBe(true)
  })
})

it('emptied() waits for what the kernel has yet to take, also if it never does', async () => {
  for (const how of ['drain', 'destroy'] as const) {
    const opened = await new Opened().after(get(1))
    opened.wire.full = true
    answer(opened.last, 'body')
    let emptied = false
    const done = opened.connection.emptied().then(() => {
      emptied = true
    })
    await settled()
    expect(emptied).toBe(false)
    opened.wire[how]()
    await done
  }
})

it('a body that waits for a reader is lost with its stream, and readers are not called any more', async () => {
  const opened = await new Opened({ begins: () => {} }).after(post(1), data(1, 'abc'), reset(1))
  readBody(opened.last)
  await settled()
  expect(opened.last.body).toBe('')
  expect(opened.last.events).toEqual(['aborted', 'close'])
})
