import { describe, expect, it } from 'vitest'
import { readInto } from '../../../../src/gateway/http1/own-buffer.ts'
import { answer, chunked, get, Opened, post, settled } from './opened.ts'
import { read, splits } from './parsed.ts'

const statusLines = (written: string) => written.match(/HTTP\/1\.1 \d\d\d/g) ?? []

describe('requests of one connection', () => {
  it('are read alike however they are cut', async () => {
    const text =
      get('/a') +
      post('/b', 'hello') +
      chunked('/c', '5;a=b\r\nhello\r\n1\r\n!\r\n0\r\nX-Sum: 1\r\n\r\n') +
      `\r\n${get('/d', 'Connection: close\r\n')}`
    const whole = await read([Buffer.from(text, 'latin1')])
    expect(
      whole.requests.map(({ target, body, trailers, complete }) => ({ target, body, trailers, complete })),
    ).toEqual([
      { target: '/a', body: '', trailers: [], complete: true },
      { target: '/b', body: 'hello', trailers: [], complete: true },
      { target: '/c', body: 'hello!', trailers: ['X-Sum', '1'], complete: true },
      { target: '/d', body: '', trailers: [], complete: true },
    ])
    for (const pieces of splits(text)) expect(await read(pieces), String(pieces[0])).toEqual(whole)
  })

  it('begin one at a time, in the order they came', async () => {
    const opened = new Opened()
    opened.wire.receive(get('/1') + post('/2', 'x') + get('/3'))
    await settled()
    expect(opened.targets).toEqual(['/1'])
    answer(opened.last, 'one')
    await settled()
    expect(opened.targets).toEqual(['/1', '/2'])
    opened.last.request.resume()
    answer(opened.last, 'two')
    await settled()
    answer(opened.last, 'three')
    await settled()
    expect(opened.wire.written.match(/one|two|three/g)).toEqual(['one', 'two', 'three'])
  })

  it('do not begin before all of the answer before them is handed to the kernel', async () => {
    const opened = new Opened()
    opened.wire.full = true
    opened.wire.receive(get('/1') + get('/2'))
    answer(opened.last)
    await settled()
    expect(opened.targets).toEqual(['/1'])
    opened.wire.drain()
    await settled()
    expect(opened.targets).toEqual(['/1', '/2'])
  })

  it('do not begin behind an answer that closes', async () => {
    const opened = new Opened()
    opened.wire.receive(get('/1', 'Connection: close\r\n') + get('/2'))
    answer(opened.last)
    await settled()
    expect(opened.targets).toEqual(['/1'])
    expect(opened.wire.writableEnded).toBe(true)
    opened.wire.receive(get('/3'))
    opened.wire.finish()
    await opened.closed
    expect(opened.targets).toEqual(['/1'])
    expect(statusLines(opened.wire.written)).toHaveLength(1)
  })

  it('that came ahead are not read beyond 64 KB', async () => {
    const opened = new Opened()
    opened.wire.receive(get('/'))
    while (!opened.wire.isPaused()) opened.wire.receive(get('/').padEnd(8_000, ' '))
    opened.wire.receive('x'.repeat(60_000))
    expect(opened.targets).toEqual(['/'])
    opened.wire.destroy()
    await opened.closed
  })

  it('may be separated by four empty lines, and no more', async () => {
    const opened = new Opened({}, (begun) => answer(begun))
    opened.wire.receive(`\r\n\r\n\r\n\r\n${get('/1')}\r\n\r\n\r\n\r\n${get('/2')}`)
    await settled()
    expect(opened.targets).toEqual(['/1', '/2'])
    opened.wire.receive('\r\n\r\n\r\n\r\n\r\n')
    await settled()
    expect(opened.last.refusal?.status).toBe(400)
  })

  it.each([
    ['the bytes of another protocol', '\x16\x03\x01\x02\x00\x01', 400],
    ['a line that is no field', get('/').replace('Host:', 'Host :'), 400],
    ['a head beyond the limit', `${get('/').slice(0, -2)}X: ${'x'.repeat(16_000)}`, 431],
    ['a bare LF', 'GET / HTTP/1.1\nHost: a\n', 400],
  ])('%s: one refusal, and what follows is discarded', async (_, bytes, status) => {
    const opened = new Opened()
    opened.wire.receive(bytes)
    expect(opened.begun.map(({ refusal }) => refusal?.status)).toEqual([status])
    opened.wire.receive(get('/2'))
    answer(opened.last)
    opened.wire.receive(get('/3'))
    await settled()
    expect(opened.begun).toHaveLength(1)
    expect(opened.wire.writableEnded).toBe(true)
    opened.wire.finish()
    await opened.closed
  })
})

