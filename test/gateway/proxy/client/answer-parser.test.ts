import { describe, expect, it } from 'vitest'
import type { Expected } from '../../../../src/gateway/proxy/client/answer-parser.ts'
import { type Parsed, parse, splits } from './parsed.ts'

interface Case {
  readonly bytes: string
  /** The connection is closed behind the bytes. */
  readonly fin?: boolean
  readonly expected?: Partial<Expected>
}

function read({ bytes, fin = false, expected }: Case): Parsed {
  const whole = parse([Buffer.from(bytes, 'latin1')], fin, expected)
  for (const pieces of splits(bytes)) {
    const cut = parse(pieces, fin, expected)
    // Of an answer that is refused, how far it was read may differ, and why it is not: that it is may not.
    if (whole.error !== undefined) expect(cut.error, `cut into ${pieces.map(String)}`).toBeDefined()
    else expect(cut, `cut into ${pieces.map(String)}`).toEqual(whole)
  }
  return whole
}

const ok = 'HTTP/1.1 200 OK\r\n'
const chunked = `${ok}Transfer-Encoding: chunked\r\n\r\n`

describe('an answer, however it is cut into pieces', () => {
  it.each<[string, Case, Partial<Parsed>]>([
    [
      'of known length',
      { bytes: `${ok}Content-Length: 5\r\n\r\nhello` },
      { body: 'hello', keepAlive: true, trailers: [] },
    ],
    ['of known length, before the end', { bytes: `${ok}Content-Length: 1\r\n\r\na`, fin: true }, { body: 'a' }],
    ['without a body', { bytes: `${ok}Content-Length: 0\r\n\r\n` }, { body: '', trailers: [] }],
    ['without a body, before the end', { bytes: `${ok}Content-Length: 0\r\n\r\n`, fin: true }, { body: '' }],
    ['with bytes behind it', { bytes: `${ok}Content-Length: 2\r\n\r\nhello` }, { body: 'he', rest: 'llo' }],
    ['up to the end of the connection', { bytes: `${ok}\r\nhello`, fin: true }, { body: 'hello' }],
    ['without a reason', { bytes: 'HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n' }, { status: 200 }],
    ['with an empty reason', { bytes: 'HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n' }, { status: 200 }],
    ['with a foreign reason', { bytes: 'HTTP/1.1 200 Pr\xeat\r\nContent-Length: 0\r\n\r\n' }, { status: 200 }],
    ['of status 999', { bytes: 'HTTP/1.1 999 Denied\r\nContent-Length: 0\r\n\r\n' }, { status: 999 }],
    ['of HTTP/1.0', { bytes: 'HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na' }, { body: 'a', keepAlive: false }],
    [
      'of HTTP/1.0 that stays',
      { bytes: 'HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\na' },
      { body: 'a', keepAlive: true },
    ],
    [
      'of HTTP/1.0 that says something else',
      { bytes: 'HTTP/1.0 200 OK\r\nConnection: x\r\nContent-Length: 1\r\n\r\na' },
      { body: 'a', keepAlive: false },
    ],
    [
      'that stays for some time',
      { bytes: `${ok}Keep-Alive: timeout=15, max=100\r\nContent-Length: 0\r\n\r\n` },
      { keepAlive: true, idleTimeout: 15_000 },
    ],
    [
      'that says so last',
      { bytes: `${ok}KEEP-ALIVE: max=100,TIMEOUT=5\r\nContent-Length: 0\r\n\r\n` },
      { idleTimeout: 5_000 },
    ],
    [
      'that says something like it',
      { bytes: `${ok}Keep-Alive: xtimeout=5, timeout=x\r\nContent-Length: 0\r\n\r\n` },
      { idleTimeout: undefined },
    ],
    [
      'with other names of the same lengths',
      {
        bytes: `${ok}Set-Cookie: close, timeout=5\r\nX-Content-Type: 7\r\nX-Forwarded-Proto: https\r\nContent-Length: 1\r\n\r\na`,
      },
      {
        body: 'a',
        keepAlive: true,
        idleTimeout: undefined,
        fields: [
          ...['Set-Cookie', 'close, timeout=5', 'X-Content-Type', '7', 'X-Forwarded-Proto', 'https'],
          ...['Content-Length', '1'],
        ],
      },
    ],
    [
      'that closes',
      { bytes: `${ok}Connection: x, Close\r\nContent-Length: 0\r\n\r\n` },
      { keepAlive: false, fields: ['Connection', 'x, Close', 'Content-Length', '0'] },
    ],
    [
      'with every kind of value',
      { bytes: `${ok}A:\r\nB: \t b c \t\r\nC: caf\xe9\xa0\r\nContent-Length: 0\r\n\r\n` },
      { fields: ['A', '', 'B', 'b c', 'C', 'caf\xe9\xa0', 'Content-Length', '0'] },
    ],
    [
      'that says the same length again',
      { bytes: `${ok}Content-Length: 05, 5\r\nContent-Length: 5\r\n\r\nhello` },
      { body: 'hello', fields: ['Content-Length', '5'] },
    ],
    ['to HEAD', { bytes: `${ok}Content-Length: 9\r\n\r\n`, expected: { method: 'HEAD' } }, { body: '' }],
    ['204 with a length', { bytes: 'HTTP/1.1 204 No\r\nContent-Length: 9\r\n\r\n' }, { body: '' }],
    ['304 in chunks', { bytes: 'HTTP/1.1 304 Not\r\nTransfer-Encoding: chunked\r\n\r\n' }, { body: '' }],
    ['in chunks', { bytes: `${chunked}5\r\nhello\r\n00A\r\n0123456789\r\n0\r\n\r\n` }, { body: 'hello0123456789' }],
    [
      'in chunks of one digit',
      { bytes: `${chunked}9\r\n012345678\r\nf\r\n0123456789abcde\r\nF\r\n0123456789abcde\r\n0\r\n\r\n` },
      { body: '0123456780123456789abcde0123456789abcde' },
    ],
    ['in a chunk of 16 digits', { bytes: `${chunked}${'0'.repeat(15)}1\r\nx\r\n0\r\n\r\n` }, { body: 'x' }],
    ['in chunks, padded', { bytes: `${chunked}5  \t\r\nhello\r\n0 \r\n\r\n` }, { body: 'hello' }],
    ['in chunks with a tab in an extension', { bytes: `${chunked}1;a\tb\r\nx\r\n0\r\n\r\n` }, { body: 'x' }],
    ['in chunks with extensions', { bytes: `${chunked}1;a="b\xe9"\r\nx\r\n1 ; c\r\ny\r\n0;d\r\n\r\n` }, { body: 'xy' }],
    [
      'in chunks with trailers',
      { bytes: `${chunked}1\r\nx\r\n0\r\nX-Sum:  1 \r\nX-Two:2\r\n\r\nrest` },
      { body: 'x', trailers: ['X-Sum', '1', 'X-Two', '2'], rest: 'rest' },
    ],
    [
      'in chunks over HTTP/1.0',
      { bytes: 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: Chunked\r\n\r\n1\r\na\r\n0\r\n\r\n' },
      { body: 'a', keepAlive: false },
    ],
    [
      'behind interim ones, asked for or not',
      {
        bytes: `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${ok}Content-Length: 1\r\n\r\na`,
      },
      { interim: [100, 103], status: 200, body: 'a' },
    ],
    [
      'that switches to what was asked for',
      {
        bytes: 'HTTP/1.1 101 Switching\r\nUpgrade: WebSocket\r\nConnection: upgrade\r\n\r\nframes',
        expected: { upgrade: 'websocket' },
      },
      { status: 101, rest: 'frames' },
    ],
  ])('%s is read', (_what, wanted, parsed) => {
    const answer = read(wanted)
    expect(answer.error).toBeUndefined()
    expect(answer).toMatchObject({ complete: true, ...parsed })
  })

  it.each<[string, Case, RegExp]>([
    ['begins with a short line', { bytes: 'HTTP/1.1 20 OK\r\nA: b\r\n\r\n' }, /it begins with "HTTP\/1.1 20 OK"$/],
    [
      'begins with a long line',
      { bytes: `HTTP/1.1 20 ${'a'.repeat(99)}\r\n\r\n` },
      /it begins with "HTTP\/1.1 20 a{28}"$/,
    ],
    ['has a short line', { bytes: `${ok}A: b\r\n(: c\r\nD: e\r\n\r\n` }, /the line "\(: c" is no header field$/],
    [
      'has a long line',
      { bytes: `${ok}A: b\r\n(: ${'c'.repeat(99)}\r\n\r\n` },
      /the line "\(: c{37}" is no header field$/,
    ],
    ['speaks RTSP', { bytes: 'RTSP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n' }, /begins with/],
    ['speaks HTTP/2', { bytes: 'HTTP/2.0 200 OK\r\n\r\n' }, /begins with/],
    ['speaks HTTP/1.2', { bytes: 'HTTP/1.2 200 OK\r\n\r\n' }, /begins with/],
    ['speaks HTTP/0.9', { bytes: 'HTTP/0.9 200 OK\r\n\r\n' }, /begins with/],
    ['speaks in small letters', { bytes: 'http/1.1 200 OK\r\n\r\n' }, /begins with/],
    ['speaks ICY', { bytes: 'ICY 200 OK\r\n\r\n' }, /begins with/],
    ['says what SSH says', { bytes: 'SSH-2.0-OpenSSH\r\n' }, /begins with/],
    ['begins with an empty line', { bytes: `\r\n${ok}\r\n` }, /begins with/],
    ['begins with a blank', { bytes: ` ${ok}\r\n` }, /begins with/],
    ['has a status of two digits', { bytes: 'HTTP/1.1 20 OK\r\n\r\n' }, /begins with/],
    ['has a status of four digits', { bytes: 'HTTP/1.1 2000 OK\r\n\r\n' }, /begins with/],
    ['has a status below 100', { bytes: 'HTTP/1.1 099 OK\r\n\r\n' }, /begins with/],
    ['has two blanks before its status', { bytes: 'HTTP/1.1  200 OK\r\n\r\n' }, /begins with/],
    ['has its status at once behind a tab', { bytes: 'HTTP/1.1\t200 OK\r\n\r\n' }, /begins with/],
    ['ends lines with LF', { bytes: 'HTTP/1.1 200 OK\nContent-Length: 0\n\n' }, /without CR/],
    ['ends one line with LF', { bytes: `${ok}A: b\nContent-Length: 0\r\n\r\n` }, /without CR|control/],
    ['ends a line with CR', { bytes: `${ok}A: b\rContent-Length: 0\r\n\r\n` }, /control/],
    ['has CR CR LF', { bytes: `${ok}A: b\r\r\n\r\n` }, /control/],
    ['has a NUL', { bytes: `${ok}A: a\0b\r\n\r\n` }, /control/],
    ['has a delete character', { bytes: `${ok}A: a\x7fb\r\n\r\n` }, /control/],
    ['folds a line', { bytes: `${ok}A: a\r\n b\r\n\r\n` }, /no header field/],
    ['folds its first line', { bytes: `${ok} A: b\r\n\r\n` }, /no header field/],
    ['has a blank before a colon', { bytes: `${ok}Content-Length : 0\r\n\r\n` }, /no header field/],
    ['has a field without a name', { bytes: `${ok}: a\r\n\r\n` }, /no header field/],
    ['has a pseudo field', { bytes: `${ok}:status: 200\r\n\r\n` }, /no header field/],
    ['has a line without a colon', { bytes: `${ok}Hello\r\nA: b\r\n\r\n` }, /no header field/],
    ['has a name that is no token', { bytes: `${ok}A(b): c\r\n\r\n` }, /no header field/],
    ['has a foreign name', { bytes: `${ok}\xe9: c\r\n\r\n` }, /no header field/],
    ['has two lengths', { bytes: `${ok}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello` }, /two different/],
    ['has two lengths in one', { bytes: `${ok}Content-Length: 5, 6\r\n\r\nhello` }, /two different/],
    ['has a negative length', { bytes: `${ok}Content-Length: -5\r\n\r\n` }, /invalid Content-Length/],
    ['has a signed length', { bytes: `${ok}Content-Length: +5\r\n\r\nhello` }, /invalid Content-Length/],
    ['has a length with letters', { bytes: `${ok}Content-Length: 0x5\r\n\r\nhello` }, /invalid Content-Length/],
    ['has an empty length', { bytes: `${ok}Content-Length:\r\n\r\n` }, /invalid Content-Length/],
    [
      'has a length behind what is no blank',
      { bytes: `${ok}Content-Length:\xa05\r\n\r\nhello` },
      /invalid Content-Length/,
    ],
    ['has half a length', { bytes: `${ok}Content-Length: 5,\r\n\r\nhello` }, /invalid Content-Length/],
    [
      'has a length beyond counting',
      { bytes: `${ok}Content-Length: 9007199254740993\r\n\r\n` },
      /invalid Content-Length/,
    ],
    ['has both framings', { bytes: `${ok}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n` }, /both/],
    ['is gzip in chunks', { bytes: `${ok}Transfer-Encoding: gzip, chunked\r\n\r\n` }, /Transfer-Encoding/],
    ['is gzip', { bytes: `${ok}Transfer-Encoding: gzip\r\n\r\n` }, /Transfer-Encoding/],
    ['is identity', { bytes: `${ok}Transfer-Encoding: identity\r\n\r\n` }, /Transfer-Encoding/],
    ['has an empty coding', { bytes: `${ok}Transfer-Encoding:\r\n\r\n` }, /Transfer-Encoding/],
    ['is chunked twice', { bytes: `${ok}Transfer-Encoding: chunked, chunked\r\n\r\n` }, /Transfer-Encoding/],
    ['says twice that it is', { bytes: `${ok.concat('Transfer-Encoding: chunked\r\n'.repeat(2))}\r\n` }, /Transfer-E/],
    ['has a parameter to its coding', { bytes: `${ok}Transfer-Encoding: chunked;a=b\r\n\r\n` }, /Transfer-Encoding/],
    ['has no chunk size', { bytes: `${chunked}\r\n\r\n` }, /without a size/],
    ['has only an extension', { bytes: `${chunked};a\r\n` }, /without a size/],
    ['has a blank before a chunk size', { bytes: `${chunked} 5\r\nhello` }, /without a size/],
    ['has a chunk size of letters', { bytes: `${chunked}5x\r\nhello` }, /invalid chunk size/],
    ['has a chunk size in C', { bytes: `${chunked}0x5\r\nhello` }, /invalid chunk size/],
    ['has a negative chunk size', { bytes: `${chunked}-5\r\nhello` }, /without a size/],
    ['has a second number in it', { bytes: `${chunked}5 5\r\nhello` }, /invalid chunk size/],
    ['has a chunk size beyond counting', { bytes: `${chunked}20000000000001\r\n` }, /too large/],
    ['has a chunk size without end', { bytes: `${chunked}${'0'.repeat(20)}` }, /too large/],
    ['ends a chunk size with LF', { bytes: `${chunked}5\nhello\r\n0\r\n\r\n` }, /invalid chunk size/],
    ['ends a chunk size with CR', { bytes: `${chunked}5\rhello\r\n0\r\n\r\n` }, /does not end with CRLF/],
    ['has something else instead of CR', { bytes: `${chunked}5\r\nhellox\n0\r\n\r\n` }, /longer than its size/],
    ['has something else instead of LF', { bytes: `${chunked}5\r\nhello\rx0\r\n\r\n` }, /longer than its size/],
    ['has a delete character in an extension', { bytes: `${chunked}1;a\x7f\r\nx\r\n` }, /control/],
    ['has a NUL in its trailers', { bytes: `${chunked}0\r\nA: a\0b\r\n\r\n` }, /control character in its trailers/],
    ['has trailers of one LF', { bytes: `${chunked}0\r\nA\n` }, /trailers have a line that ends without CR/],
    ['has a chunk that is too long', { bytes: `${chunked}5\r\nhello!\r\n0\r\n\r\n` }, /longer than its size/],
    ['ends a chunk with LF', { bytes: `${chunked}5\r\nhello\n0\r\n\r\n` }, /longer than its size/],
    ['has CR in an extension', { bytes: `${chunked}1;a\rb\r\nx\r\n` }, /does not end with CRLF/],
    ['has LF in an extension', { bytes: `${chunked}1;a\nb\r\nx\r\n` }, /control/],
    ['has a NUL in an extension', { bytes: `${chunked}1;a\0\r\nx\r\n` }, /control/],
    ['has trailers that are none', { bytes: `${chunked}0\r\nhello\r\n\r\n` }, /no header field/],
    ['ends trailers with LF', { bytes: `${chunked}0\r\nA: b\n\r\n` }, /without CR|control/],
    ['has an endless head', { bytes: `${ok}A: ${'a'.repeat(500)}`, expected: { headLimit: 400 } }, /limit of 400/],
    [
      'has endless trailers',
      { bytes: `${chunked}0\r\nA: ${'a'.repeat(99)}`, expected: { headLimit: 90 } },
      /limit of 90/,
    ],
    [
      'says for ever that it will come',
      { bytes: 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(9), expected: { headLimit: 200 } },
      /interim answers of more than 200/,
    ],
    ['switches unasked', { bytes: 'HTTP/1.1 101 S\r\nUpgrade: websocket\r\n\r\n' }, /not requested/],
    [
      'switches to something else',
      { bytes: 'HTTP/1.1 101 S\r\nUpgrade: h2c\r\n\r\n', expected: { upgrade: 'websocket' } },
      /not requested/,
    ],
    ['switches unasked, to nothing', { bytes: 'HTTP/1.1 101 S\r\n\r\n' }, /not requested/],
    [
      'names the protocol in another field',
      { bytes: 'HTTP/1.1 101 S\r\nExpires: websocket\r\n\r\n', expected: { upgrade: 'websocket' } },
      /not requested/,
    ],
    ['switches to nothing', { bytes: 'HTTP/1.1 101 S\r\n\r\n', expected: { upgrade: 'websocket' } }, /not requested/],
    ['does not come', { bytes: 'H', fin: true }, /before the answer/],
    ['ends in its head', { bytes: `${ok}A: b\r\n`, fin: true }, /before the answer/],
    ['ends in its body', { bytes: `${ok}Content-Length: 5\r\n\r\nhell`, fin: true }, /in the middle/],
    ['ends in a chunk', { bytes: `${chunked}5\r\nhell`, fin: true }, /in the middle/],
    ['ends between chunks', { bytes: `${chunked}5\r\nhello\r\n`, fin: true }, /in the middle/],
    ['ends before its trailers do', { bytes: `${chunked}0\r\nA: b\r\n`, fin: true }, /in the middle/],
  ])('that %s is refused', (_what, wanted, why) => {
    expect(read(wanted)).toMatchObject({ complete: false, error: expect.stringMatching(why) })
  })

  it('that cannot be HTTP is refused at its first wrong byte, and not when its sender has had time enough', () => {
    for (const bytes of ['S', 'HTTX', 'HTTP/2', '\n']) {
      expect(parse([Buffer.from(bytes)], false).error).toMatch(/begins with|without CR/)
    }
  })

  const interim = 'HTTP/1.1 103 Early\r\n\r\n'.repeat(3)
  const trailers = `A: ${'b'.repeat(99)}\r\n\r\n`
  it.each([
    ['head', `${ok}A: b\r\n\r\n`, `${ok}A: b\r\n\r\n`.length],
    ['interim answers', `${interim}${ok}\r\n`, interim.length],
    ['trailers', `${chunked}0\r\n${trailers}`, trailers.length],
  ])('may have as many bytes of %s as allowed, and not one more', (_, bytes, limit) => {
    expect(parse([Buffer.from(bytes)], true, { headLimit: limit })).toMatchObject({ complete: true })
    expect(parse([Buffer.from(bytes)], true, { headLimit: limit - 1 }).error).toMatch(`${limit - 1} bytes`)
  })

  it('may announce a chunk as large as numbers go, and no larger', () => {
    expect(parse([Buffer.from(`${chunked}1fffffffffffff\r\nx`)], false)).toMatchObject({ body: 'x' })
    expect(parse([Buffer.from(`${chunked}20000000000000\r\nx`)], false).error).toMatch(/too large/)
  })

  it('has lines of at most 4,096 bytes between its chunks, however they come', () => {
    const cut = (length: number) => {
      const bytes = Buffer.from(`${chunked}1${' '.repeat(9)};${'a'.repeat(length - 11)}\r\nx\r\n0\r\n\r\n`)
      return [[bytes], Array.from(bytes, (_, at) => bytes.subarray(at, at + 1))].map((pieces) => parse(pieces, false))
    }
    for (const answer of cut(4_096)) expect(answer).toMatchObject({ complete: true, body: 'x' })
    for (const answer of cut(4_097)) expect(answer.error).toMatch(/extension of more than 4096 bytes/)
  })
})
