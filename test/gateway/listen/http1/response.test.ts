import { describe, expect, it } from 'vitest'
import { type BodySource, Http1Request } from '../../../../src/gateway/listen/http1/request.ts'
import { readRequestHead } from '../../../../src/gateway/listen/http1/request-head.ts'
import { Http1Response } from '../../../../src/gateway/listen/http1/response.ts'
import { parse } from '../../proxy/client/parsed.ts'
import { settled } from './opened.ts'
import { Wire } from './wire.ts'

interface Options {
  readonly method?: string
  readonly version?: '1.0' | '1.1'
  readonly fields?: string
  readonly keepAlive?: boolean
}

function open({ method = 'GET', version = '1.1', fields = '', keepAlive = true }: Options = {}) {
  const wire = new Wire()
  const source: BodySource = { socket: wire, pause: () => {}, resume: () => {} }
  const request = new Http1Request(readRequestHead(`${method} / HTTP/${version}\r\n${fields}\r\n`), source)
  const events: string[] = []
  const response = new Http1Response(
    request,
    { socket: wire, idleTimeout: 5_000, answered: () => void events.push('answered') },
    keepAlive,
  )
  response.on('finish', () => events.push('finish'))
  response.on('close', () => events.push('close'))
  return { wire, request, response, events }
}

/** Without Date, and in lower case. */
function fieldsOf(written: string): string[] {
  const head = written.slice(0, written.indexOf('\r\n\r\n'))
  return head
    .split('\r\n')
    .slice(1)
    .filter((line) => !line.startsWith('Date: '))
    .map((line) => line.toLowerCase())
}

const kept = ['connection: keep-alive', 'keep-alive: timeout=5']
const closed = ['connection: close']
const hello = Buffer.from('hello')

