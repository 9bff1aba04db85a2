/**
 * The same for h2, whose requests become h1 on their way: what a header could say there that is a line of its own here,
 * and bodies that are not as long as they say. Each row is written as frames by hand.
 */
import { type Field, flags, frame, headers, uint32 } from './h2-wire.ts'
import type { Meaning } from './smuggling-corpus.ts'

export interface H2Row {
  readonly name: string
  /** What is written on stream 1, behind preface and settings. */
  readonly frames: readonly Buffer[]
  readonly seen: 'refused' | readonly Meaning[]
  /**
   * nghttp2 throws a field that is none away, and goes on with the rest of the request: no header with this name, or
   * one that begins with it, reaches the upstream.
   */
  readonly lost: string | undefined
}

type Head = Partial<Record<'method' | 'scheme' | 'authority' | 'path', string | undefined>>

/** The pseudo-headers of a GET with some of them changed, or left out where `undefined` is given. */
function pseudo(options: Head = {}): Field[] {
  const all = { method: 'GET', scheme: 'https', authority: 'app.example', path: '/row', ...options }
  return Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[`:${name}`, value] as const]))
}

const get = (...fields: readonly Field[]) => [headers(1, [...pseudo(), ...fields], true)]
const getOf = (options: Head, ...fields: readonly Field[]) => [headers(1, [...pseudo(options), ...fields], true)]
const post = (fields: readonly Field[], ...bodies: readonly string[]) => [
  headers(1, [...pseudo({ method: 'POST' }), ...fields], false),
  ...bodies.map((body, i) => data(body, i === bodies.length - 1)),
]

function data(body: string, last: boolean): Buffer {
  return frame('data', { flags: last ? flags.endStream : 0, stream: 1, payload: Buffer.from(body, 'latin1') })
}

function meaning(options: Partial<Meaning> = {}): readonly Meaning[] {
  return [{ method: 'GET', target: '/row', host: 'app.example', body: '', ...options }]
}

const got = meaning()
const posted = meaning({ method: 'POST', body: 'hello' })
const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: app.example\r\n\r\n'
const crumbs = (count: number, size: number) =>
  Array.from({ length: count }, (_, i): Field => ['cookie', `c${i}=${'x'.repeat(size)}`])

type Row = readonly [name: string, frames: readonly Buffer[], seen?: readonly Meaning[], lost?: string]

const values: readonly Row[] = [
  ['a plain request', get(), got],
  ['CRLF and a header', get(['x-a', 'b\r\nTransfer-Encoding: chunked']), got, 'x-a'],
  ['CRLF and a request', get(['x-a', `b\r\n\r\n${smuggled}`]), got, 'x-a'],
  ['LF', get(['x-a', 'b\nx-c: d']), got, 'x-a'],
  ['CR', get(['x-a', 'b\rx-c: d']), got, 'x-a'],
  ['NUL', get(['x-a', 'b\0c']), got, 'x-a'],
  ['a bell', get(['x-a', 'b\x07c']), got, 'x-a'],
  ['DEL', get(['x-a', 'b\x7fc']), got, 'x-a'],
  ['a space in front (RFC 9113 §8.2.1)', get(['x-a', ' b']), got, 'x-a'],
  ['a tab behind', get(['x-a', 'b\t']), got, 'x-a'],
  ['bytes above ASCII', get(['x-a', 'caf\xe9']), got],
  ['nothing', get(['x-a', '']), got],
]

const names: readonly Row[] = [
  ['CRLF', get(['x-a: b\r\nx-c', 'd']), got, 'x'],
  ['LF', get(['x-a\n', 'd']), got, 'x'],
  ['NUL', get(['x\0a', 'd']), got, 'x'],
  ['a colon', get(['x:a', 'd']), got, 'x'],
  ['a space', get(['x a', 'd']), got, 'x'],
  ['a space behind', get(['transfer-encoding ', 'chunked']), got, 'transfer'],
  ['upper case', get(['X-A', 'd'])],
  ['a byte above ASCII', get(['x\xe9', 'd']), got, 'x'],
  ['nothing', get(['', 'd']), got, 'x'],
  ['an underscore', get(['x_a', 'd']), got],
]

const paths: readonly Row[] = [
  ['CRLF', getOf({ path: `/row HTTP/1.1\r\nHost: evil.example\r\n\r\n${smuggled}` })],
  ['LF', getOf({ path: '/row\n' })],
  ['NUL', getOf({ path: '/row\0' })],
  ['a space', getOf({ path: '/ro w' })],
  ['a version', getOf({ path: '/row HTTP/1.1' })],
  ['a tab', getOf({ path: '/ro\tw' })],
  ['no slash', getOf({ path: 'row' })],
  ['a host in front', getOf({ path: '@evil.example/row' })],
  ['a whole URL', getOf({ path: 'http://evil.example/row' })],
  ['an asterisk', getOf({ path: '*' })],
  ['a fragment', getOf({ path: '/row#x' })],
  ['nothing', getOf({ path: '' })],
  ['none', getOf({ path: undefined })],
  ['two', get([':path', '/smuggled'])],
  ['a byte above ASCII', getOf({ path: '/caf\xe9' }), meaning({ target: '/caf%E9' })],
]

