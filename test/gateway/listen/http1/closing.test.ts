/** When a connection is closed, and what becomes of bytes that come too late. */
import { describe, expect, it } from 'vitest'
import { answer, get, Opened, post, settled } from './opened.ts'

const handshake = get('/', 'Connection: Upgrade\r\nUpgrade: websocket\r\n')

describe('a connection that closes while its client may still send', () => {
  it.each([
    ['a refusal', 'BAD\r\n\r\n'],
    ['the answer to an upgrade', handshake],
    ['an answer in front of a body', post('/', 'x'.repeat(9), 'Connection: close\r\n').slice(0, -1)],
    ['an answer in front of what came ahead', get('/', 'Connection: close\r\n') + get('/2')],
    ['an answer to a body whose coding is unknown', 'POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n'],
  ])('behind %s reads until the client ends its side', async (_, bytes) => {
    const opened = new Opened()
    opened.wire.receive(bytes)
    answer(opened.last, '', ['Connection', 'close'])
    await settled()
    expect([opened.wire.writableEnded, opened.wire.destroyed]).toEqual([true, false])
    opened.wire.receive(get('/late'))
    await settled()
    expect(opened.wire.destroyed).toBe(false)
    opened.wire.finish()
    await opened.closed
    expect(opened.begun).toHaveLength(1)
  })

  it('reads 64 MB and no more', async () => {
    const opened = new Opened()
    opened.wire.receive('BAD\r\n\r\n')
    answer(opened.last)
    await settled()
    const piece = Buffer.alloc(64 * 1024)
    for (let i = 0; i < 1_024; i++) opened.wire.receive(piece)
    expect(opened.wire.destroyed).toBe(false)
    opened.wire.receive('x')
    expect(opened.wire.destroyed).toBe(true)
    await opened.closed
  })

  it('is closed at once if nothing can follow', async () => {
    const opened = new Opened()
    opened.wire.receive(get('/', 'Connection: close\r\n'))
    answer(opened.last)
    await opened.closed
  })
})

describe('a connection that is to be closed if it is idle', () => {
  it.each([
    ['has sent nothing yet', '', false],
    ['waits for its answer', get('/1'), false],
    ['has its answer', get('/1'), true],
    ['has sent half of its next head', `${get('/1')}GET`, false],
    ['has its next request waiting', get('/1') + get('/2'), false],
    ['has sent half of a body that is discarded', post('/1', 'x'.repeat(9)).slice(0, -1), false],
  ])('and %s', async (name, bytes, closes) => {
    const opened = new Opened()
    if (bytes !== '') opened.wire.receive(bytes)
    if (bytes !== '' && !name.startsWith('waits')) answer(opened.last)
    // Not the turn in which the next request begins.
    if (name.includes('next request')) await Promise.resolve()
    else await settled()
    opened.connection.closeIfIdle()
    expect(opened.wire.destroyed).toBe(closes)
    opened.wire.destroy()
  })
})

it('a connection that was paused because too much came ahead is read on for the body of the last request', async () => {
  const opened = new Opened({}, (begun) => {
    if (begun.request.method === 'GET') answer(begun)
  })
  opened.wire.full = true
  opened.wire.receive(get('/'))
  for (let i = 0; i < 4; i++) opened.wire.receive(get('/').repeat(1_000))
  opened.wire.receive(post('/last', 'x'.repeat(9)).slice(0, -1))
  expect(opened.wire.isPaused()).toBe(true)
  opened.wire.drain()
  while (opened.last.request.method === 'GET') await settled()
  expect([opened.begun.length, opened.wire.isPaused()]).toEqual([4_002, false])
  opened.wire.receive('x')
  expect(opened.last.request.complete).toBe(true)
  opened.wire.destroy()
})

it('an error of a handler is not hidden by a connection that is destroyed', () => {
  const failure = new Error('of the handler')
  const opened: Opened = new Opened({}, () => {
    opened.wire.destroy()
    throw failure
  })
  expect(() => opened.wire.receive(get('/'))).toThrow(failure)
})