describe('a body', () => {
  it('that nobody reads is discarded before the next request', async () => {
    const opened = new Opened()
    opened.wire.receive(post('/1', 'x'.repeat(1_000)).slice(0, -500))
    answer(opened.last)
    await settled()
    opened.wire.receive(`${'x'.repeat(500)}${get('/2')}`)
    await settled()
    expect(opened.targets).toEqual(['/1', '/2'])
  })

  it('that never comes does not keep an answered connection open', async () => {
    const opened = new Opened({ idleTimeout: 20 })
    opened.wire.receive(post('/', 'x'.repeat(1_000)).slice(0, -500))
    answer(opened.last)
    await opened.closed
    expect(opened.wire.written).toMatch(/^HTTP\/1\.1 200/)
  })

  it('that turns out malformed is reported once, and none of the read that says so is delivered', async () => {
    const opened = new Opened()
    const data: string[] = []
    opened.wire.receive(chunked('/', '5\r\nhello\r\n'))
    opened.last.request.on('data', (chunk: Buffer) => data.push(String(chunk)))
    await settled()
    opened.wire.receive('1\r\n!\r\n1\r\nxx\r\n')
    opened.wire.receive('0\r\n\r\n')
    expect(data).toEqual(['hello'])
    expect(opened.broken.map(({ status }) => status)).toEqual([400])
    expect(opened.last.request.complete).toBe(false)
    answer(opened.last)
    await settled()
    expect(opened.wire.writableEnded).toBe(true)
  })

  it('that turns out malformed once its answer is over ends the connection without another answer', async () => {
    const opened = new Opened()
    opened.wire.receive(chunked('/', '5\r\nhello\r\n'))
    answer(opened.last)
    await settled()
    opened.wire.receive(`z\r\n${get('/2')}`)
    await settled()
    expect(opened.targets).toEqual(['/'])
    expect(opened.broken).toEqual([])
    expect(statusLines(opened.wire.written)).toHaveLength(1)
    expect(opened.wire.writableEnded).toBe(true)
  })

  it('in a thousand small chunks comes as one piece of each read', async () => {
    const opened = new Opened()
    opened.wire.receive(chunked('/', '1\r\nx\r\n'.repeat(1_000)))
    const lengths: number[] = []
    opened.last.request.on('data', ({ length }: Buffer) => lengths.push(length))
    await settled()
    expect(lengths).toEqual([1_000])
  })

  it('whose reader pauses stops the connection until it resumes', async () => {
    const opened = new Opened()
    opened.wire.receive(post('/', 'x'.repeat(30)).slice(0, -20))
    const { request } = opened.last
    let seen = ''
    request.on('data', (chunk: Buffer) => {
      seen += chunk
      request.pause()
    })
    await settled()
    opened.wire.receive('x'.repeat(10))
    expect(opened.wire.isPaused()).toBe(true)
    expect([seen.length, request.readableLength]).toEqual([10, 10])
    request.resume()
    await settled()
    expect(seen.length).toBe(20)
    request.resume()
    await settled()
    expect(opened.wire.isPaused()).toBe(false)
  })
})

describe('the end of a client', () => {
  it.each([
    ['nothing', ''],
    ['half a head', 'GET / HT'],
    ['half a body', post('/', 'x'.repeat(9)).slice(0, -1)],
    ['half a chunked body', chunked('/', '5\r\nhel')],
  ])('behind %s closes the connection', async (_, bytes) => {
    const opened = new Opened()
    opened.wire.receive(bytes)
    opened.wire.finish()
    await opened.closed
    expect(opened.wire.written).toBe('')
  })

  it.each([
    ['a body', post('/2', 'x'.repeat(9)).slice(0, -1)],
    ['a head', get('/2').slice(0, -3)],
  ])('within %s that came ahead closes the connection behind the answer before it', async (_, bytes) => {
    const opened = new Opened()
    opened.wire.receive(get('/1') + bytes)
    opened.wire.finish()
    await settled()
    expect(opened.wire.destroyed).toBe(false)
    answer(opened.last)
    await opened.closed
    expect(statusLines(opened.wire.written)).toHaveLength(1)
  })

  it('lets each request that came ahead be answered, and each is watched', async () => {
    const opened = new Opened()
    opened.wire.receive(get('/1') + get('/2'))
    opened.wire.finish()
    await settled()
    answer(opened.last)
    await settled()
    answer(opened.last)
    await opened.closed
    expect(statusLines(opened.wire.written)).toHaveLength(2)
    expect(opened.wire.written).toMatch(
      /Connection: close\r\nContent|Content-Length: 0\r\nDate: .*\r\nConnection: close/,
    )
    expect(opened.halfClosed).toBe(2)
  })

  it('reaches the reader of a body as `aborted`', async () => {
    const opened = new Opened()
    opened.wire.receive(post('/', 'x'.repeat(9)).slice(0, -1))
    let aborted = 0
    opened.last.request.on('aborted', () => {
      aborted += 1
    })
    opened.wire.destroy()
    await opened.closed
    expect(aborted).toBe(1)
    expect(opened.last.response.writableFinished).toBe(false)
  })
})