describe('the framing of an answer', () => {
  it.each<[string, Options, number, readonly string[], readonly string[], string]>([
    ['with a length', {}, 200, ['Content-Length', '5'], ['content-length: 5', ...kept], 'hello'],
    ['without a length', {}, 200, [], [...kept, 'transfer-encoding: chunked'], '5\r\nhello\r\n0\r\n\r\n'],
    ['of HEAD with a length', { method: 'HEAD' }, 200, ['content-length', '5'], ['content-length: 5', ...kept], ''],
    ['of HEAD without a length', { method: 'HEAD' }, 200, [], kept, ''],
    ['204', {}, 204, [], kept, ''],
    ['304', {}, 304, ['ETag', '"a"'], ['etag: "a"', ...kept], ''],
    ['in HTTP/1.0', { version: '1.0' }, 200, ['Content-Length', '5'], ['content-length: 5', ...kept], 'hello'],
    ['without a length in HTTP/1.0', { version: '1.0' }, 200, [], closed, 'hello'],
    [
      'without keep-alive',
      { keepAlive: false },
      200,
      ['Content-Length', '5'],
      ['content-length: 5', ...closed],
      'hello',
    ],
    [
      'that says close',
      {},
      200,
      ['Connection', 'x, Close', 'Content-Length', '5'],
      ['content-length: 5', ...closed],
      'hello',
    ],
    [
      'that says closed',
      {},
      200,
      ['Connection', 'closed', 'Content-Length', '5'],
      ['content-length: 5', ...kept],
      'hello',
    ],
    [
      'with fields of an upstream about its own connection',
      {},
      200,
      ['Keep-Alive', 'timeout=99', 'TRANSFER-ENCODING', 'gzip', 'connection', 'keep-alive'],
      [...kept, 'transfer-encoding: chunked'],
      '5\r\nhello\r\n0\r\n\r\n',
    ],
    [
      'of a client that waits for 100 Continue',
      { method: 'POST', fields: 'Expect: 100-continue\r\nContent-Length: 5\r\n' },
      417,
      ['Content-Length', '5'],
      ['content-length: 5', ...closed],
      'hello',
    ],
  ])('%s', async (_, options, status, fields, expected, body) => {
    const { wire, response, events } = open(options)
    response.writeHead(status, fields)
    response.end(hello)
    expect(response.shouldKeepAlive).toBe(!expected.includes('connection: close'))
    expect([events, wire.written], 'not within the call').toEqual([[], ''])
    await settled()
    expect(fieldsOf(wire.written)).toEqual(expected)
    expect(wire.written.slice(wire.written.indexOf('\r\n\r\n') + 4)).toBe(body)
    expect(wire.writes, 'head and body leave together').toHaveLength(1)
    expect(events).toEqual(['finish', 'answered', 'close'])
    expect([response.writableFinished, response.socket]).toEqual([true, undefined])
  })

  it('has a Date of its own only if it was given none', () => {
    const own = open()
    own.response.writeHead(200, [])
    own.response.flushHeaders()
    expect(Date.parse(/^Date: (.*)\r$/m.exec(own.wire.written)?.[1] ?? '')).toBeGreaterThan(Date.now() - 60_000)
    const given = open()
    given.response.writeHead(200, ['date', 'Thu, 01 Jan 1970 00:00:00 GMT'])
    given.response.flushHeaders()
    expect(given.wire.written.match(/date: .*/gi)).toEqual(['date: Thu, 01 Jan 1970 00:00:00 GMT'])
  })

  it.each([
    [1, 8_192],
    [8_192, 8_193],
    [20_000, 1],
    [100_000, 70_000],
  ])('holds for pieces of %i and %i bytes', async (one, other) => {
    for (const fields of [[], ['Content-Length', String(one + other)]]) {
      const { wire, response } = open()
      response.writeHead(200, fields)
      response.write(Buffer.alloc(one, 'a'))
      response.write(Buffer.alloc(0))
      response.end(Buffer.alloc(other, '\xe9', 'latin1'))
      await settled()
      const parsed = parse([Buffer.from(wire.written, 'latin1')], false)
      expect(parsed.complete).toBe(true)
      expect(parsed.body === 'a'.repeat(one) + '\xe9'.repeat(other)).toBe(true)
      expect(wire.writes).toHaveLength(2)
    }
  })

  it('takes trailers in chunks, and in nothing else', async () => {
    for (const [options, fields, expected] of [
      [{}, [], '5\r\nhello\r\n0\r\nX-Sum: 1\r\nY: \r\n\r\n'],
      [{}, ['Content-Length', '5'], 'hello'],
      [{ method: 'HEAD' }, [], ''],
    ] as const) {
      const { wire, response } = open(options)
      response.writeHead(200, fields)
      response.write(hello)
      response.addTrailers({ 'X-Sum': '1', Y: '' })
      response.end()
      await settled()
      expect(wire.written.slice(wire.written.indexOf('\r\n\r\n') + 4)).toBe(expected)
    }
  })
})

describe('what cannot be sent', () => {
  const injected = ['a\r\nX: y', 'a\nb', 'a\rb', 'a\0', '\x7f', '\u0100', '\u560d\u560a', '\ud83d']
  const noNames = ['', 'a b', 'a:', 'a\r\nb', 'a\n', '\xe9', '\u0121', 'a(', '"a"']

  it.each(injected)('the value %j', async (value) => {
    const { wire, response } = open()
    for (const name of ['X', 'Connection', 'Keep-Alive', 'Transfer-Encoding', 'Content-Length', 'Date', 'Set-Cookie'])
      expect(() => response.writeHead(200, ['A', 'b', name, value])).toThrow(`invalid value of the header ${name}`)
    expect(() => response.writeInformation(103, { Link: value })).toThrow('invalid value')
    expect(() => response.addTrailers({ 'X-Sum': value })).toThrow('invalid value')
    expect([response.headersSent, wire.written]).toEqual([false, ''])
    response.writeHead(500, ['Content-Length', '0'])
    response.end()
    await settled()
    expect(wire.written).toMatch(/^HTTP\/1\.1 500 /)
  })

  it.each(noNames)('the name %j', (name) => {
    const { wire, response } = open()
    expect(() => response.writeHead(200, [name, 'a'])).toThrow('invalid header name')
    expect(() => response.writeInformation(103, { [name]: 'a' })).toThrow('invalid header name')
    expect(() => response.addTrailers({ [name]: 'a' })).toThrow('invalid header name')
    expect([response.headersSent, wire.written]).toEqual([false, ''])
  })

  it('a second head, or an interim answer behind a head', () => {
    const { wire, response } = open()
    response.writeHead(200, [])
    expect(() => response.writeHead(200, [])).toThrow('already sent')
    response.writeInformation(103, {})
    response.writeContinue()
    response.probe()
    expect(wire.written).toBe('')
  })
})