const methods: readonly Row[] = [
  ['CRLF', getOf({ method: 'GET /smuggled HTTP/1.1\r\nx: y\r\n\r\nGET' })],
  ['a target', getOf({ method: 'GET /smuggled' })],
  ['lower case', getOf({ method: 'get' })],
  ['an unknown one', getOf({ method: 'SMUGGLE' })],
  ['a space in front', getOf({ method: ' GET' })],
  ['NUL', getOf({ method: 'GET\0' })],
  ['nothing', getOf({ method: '' })],
  ['none', getOf({ method: undefined })],
  ['two', get([':method', 'POST'])],
  ['CONNECT', getOf({ method: 'CONNECT', scheme: undefined, path: undefined })],
  ['CONNECT with a path', getOf({ method: 'CONNECT' })],
  ['extended CONNECT', getOf({ method: 'CONNECT' }, [':protocol', 'websocket'])],
  ['TRACE', getOf({ method: 'TRACE' }), meaning({ method: 'TRACE' })],
  ['TRACE with a body', [headers(1, pseudo({ method: 'TRACE' }), false), data('hello', true)]],
  ['HEAD', getOf({ method: 'HEAD' }), meaning({ method: 'HEAD' })],
  ['GET with a body', [headers(1, pseudo(), false), data('hello', true)], meaning({ body: 'hello' })],
]

const authorities: readonly Row[] = [
  ['CRLF', getOf({ authority: 'app.example\r\nx: y' })],
  ['a space', getOf({ authority: 'app.example evil.example' })],
  ['NUL', getOf({ authority: 'app.example\0' })],
  ['a path', getOf({ authority: 'app.example/x' })],
  ['a user', getOf({ authority: 'evil@app.example' })],
  ['two names', getOf({ authority: 'app.example,evil.example' })],
  ['a port that is none', getOf({ authority: 'app.example:x' })],
  ['two', get([':authority', 'evil.example'])],
  ['none, and no Host', getOf({ authority: undefined })],
  ['none, and Host', getOf({ authority: undefined }, ['host', 'app.example']), got],
  ['none, and two Hosts', getOf({ authority: undefined }, ['host', 'app.example'], ['host', 'evil.example'])],
  ['Host that differs', get(['host', 'evil.example'])],
  ['Host with another port', get(['host', 'app.example:81'])],
  ['Host that agrees', get(['host', 'app.example']), got],
  ['Host that agrees but for its case', get(['host', 'APP.example']), got],
  ['two Hosts, the second differs', get(['host', 'app.example'], ['host', 'evil.example'])],
  ['mixed case', getOf({ authority: 'App.EXAMPLE' }), meaning({ host: 'App.EXAMPLE' })],
]

const pseudoHeaders: readonly Row[] = [
  ['no :scheme', getOf({ scheme: undefined })],
  ['two :scheme', get([':scheme', 'http'])],
  [':scheme with CRLF', getOf({ scheme: 'https\r\nx: y' })],
  [':scheme with a host', getOf({ scheme: 'http://evil.example/' })],
  ['one behind a header', [headers(1, [...pseudo({ path: undefined }), ['x-a', 'b'], [':path', '/row']], true)]],
  ['an unknown one', get([':smuggled', 'x'])],
  ['one of answers', get([':status', '200'])],
  [':protocol without CONNECT', get([':protocol', 'websocket'])],
]

const connectionHeaders: readonly Row[] = [
  ['connection', get(['connection', 'keep-alive'])],
  ['connection that names a header', get(['connection', 'x-forwarded-for'])],
  ['keep-alive', get(['keep-alive', 'timeout=5'])],
  ['proxy-connection', get(['proxy-connection', 'keep-alive'])],
  ['upgrade', get(['upgrade', 'websocket'])],
  ['transfer-encoding', post([['transfer-encoding', 'chunked']], '0\r\n\r\n', smuggled)],
  ['transfer-encoding identity', get(['transfer-encoding', 'identity'])],
  ['te: gzip', get(['te', 'gzip'])],
  ['te: trailers', get(['te', 'trailers']), got],
  ['http2-settings', get(['http2-settings', 'AAMAAABk']), got],
  ['expect: 100-continue', post([['expect', '100-continue']], 'hello'), posted],
  ['an unknown expectation', post([['expect', '200-ok']], 'hello')],
]

