import { describe, expect, it } from 'vitest'
import { ChunkedBody } from '../../../../src/gateway/http1/chunked-body.ts'
import type { FaultKind } from '../../../../src/gateway/http1/fault.ts'
import { splits } from './parsed.ts'

class Fault extends Error {
  readonly kind: FaultKind

  constructor(what: string, kind: FaultKind) {
    super(what)
    this.kind = kind
  }
}

/** The body, its trailers and what is behind; or why it is refused. */
function read(pieces: readonly Buffer[], limit = 1_000, strict = true) {
  const body = new ChunkedBody(limit, (what, kind = 'malformed') => new Fault(what, kind), strict)
  const data: Buffer[] = []
  let rest = ''
  try {
    for (const piece of pieces) {
      const taken: Buffer[] = []
      const end = body.take(piece, 0, taken)
      data.push(...taken.map((part) => Buffer.from(part)))
      rest += piece.toString('latin1', end)
    }
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    return `${error.kind}: ${error.message}`
  }
  return { body: Buffer.concat(data).toString('latin1'), trailers: body.trailers, rest }
}

const bytes = (text: string) => [Buffer.from(text, 'latin1')]

describe('a chunked body of a request', () => {
  it.each([
    ['0\r\n\r\n', '', []],
    ['5\r\nhello\r\n0\r\n\r\n', 'hello', []],
    ['a\r\n0123456789\r\n0\r\n\r\n', '0123456789', []],
    ['A\r\n0123456789\r\n00\r\n\r\n', '0123456789', []],
    ['0000000000000005\r\nhello\r\n0\r\n\r\n', 'hello', []],
    ['2\r\n\r\n\r\n3\r\n0\r\n\r\n0\r\n\r\n', '\r\n0\r\n', []],
    ['1;a\r\nx\r\n0;b="c;d"\r\n\r\n', 'x', []],
    ['1;\ta = \xe9\r\nx\r\n0\r\nX-Sum: 1\r\nY:\r\n\r\n', 'x', ['X-Sum', '1', 'Y', '']],
  ])('%j', (text, body, trailers) => {
    const behind = 'GET / HTTP/1.1\r\n\r\n'
    expect(read(bytes(text + behind))).toEqual({ body, trailers, rest: behind })
    for (const pieces of splits(text)) expect(read(pieces)).toEqual({ body, trailers, rest: '' })
  })

  it.each([
    ['\r\n', 'a chunk without a size'],
    [';a\r\n', 'a chunk without a size'],
    ['g\r\n', 'a chunk without a size'],
    ['-1\r\n', 'a chunk without a size'],
    ['0x5\r\nhello\r\n', 'an invalid chunk size'],
    ['5 \r\nhello\r\n', 'an invalid chunk size'],
    ['5\t;a\r\nhello\r\n', 'an invalid chunk size'],
    ['5\nhello\r\n', 'an invalid chunk size'],
    ['5,5\r\nhello\r\n', 'an invalid chunk size'],
    ['5\rhello\r\n', 'a chunk size whose line does not end with CRLF'],
    ['5;a\nhello\r\n', 'a control character in a chunk extension'],
    ['5;\x7f\r\nhello\r\n', 'a control character in a chunk extension'],
    ['5;a\rb\r\nhello\r\n', 'a chunk size whose line does not end with CRLF'],
    ['5\r\nhello!\r\n', 'a chunk longer than its size'],
    ['5\r\nhello\n0\r\n\r\n', 'a chunk longer than its size'],
    ['5\r\nhello\r0\r\n\r\n', 'a chunk longer than its size'],
    ['00000000000000005\r\nhello', 'a chunk size that is too large'],
    ['20000000000000\r\nhello', 'a chunk size that is too large'],
    ['ffffffffffffffff\r\nhello', 'a chunk size that is too large'],
    ['0\r\nX : 1\r\n\r\n', 'the line "X : 1" is no header field'],
    ['0\r\n X: 1\r\n\r\n', 'the line " X: 1" is no header field'],
    ['0\r\nX: \0\r\n\r\n', 'a control character in its trailers'],
    ['0\r\nX: 1\n\r\n\r\n', expect.stringContaining('its trailers')],
    ['0\r\nGET / HTTP/1.1\r\n\r\n', 'the line "GET / HTTP/1.1" is no header field'],
    ['0\r\nContent-Length: 5\r\n\r\n', 'a trailer that frames the message'],
    ['0\r\nX: 1\r\ntransfer-encoding: chunked\r\n\r\n', 'a trailer that frames the message'],
  ])('%j is refused', (text, why) => {
    const expected = typeof why === 'string' ? `malformed: ${why}` : why
    expect(read(bytes(text))).toEqual(expected)
    for (const pieces of splits(text)) expect(read(pieces)).toEqual(expected)
  })

  it('is bounded in its extensions and its trailers', () => {
    const extended = (length: number) => `1;${'x'.repeat(length)}\r\n`
    expect(read(bytes(`${extended(4_000)}x\r\n${extended(4_000)}`))).toMatchObject({ body: 'x' })
    expect(read(bytes(extended(5_000)))).toBe('extension-too-long: a chunk extension of more than 4096 bytes')
    const trailers = `0\r\nX: ${'x'.repeat(100)}\r\n\r\n`
    expect(read(bytes(trailers), 107)).toMatchObject({ trailers: ['X', 'x'.repeat(100)] })
    for (const pieces of [bytes(trailers), ...splits(trailers)])
      expect(read(pieces, 104)).toBe('too-long: its trailers are longer than the limit of 104 bytes')
  })

  it('is refused before its trailers are complete if they cannot become valid', () => {
    expect(read(bytes('0\r\nX: 1\n'))).toMatch(/^malformed/)
  })
})

it('of an upstream may have blanks behind the size, and trailers that frame nothing', () => {
  expect(read(bytes('5 \t\r\nhello\r\n0 ;a\r\nContent-Length: 5\r\n\r\n'), 1_000, false)).toMatchObject({
    body: 'hello',
  })
})
