import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import {
  mustBeginRequest,
  RequestFault,
  type RequestHead,
  readRequestHead,
} from '../../../../src/gateway/listen/http1/request-head.ts'

const head = (fields: readonly string[] = [], line = 'GET / HTTP/1.1') => `${[line, ...fields].join('\r\n')}\r\n\r\n`

/** How Node's own server fills in a request. */
interface HeaderLines {
  _addHeaderLines(raw: readonly string[], count: number): void
}

function fault(run: () => unknown): string | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    if (!(error instanceof RequestFault)) throw error
    return `${error.refusal.status} ${error.message}`
  }
}

describe('the request line', () => {
  it.each([
    ['GET / HTTP/1.1', 'GET', '/', '1.1'],
    ['get /a?b HTTP/1.0', 'get', '/a?b', '1.0'],
    ['M-SEARCH * HTTP/1.1', 'M-SEARCH', '*', '1.1'],
    ["!#$%&'*+-.^_`|~ http://a:1/ HTTP/1.1", "!#$%&'*+-.^_`|~", 'http://a:1/', '1.1'],
    [`${'X'.repeat(64)} / HTTP/1.1`, 'X'.repeat(64), '/', '1.1'],
    ['CONNECT a:443 HTTP/1.1', 'CONNECT', 'a:443', '1.1'],
    // Left to the gateway, which answers with 505.
    ['GET / HTTP/2.0', 'GET', '/', '2.0'],
    ['GET / HTTP/0.9', 'GET', '/', '0.9'],
  ])('%s', (line, method, target, version) => {
    expect(readRequestHead(head([], line))).toMatchObject({ method, target, version, framing: 0 })
  })

  it.each([
    '',
    'GET',
    'GET /',
    'GET / ',
    'GET  / HTTP/1.1',
    'GET /  HTTP/1.1',
    'GET / HTTP/1.1 ',
    ' GET / HTTP/1.1',
    'GET\t/ HTTP/1.1',
    'GET / HTTP/1',
    'GET / HTTP/1.10',
    'GET / HTTP/11.1',
    'GET / http/1.1',
    'GET / HTTPS/1.1',
    'GET / RTSP/1.0',
    'SOURCE / ICE/1.0',
    'GET HTTP/1.1',
    'GET /a b HTTP/1.1',
    'GET /\xe9 HTTP/1.1',
    'GET /\x7f HTTP/1.1',
    'GET /\0 HTTP/1.1',
    'GE:T / HTTP/1.1',
    'GE\xe9T / HTTP/1.1',
    'GE"T / HTTP/1.1',
    `${'X'.repeat(65)} / HTTP/1.1`,
    'GET /\n HTTP/1.1',
    'GET /\r HTTP/1.1',
    '\rGET / HTTP/1.1',
    '\nGET / HTTP/1.1',
  ])('%j is refused', (line) => {
    expect(fault(() => readRequestHead(head(['Host: a'], line)))).toMatch(/^400 it begins with "/)
  })

  it('is refused with its first bytes if it is that of another protocol', () => {
    const begins = (text: string) => fault(() => mustBeginRequest(Buffer.from(text, 'latin1')))
    for (const text of ['', 'G', 'GET', 'GET ', 'GET /a', 'X'.repeat(64), `${'X'.repeat(64)} `, '\r'])
      expect(begins(text), text).toBeUndefined()
    for (const text of ['\x16\x03\x01', '{', '\n', '\rG', 'X'.repeat(65), 'GET\t/', 'Host:'])
      expect(begins(text), text).toMatch(/^400 it begins with "/)
  })
})

describe('fields', () => {
  it('are kept as they came, without blanks around values', () => {
    expect(
      readRequestHead(head(['X-A: \t a \t b\t ', 'x-a:', 'X-B:\xe9\xa0', "!#$%&'*+-.^_`|~:x:y"])).rawHeaders,
    ).toEqual([...['X-A', 'a \t b', 'x-a', '', 'X-B', '\xe9\xa0'], ...["!#$%&'*+-.^_`|~", 'x:y']])
  })

  it.each([
    'X : a',
    'X\t: a',
    ' X: a',
    '\tX: a',
    ': a',
    'X',
    'X a: b',
    'X\xe9: a',
    'X(: a',
    'X: a\0',
    'X: \x7f',
    'X: a\rY: b',
    'X: a\nY: b',
    'X: a\r\r',
    'X: \x0b',
    'X: a\n\r',
  ])('%j is refused', (line) => {
    for (const fields of [[line], ['Host: a', line, 'Z: z']])
      expect(fault(() => readRequestHead(head(fields)))).toMatch(
        /^400 (a control character in its head|the line ".*" is no header field)/,
      )
  })

  it('with the names of what objects inherit are fields like others', () => {
    const { headers } = readRequestHead(head(['__proto__: a', 'constructor: b', 'hasOwnProperty: c', '__proto__: d']))
    expect(Object.entries(headers)).toEqual([
      ['__proto__', 'a, d'],
      ['constructor', 'b'],
      ['hasownproperty', 'c'],
    ])
  })

  it('are joined as Node joins them', () => {
    const names = [
      ...['Age', 'Authorization', 'Content-Type', 'ETag', 'Expires', 'From', 'Host', 'If-Modified-Since', 'Referer'],
      ...['If-Unmodified-Since', 'Last-Modified', 'Location', 'Max-Forwards', 'Proxy-Authorization', 'Retry-After'],
      ...[
        'Server',
        'User-Agent',
        'Cookie',
        'Set-Cookie',
        'Accept',
        'Connection',
        'Upgrade',
        'Expect',
        'TE',
        'Via',
        'X-Own',
      ],
      ...['Origin', 'Range', 'Forwarded', 'X-Forwarded-For', 'If-Match', 'Date', 'Vary', 'Sec-WebSocket-Key'],
    ]
    for (const name of names) {
      const fields = [`${name}: 1`, 'Between: x', `${name.toLowerCase()}:  2`, `${name.toUpperCase()}:`]
      const { headers, rawHeaders } = readRequestHead(head(fields))
      const message = new IncomingMessage(new Socket()) as IncomingMessage & HeaderLines
      message._addHeaderLines(rawHeaders, rawHeaders.length)
      expect({ ...headers }, name).toEqual(message.headers)
    }
  })
})

describe('the framing', () => {
  it.each<[string, readonly string[], RequestHead['framing'], string?]>([
    ['no field', [], 0],
    ['a length', ['Content-Length: 5'], 5],
    ['zeros in front', ['Content-Length: 0005'], 5],
    ['the largest length', [`Content-Length: ${Number.MAX_SAFE_INTEGER}`], Number.MAX_SAFE_INTEGER],
    ['chunks', ['Transfer-Encoding: chunked'], 'chunked'],
    ['chunks in capitals', ['TRANSFER-ENCODING: Chunked'], 'chunked'],
    ['blanks around chunked', ['Transfer-Encoding:\t chunked\t '], 'chunked'],
    ['chunks in HTTP/1.0', ['Transfer-Encoding: chunked'], 'unknown', 'POST / HTTP/1.0'],
    ['chunks in HTTP/1.2', ['Transfer-Encoding: chunked'], 'unknown', 'POST / HTTP/1.2'],
    ['a length in HTTP/1.0', ['Content-Length: 5'], 5, 'POST / HTTP/1.0'],
    ['no coding', ['Transfer-Encoding:'], 'unknown'],
    ['another coding', ['Transfer-Encoding: gzip'], 'unknown'],
    ['identity', ['Transfer-Encoding: identity'], 'unknown'],
    ['two codings', ['Transfer-Encoding: gzip, chunked'], 'unknown'],
    ['chunked twice', ['Transfer-Encoding: chunked, chunked'], 'unknown'],
    ['chunked in two fields', ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], 'unknown'],
    ['another coding behind chunked', ['Transfer-Encoding: chunked', 'transfer-encoding: identity'], 'unknown'],
    ['another coding before chunked', ['Transfer-Encoding: x', 'Transfer-Encoding: chunked'], 'unknown'],
    ['nothing before chunked', ['Transfer-Encoding:', 'Transfer-Encoding: chunked'], 'unknown'],
    ['a parameter', ['Transfer-Encoding: chunked;a'], 'unknown'],
    ['a quoted coding', ['Transfer-Encoding: "chunked"'], 'unknown'],
    ['a no-break space', ['Transfer-Encoding: \xa0chunked'], 'unknown'],
  ])('%s', (_, fields, framing, line) => {
    expect(readRequestHead(head(fields, line)).framing).toBe(framing)
  })

  it.each<[fields: readonly string[], why: string]>([
    [['Content-Length: 5', 'Content-Length: 5'], 'more than one Content-Length'],
    [['Content-Length: 5', 'content-length: 6'], 'more than one Content-Length'],
    [['Content-Length: 0', 'Transfer-Encoding: chunked'], 'both Content-Length and Transfer-Encoding'],
    [['Transfer-Encoding: x', 'Content-Length: 5'], 'both Content-Length and Transfer-Encoding'],
    ...[
      '',
      '5, 5',
      '+5',
      '-5',
      '5.0',
      '0x5',
      '5e1',
      '5 5',
      '\xb2',
      '9007199254740992',
      '00000000000000005',
      'five',
      '5;',
    ].map((length): [string[], string] => [[`Content-Length: ${length}`], 'an invalid Content-Length']),
  ])('%j is refused', (fields, why) => {
    expect(fault(() => readRequestHead(head(fields)))).toBe(`400 ${why}`)
  })
})

describe('the connection', () => {
  it.each<[string, readonly string[], keepAlive: boolean, upgrade?: boolean]>([
    ['1.1', [], true],
    ['1.0', [], false],
    ['1.1', ['close'], false],
    ['1.1', ['Close'], false],
    ['1.1', ['keep-alive'], true],
    ['1.1', ['keep-alive, close'], false],
    ['1.1', ['close', 'keep-alive'], false],
    ['1.1', ['x', ' x ,\tCLOSE\t, '], false],
    ['1.1', ['closed'], true],
    ['1.1', ['"close"'], true],
    ['1.0', ['keep-alive'], true],
    ['1.0', ['x, Keep-Alive'], true],
    ['1.0', ['close, keep-alive'], false],
    ['1.0', ['keep-alive', 'close'], false],
    ['1.0', ['close', 'keep-alive'], false],
    ['2.0', ['keep-alive'], false],
    ['1.1', ['upgrade'], true, true],
    ['1.1', ['keep-alive, Upgrade'], true, true],
    ['1.1', ['upgrades'], true],
    ['1.1', ['close', 'upgrade'], false, true],
  ])('HTTP/%s %j', (version, options, keepAlive, upgrade = false) => {
    const read = readRequestHead(
      head(
        options.map((one) => `Connection: ${one}`),
        `GET / HTTP/${version}`,
      ),
    )
    expect({ keepAlive: read.keepAlive, upgrade: read.upgrade }).toEqual({ keepAlive, upgrade })
  })
})