const bodies: readonly Row[] = [
  ['a length that agrees', post([['content-length', '5']], 'hello'), posted],
  ['no length', post([], 'hel', 'lo'), posted],
  ['a length that agrees over several frames', post([['content-length', '5']], 'h', '', 'ello'), posted],
  ['longer than its length', post([['content-length', '5']], `hello${smuggled}`)],
  ['shorter than its length', post([['content-length', '50']], 'hello')],
  ['a length and no body', getOf({ method: 'POST' }, ['content-length', '5'])],
  ['a length of 0 and a body', post([['content-length', '0']], smuggled)],
  [
    'two lengths that differ',
    post(
      [
        ['content-length', '5'],
        ['content-length', '6'],
      ],
      'hello',
    ),
  ],
  [
    'two lengths that agree',
    post(
      [
        ['content-length', '5'],
        ['content-length', '5'],
      ],
      'hello',
    ),
  ],
  ['two lengths in one field', post([['content-length', '5, 5']], 'hello')],
  ['a length with a plus', post([['content-length', '+5']], 'hello')],
  ['a length of letters', post([['content-length', 'five']], 'hello')],
  ['a length that overflows', post([['content-length', '18446744073709551621']], 'hello')],
  ['an empty length', post([['content-length', '']], 'hello')],
  ['that looks like a request', post([], smuggled), meaning({ method: 'POST', body: smuggled })],
  [
    'that looks like chunks',
    post([], `0\r\n\r\n${smuggled}`),
    meaning({ method: 'POST', body: `0\r\n\r\n${smuggled}` }),
  ],
  [
    'padded',
    [
      ...post([]),
      frame('data', { flags: flags.padded | flags.endStream, stream: 1, payload: Buffer.from('\x04hello\0\0\0\0') }),
    ],
    posted,
  ],
  [
    'padded with more than there is',
    [
      ...post([]),
      frame('data', { flags: flags.padded | flags.endStream, stream: 1, payload: Buffer.from('\x40hello') }),
    ],
  ],
  [
    'reset before its end',
    [...post([], 'hello', '').slice(0, 2), frame('resetStream', { stream: 1, payload: uint32(8) })],
  ],
  ['trailers', [...post([]), data('hello', false), headers(1, [['x-sum', '1']], true)], posted],
  ['trailers that frame', [...post([]), data('hello', false), headers(1, [['content-length', '50']], true)]],
  ['trailers that chunk', [...post([]), data('hello', false), headers(1, [['transfer-encoding', 'chunked']], true)]],
  ['trailers with a pseudo-header', [...post([]), data('hello', false), headers(1, [[':path', '/smuggled']], true)]],
  ['trailers that are not the end', [...post([]), data('hello', false), headers(1, [['x-sum', '1']], false)]],
]

const frames: readonly Row[] = [
  ['a head in two frames', split(20), got],
  ['a head in frames of one byte', split(1)],
  [
    'another frame in the middle of a head',
    [...split(20).slice(0, 1), frame('ping', { payload: Buffer.alloc(8) }), ...split(20).slice(1)],
  ],
  ['a body on a stream that was never opened', [data('hello', true)]],
  ['a CONTINUATION of nothing', [frame('continuation', { flags: flags.endHeaders, stream: 1 })]],
  ['PUSH_PROMISE from a client', [frame('pushPromise', { flags: flags.endHeaders, stream: 1, payload: uint32(2) })]],
  [
    'an index that no table has',
    [
      frame('headers', {
        flags: flags.endHeaders | flags.endStream,
        stream: 1,
        payload: Buffer.from([0xff, 0xff, 0x7f]),
      }),
    ],
  ],
  [
    'a frame longer than allowed',
    [frame('headers', { flags: flags.endHeaders | flags.endStream, stream: 1, payload: Buffer.alloc(20_000) })],
  ],
  ['a few crumbs of cookies', get(...crumbs(3, 1)), got],
  ['a hundred crumbs', get(...crumbs(100, 20)), got],
  ['thousands of crumbs', get(...crumbs(3_000, 1))],
  ['huge crumbs', get(...crumbs(40, 4_000))],
  ['a head of a megabyte', get(['x-a', 'b'.repeat(1_000_000)])],
]

/** A GET whose head comes in frames of `size` bytes. */
function split(size: number): Buffer[] {
  const block = headers(1, pseudo(), true).subarray(9)
  const count = Math.ceil(block.length / size)
  return Array.from({ length: count }, (_, i) =>
    frame(i === 0 ? 'headers' : 'continuation', {
      flags: (i === 0 ? flags.endStream : 0) | (i === count - 1 ? flags.endHeaders : 0),
      stream: 1,
      payload: block.subarray(i * size, (i + 1) * size),
    }),
  )
}

const groups: Readonly<Record<string, readonly Row[]>> = {
  'a value with': values,
  'a name with': names,
  ':path with': paths,
  ':method with': methods,
  ':authority with': authorities,
  'pseudo-headers': pseudoHeaders,
  'a header of connections': connectionHeaders,
  'a body': bodies,
  frames,
}

export const h2SmugglingCorpus: readonly H2Row[] = Object.entries(groups).flatMap(([group, rows]) =>
  rows.map(([name, written, seen = 'refused' as const, lost]) => ({
    name: `${group}: ${name}`,
    frames: written,
    seen,
    lost,
  })),
)