describe('interim answers', () => {
  it('precede the head', async () => {
    const { wire, response } = open({ method: 'POST', fields: 'Expect: 100-continue\r\nContent-Length: 5\r\n' })
    response.writeContinue()
    response.writeInformation(103, { Link: '</a>' })
    response.writeHead(200, ['Content-Length', '0'])
    response.end()
    await settled()
    const [first, second, third] = wire.written.split('\r\n\r\n')
    expect([first, second]).toEqual(['HTTP/1.1 100 Continue', 'HTTP/1.1 103 Early Hints\r\nLink: </a>'])
    expect(third).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*keep-alive/)
  })
})

describe('the end of an answer', () => {
  it('is reported once the kernel has taken all of it', async () => {
    const { wire, response, events } = open()
    wire.full = true
    response.writeHead(200, [])
    expect(response.write(Buffer.alloc(100_000))).toBe(false)
    response.end()
    await settled()
    expect([events, response.writableEnded, response.writableFinished]).toEqual([[], true, false])
    while (wire.writableLength > 0) {
      wire.drain()
      await settled()
    }
    expect(events).toEqual(['finish', 'answered', 'close'])
  })

  it.each([
    ['bytes that the kernel has not taken', true],
    ['nothing else to send', false],
  ])('is no end if its connection is destroyed with %s', async (_, full) => {
    const { wire, response, events } = open()
    wire.on('close', () => response.cut())
    wire.full = full
    response.writeHead(200, [])
    response.write(hello)
    if (!full) wire.destroy()
    response.end()
    wire.destroy()
    await settled()
    expect([events, response.writableFinished]).toEqual([['close'], false])
  })

  it('comes once: what is written behind it is dropped', async () => {
    const { wire, response, events } = open()
    response.writeHead(200, [])
    response.end(hello)
    response.end(hello)
    response.write(hello)
    response.flushHeaders()
    response.probe()
    await settled()
    const { written } = wire
    expect(parse([Buffer.from(written, 'latin1')], false).body).toBe('hello')
    expect(wire.writes).toHaveLength(1)
    response.end(hello)
    response.write(hello)
    response.writeContinue()
    response.cut()
    let called = 0
    response.write(hello, () => {
      called += 1
    })
    await settled()
    expect([wire.written, events, called]).toEqual([written, ['finish', 'answered', 'close'], 1])
  })
})

describe('a probe whether the client still reads', () => {
  it('is an interim answer before the head, and then part of the next size', async () => {
    const { wire, response } = open()
    response.probe()
    expect(wire.written).toBe('HTTP/1.1 100 Continue\r\n\r\n')
    response.writeHead(200, [])
    response.probe()
    response.write(hello)
    response.probe()
    response.write(hello)
    response.probe()
    response.end()
    await settled()
    const { interim, body, complete } = parse([Buffer.from(wire.written, 'latin1')], false)
    expect({ interim, body, complete }).toEqual({ interim: [100], body: 'hellohello', complete: true })
  })

  it.each<[string, Options, readonly string[]]>([
    ['HTTP/1.0', { version: '1.0' }, []],
    ['a body of known length', {}, ['Content-Length', '10']],
  ])('has no room in %s', (_, options, fields) => {
    const { wire, response } = open(options)
    response.writeHead(200, fields)
    response.write(hello)
    const { written } = wire
    response.probe()
    expect(wire.written).toBe(written)
  })
})