describe('a late client', () => {
  it('is answered with 408 once it has sent part of a head', async () => {
    const opened = new Opened({ headerTimeout: 10 })
    opened.wire.receive('GET / HTTP/1.1\r\n')
    while (opened.late.length === 0) await settled()
    opened.late[0]?.()
    expect(opened.last.refusal?.status).toBe(408)
    opened.wire.receive('Host: a\r\n\r\n')
    expect(opened.begun).toHaveLength(1)
    opened.wire.destroy()
  })

  it('whose head arrives before its turn to be refused is served', async () => {
    const opened = new Opened({ headerTimeout: 10 })
    opened.wire.receive('POST / HTTP/1.1\r\n')
    while (opened.late.length === 0) await settled()
    opened.wire.receive('Content-Length: 5\r\n\r\n')
    opened.late[0]?.()
    expect(opened.begun.map(({ refusal }) => refusal)).toEqual([undefined])
    expect(opened.broken).toEqual([])
    opened.wire.destroy()
  })

  it.each([
    ['has sent nothing', ''],
    ['is idle behind an answer', get('/')],
    ['has sent an empty line behind its request', `${get('/')}\r\n`],
  ])('that %s is closed without an answer', async (_, bytes) => {
    const opened = new Opened({ headerTimeout: 10, idleTimeout: 10 }, (begun) => answer(begun))
    if (bytes !== '') opened.wire.receive(bytes)
    await opened.closed
    expect(opened.late).toEqual([])
    expect(statusLines(opened.wire.written)).toHaveLength(opened.begun.length)
  })

  it('that has sent an empty line in two pieces is as idle as before', async () => {
    const opened = new Opened({ headerTimeout: 10, idleTimeout: 10 }, (begun) => answer(begun))
    opened.wire.receive(get('/'))
    await settled()
    opened.wire.receive('\r')
    opened.wire.receive('\n')
    await opened.closed
    expect(opened.late).toEqual([])
  })
})

describe('an upgrade', () => {
  const handshake = get('/', 'Connection: Upgrade\r\nUpgrade: websocket\r\n')

  it('hands over what followed its head, and then the socket', async () => {
    const opened = new Opened()
    opened.wire.receive(`${handshake}first`)
    opened.wire.receive(' second')
    expect(opened.last.upgrade?.detach().toString()).toBe('first second')
    let seen = ''
    readInto(opened.wire, (bytes) => {
      seen += bytes
    })
    opened.wire.receive('third')
    opened.wire.receive(get('/2'))
    await settled()
    expect(seen).toBe(`third${get('/2')}`)
    expect(opened.begun).toHaveLength(1)
    opened.wire.destroy()
  })

  it('that is refused closes the connection, and nothing behind it is a request', async () => {
    const opened = new Opened()
    opened.wire.receive(handshake + get('/2'))
    answer(opened.last)
    opened.wire.receive(get('/3'))
    await settled()
    expect(opened.targets).toEqual(['/'])
    expect(opened.wire.written).toMatch(/Connection: close/)
    expect(opened.wire.writableEnded).toBe(true)
    opened.wire.destroy()
  })

  it('that came ahead is a plain request, the last one', async () => {
    const opened = new Opened({}, (begun) => answer(begun))
    opened.wire.receive(get('/1') + handshake + get('/3'))
    await settled()
    expect(opened.targets).toEqual(['/1', '/'])
    expect(opened.last.upgrade).toBeUndefined()
    expect(opened.wire.writableEnded).toBe(true)
    opened.wire.destroy()
  })

  it.each([
    ['a body', post('/', 'x', 'Connection: Upgrade\r\nUpgrade: websocket\r\n')],
    ['another protocol', get('/', 'Connection: Upgrade\r\nUpgrade: h2c\r\n')],
    ['HTTP/1.0', handshake.replace('1.1', '1.0')],
    ['no Connection', get('/', 'Upgrade: websocket\r\n')],
  ])('with %s is a plain request', async (_, bytes) => {
    const opened = new Opened()
    opened.wire.receive(bytes)
    expect(opened.last.upgrade).toBeUndefined()
    opened.wire.destroy()
  })

  it('whose client ends its side is over', async () => {
    const opened = new Opened()
    opened.wire.receive(handshake)
    opened.wire.finish()
    await opened.closed
  })
})
