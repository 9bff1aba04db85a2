/**
 * Requests that two readers might read differently, and what becomes of each. One row a request, as the bytes on the
 * wire (`latin1`). `refused`: an error status or a closed connection, and the upstream saw no request at all. Otherwise
 * the list of requests that the upstream saw, which must be everything that the client meant.
 */

/** What a request means: everything that decides where it goes and what it carries. */
export interface Meaning {
  readonly method: string
  readonly target: string
  readonly host: string
  readonly body: string
}

export interface SmugglingRow {
  readonly name: string
  readonly bytes: string
  readonly seen: 'refused' | readonly Meaning[]
  /**
   * What follows the request ends the connection, maybe before it was passed on: the upstream saw no more than `seen`.
   */
  readonly cut: boolean
}

const host = 'Host: app.example\r\n'

/** A head of our own making: the request line, Host, these lines. */
function post(lines: string, body = ''): string {
  return `POST /row HTTP/1.1\r\n${host}${lines}\r\n${body}`
}

function get(lines: string): string {
  return `GET /row HTTP/1.1\r\n${host}${lines}\r\n`
}

function chunked(body: string, more = ''): string {
  return post(`Transfer-Encoding: chunked\r\n${more}`, body)
}

function meaning(options: Partial<Meaning> = {}): readonly Meaning[] {
  return [{ method: 'POST', target: '/row', host: 'app.example', body: '', ...options }]
}

const got = meaning({ method: 'GET' })
const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: app.example\r\n\r\n'

/** A last chunk, and behind it what would be a second request to a reader that goes by Content-Length. */
const lastChunk = '0\r\n\r\n'

type Row = readonly [name: string, bytes: string, seen?: readonly Meaning[], cut?: 'cut']

const bothFramings: readonly Row[] = [
  ['CL.TE', post('Content-Length: 6\r\nTransfer-Encoding: chunked\r\n', `${lastChunk}G`)],
  ['TE.CL', post('Transfer-Encoding: chunked\r\nContent-Length: 4\r\n', `5c\r\n${smuggled}\r\n${lastChunk}`)],
  ['CL 0 and TE', post(`Content-Length: 0\r\nTransfer-Encoding: chunked\r\n`, `${lastChunk}${smuggled}`)],
  ['CL and TE identity', post('Content-Length: 5\r\nTransfer-Encoding: identity\r\n', 'hello')],
  ['CL and an unknown TE', post('Content-Length: 5\r\nTransfer-Encoding: xchunked\r\n', 'hello')],
  ['CL and an empty TE', post('Content-Length: 5\r\nTransfer-Encoding:\r\n', 'hello')],
]

const contentLengths: readonly Row[] = [
  ['one CL', post('Content-Length: 5\r\n', 'hello'), meaning({ body: 'hello' })],
  ['two CL that differ', post('Content-Length: 5\r\nContent-Length: 6\r\n', 'hello!')],
  ['two CL that agree', post('Content-Length: 5\r\nContent-Length: 5\r\n', 'hello')],
  ['two CL in one field', post('Content-Length: 5, 5\r\n', 'hello')],
  ['two CL in different case', post('Content-Length: 5\r\ncontent-length: 0\r\n', 'hello')],
  ['CL with a plus', post('Content-Length: +5\r\n', 'hello')],
  ['CL with a minus', post('Content-Length: -5\r\n', 'hello')],
  ['CL in hex', post('Content-Length: 0x5\r\n', 'hello')],
  ['CL with a fraction', post('Content-Length: 5.0\r\n', 'hello')],
  ['CL with a space inside', post('Content-Length: 5 0\r\n', 'hello')],
  ['CL with an underscore', post('Content-Length: 1_0\r\n', 'helloworld')],
  ['CL of more than 64 bits', post('Content-Length: 18446744073709551621\r\n', 'hello')],
  ['CL of letters', post('Content-Length: five\r\n', 'hello')],
  ['empty CL', post('Content-Length:\r\n', '')],
  ['CL with leading zeros', post('Content-Length: 0005\r\n', 'hello'), meaning({ body: 'hello' })],
  ['CL with spaces around', post('Content-Length: \t 5 \t\r\n', 'hello'), meaning({ body: 'hello' })],
  ['CL with a vertical tab', post('Content-Length: \x0b5\r\n', 'hello')],
  ['CL on a GET', get('Content-Length: 5\r\n').concat('hello'), meaning({ method: 'GET', body: 'hello' })],
  [
    'CL that Connection calls its own',
    post('Connection: content-length\r\nContent-Length: 5\r\n', 'hello'),
    meaning({ body: 'hello' }),
  ],
  [
    'CL with an alias that differs',
    post('Content-Length: 5\r\nContent_Length: 0\r\n', 'hello'),
    meaning({ body: 'hello' }),
  ],
]

const transferEncodings: readonly Row[] = [
  ['chunked', chunked(`5\r\nhello\r\n${lastChunk}`), meaning({ body: 'hello' })],
  [
    'chunked in mixed case',
    post('Transfer-Encoding: cHuNkEd\r\n', `5\r\nhello\r\n${lastChunk}`),
    meaning({ body: 'hello' }),
  ],
  ['chunked, identity', post('Transfer-Encoding: chunked, identity\r\n', lastChunk)],
  ['identity, chunked', post('Transfer-Encoding: identity, chunked\r\n', lastChunk)],
  ['identity', post('Transfer-Encoding: identity\r\n')],
  ['gzip, chunked', post('Transfer-Encoding: gzip, chunked\r\n', lastChunk)],
  ['xchunked', post('Transfer-Encoding: xchunked\r\n', lastChunk)],
  ['chunked with a letter behind', post('Transfer-Encoding: chunkedx\r\n', lastChunk)],
  ['chunked with a parameter', post('Transfer-Encoding: chunked;a=b\r\n', lastChunk)],
  ['chunked in quotes', post('Transfer-Encoding: "chunked"\r\n', lastChunk)],
  ['chunked behind a tab', post('Transfer-Encoding:\tchunked\r\n', lastChunk), meaning()],
  ['chunked behind a vertical tab', post('Transfer-Encoding:\x0bchunked\r\n', lastChunk)],
  ['chunked before a form feed', post('Transfer-Encoding: chunked\x0c\r\n', lastChunk)],
  ['chunked with a comma behind', post('Transfer-Encoding: chunked,\r\n', lastChunk)],
  ['chunked with a comma in front', post('Transfer-Encoding: ,chunked\r\n', lastChunk)],
  ['chunked twice', post('Transfer-Encoding: chunked, chunked\r\n', lastChunk)],
  ['two TE', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', lastChunk)],
  ['two TE, the last unknown', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n', lastChunk)],
  ['two TE, the first unknown', post('Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n', lastChunk)],
  ['TE with a space before the colon', post('Transfer-Encoding : chunked\r\n', lastChunk)],
  ['TE with a line feed in its name', post('Transfer\n-Encoding: chunked\r\n', lastChunk)],
  ['TE on a line that is folded', post('Transfer-Encoding:\r\n chunked\r\n', lastChunk)],
  ['TE behind a bare line feed', post('X: y\nTransfer-Encoding: chunked\r\n', lastChunk)],
  ['TE behind a bare carriage return', post('X: y\rTransfer-Encoding: chunked\r\n', lastChunk)],
  ['TE by its alias', post('Content-Length: 5\r\nTransfer_Encoding: chunked\r\n', 'hello'), meaning({ body: 'hello' })],
  ['chunked from HTTP/1.0', `POST /row HTTP/1.0\r\n${host}Transfer-Encoding: chunked\r\n\r\n${lastChunk}`],
  [
    'chunked on a GET',
    get('Transfer-Encoding: chunked\r\n').concat(`5\r\nhello\r\n${lastChunk}`),
    meaning({ method: 'GET', body: 'hello' }),
  ],
]

const chunks: readonly Row[] = [
  ['several chunks', chunked(`1\r\nh\r\n4\r\nello\r\n${lastChunk}`), meaning({ body: 'hello' })],
  ['size in upper-case hex', chunked(`A\r\nhelloworld\r\n${lastChunk}`), meaning({ body: 'helloworld' })],
  ['size with leading zeros', chunked(`0005\r\nhello\r\n000\r\n\r\n`), meaning({ body: 'hello' })],
  ['an extension', chunked(`5;a=b\r\nhello\r\n${lastChunk}`), meaning({ body: 'hello' })],
  ['an extension with a quoted value', chunked(`5;a="b;c"\r\nhello\r\n${lastChunk}`), meaning({ body: 'hello' })],
  ['an extension with a bare line feed', chunked(`5;a\nhello\r\n${lastChunk}`)],
  ['an extension with a bare carriage return', chunked(`5;a\rb\r\nhello\r\n${lastChunk}`)],
  ['a size that overflows 64 bits', chunked(`10000000000000005\r\nhello\r\n${lastChunk}`)],
  ['a size with 0x', chunked(`0x5\r\nhello\r\n${lastChunk}`)],
  ['a size with a plus', chunked(`+5\r\nhello\r\n${lastChunk}`)],
  ['a size with a minus', chunked(`-5\r\nhello\r\n${lastChunk}`)],
  ['a size with a space in front', chunked(` 5\r\nhello\r\n${lastChunk}`)],
  ['a size with a space behind', chunked(`5 \r\nhello\r\n${lastChunk}`)],
  ['a size with a tab behind', chunked(`5\t\r\nhello\r\n${lastChunk}`)],
  ['a size with an underscore', chunked(`0_5\r\nhello\r\n${lastChunk}`)],
  ['no size', chunked(`\r\nhello\r\n${lastChunk}`)],
  ['a size of letters', chunked(`five\r\nhello\r\n${lastChunk}`)],
  ['a bare line feed behind the size', chunked(`5\nhello\r\n${lastChunk}`)],
  ['a bare carriage return behind the size', chunked(`5\rhello\r\n${lastChunk}`)],
  ['no CRLF behind the chunk', chunked(`5\r\nhello${lastChunk}`)],
  ['a bare line feed behind the chunk', chunked(`5\r\nhello\n${lastChunk}`)],
  ['a chunk longer than its size', chunked(`5\r\nhello!\r\n${lastChunk}`)],
  ['a bare line feed behind the last chunk', chunked(`5\r\nhello\r\n0\n\n`)],
  ['a trailer', chunked(`5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n`), meaning({ body: 'hello' })],
  ['a trailer that frames', chunked(`5\r\nhello\r\n0\r\nContent-Length: 50\r\n\r\n`)],
  ['a trailer that chunks', chunked(`5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n`)],
  ['a trailer that names a host', chunked(`5\r\nhello\r\n0\r\nHost: evil.example\r\n\r\n`), meaning({ body: 'hello' })],
  ['a folded trailer', chunked(`5\r\nhello\r\n0\r\nX: a\r\n b\r\n\r\n`)],
  ['a trailer with a NUL', chunked(`5\r\nhello\r\n0\r\nX: a\0b\r\n\r\n`)],
  ['a trailer without a colon', chunked(`5\r\nhello\r\n0\r\nGET /smuggled HTTP/1.1\r\n\r\n`)],
]

const lines: readonly Row[] = [
  ['a folded header', get('X-A: b\r\n c\r\n')],
  ['a header folded with a tab', get('X-A: b\r\n\tc\r\n')],
  ['a fold in front of the first header', `GET /row HTTP/1.1\r\n ${host}\r\n`],
  ['bare line feeds only', 'GET /row HTTP/1.1\nHost: app.example\n\n'],
  ['a bare line feed in the head', get('X-A: b\nX-C: d\r\n')],
  ['a bare line feed at the end of the head', `GET /row HTTP/1.1\r\n${host}\n`],
  ['a bare carriage return in a value', get('X-A: b\rc\r\n')],
  ['a bare carriage return in a name', get('X\r-A: b\r\n')],
  ['a bare carriage return behind the request line', `GET /row HTTP/1.1\r${host}\r\n`],
  ['carriage returns that repeat', `GET /row HTTP/1.1\r\r\n${host}\r\n`],
  ['an empty line in front', `\r\n${get('')}`, got],
  ['empty lines in front', `\r\n\r\n\r\n${get('')}`, got],
  ['a space in front', ` ${get('')}`],
  ['a space before the colon', get('X-A : b\r\n')],
  ['a tab before the colon', get('X-A\t: b\r\n')],
  ['a space in a name', get('X A: b\r\n')],
  ['an empty name', get(': b\r\n')],
  ['no colon', get('X-A\r\n')],
  ['a NUL in a name', get('X\0A: b\r\n')],
  ['a NUL in a value', get('X-A: b\0c\r\n')],
  ['a bell in a value', get('X-A: b\x07c\r\n')],
  ['DEL in a value', get('X-A: b\x7fc\r\n')],
  ['a control byte in a name', get('X\x01A: b\r\n')],
  ['a byte above ASCII in a name', get('X\xe9A: b\r\n')],
  ['brackets in a name', get('X(A): b\r\n')],
  ['a byte above ASCII in a value', get('X-A: caf\xe9\r\n'), got],
  ['a NUL in the target', `GET /row\0 HTTP/1.1\r\n${host}\r\n`],
  ['a tab in the target', `GET /ro\tw HTTP/1.1\r\n${host}\r\n`],
  ['a space in the target', `GET /ro w HTTP/1.1\r\n${host}\r\n`],
  ['two spaces behind the method', `GET  /row HTTP/1.1\r\n${host}\r\n`],
  ['tabs for spaces', `GET\t/row\tHTTP/1.1\r\n${host}\r\n`],
  ['a request line in the target', `GET /row HTTP/1.1 HTTP/1.1\r\n${host}\r\n`],
  ['a fragment', `GET /row#x HTTP/1.1\r\n${host}\r\n`],
]

const versions: readonly Row[] = [
  ['HTTP/0.9', 'GET /row\r\n'],
  ['HTTP/0.9, said aloud', `GET /row HTTP/0.9\r\n${host}\r\n`],
  ['HTTP/1.0', `GET /row HTTP/1.0\r\n${host}\r\n`, got],
  ['HTTP/1.0 with a length', `POST /row HTTP/1.0\r\n${host}Content-Length: 5\r\n\r\nhello`, meaning({ body: 'hello' })],
  ['HTTP/1.2', `GET /row HTTP/1.2\r\n${host}\r\n`],
  ['HTTP/2.0 on one line', `GET /row HTTP/2.0\r\n${host}\r\n`],
  ['HTTP/3.0', `GET /row HTTP/3.0\r\n${host}\r\n`],
  ['HTTP/1.1 in lower case', `GET /row http/1.1\r\n${host}\r\n`],
  ['HTTP/1', `GET /row HTTP/1\r\n${host}\r\n`],
  ['HTTP/01.1', `GET /row HTTP/01.1\r\n${host}\r\n`],
  ['ICE/1.0', `SOURCE /row ICE/1.0\r\n${host}\r\n`],
  ['RTSP/1.0', `DESCRIBE /row RTSP/1.0\r\n${host}\r\n`],
  ["h2's preface", 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
]

const methods: readonly Row[] = [
  ['get', `get /row HTTP/1.1\r\n${host}\r\n`],
  ['GeT', `GeT /row HTTP/1.1\r\n${host}\r\n`],
  ['an unknown method', `SMUGGLE /row HTTP/1.1\r\n${host}\r\n`],
  ['a method with a letter behind', `GETX /row HTTP/1.1\r\n${host}\r\n`],
  ['CONNECT', 'CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n'],
  ['CONNECT to a path', `CONNECT /row HTTP/1.1\r\n${host}\r\n`],
  ['TRACE', `TRACE /row HTTP/1.1\r\n${host}\r\n`, meaning({ method: 'TRACE' })],
  ['TRACE with a body (RFC 9110 §9.3.8)', `TRACE /row HTTP/1.1\r\n${host}Content-Length: 5\r\n\r\nhello`],
  ['HEAD', `HEAD /row HTTP/1.1\r\n${host}\r\n`, meaning({ method: 'HEAD' })],
  ['OPTIONS', `OPTIONS /row HTTP/1.1\r\n${host}\r\n`, meaning({ method: 'OPTIONS' })],
  [
    'DELETE with a body',
    `DELETE /row HTTP/1.1\r\n${host}Content-Length: 5\r\n\r\nhello`,
    meaning({ method: 'DELETE', body: 'hello' }),
  ],
]

const hosts: readonly Row[] = [
  ['no Host', 'GET /row HTTP/1.1\r\n\r\n'],
  ['two Hosts that differ', get('Host: evil.example\r\n')],
  ['two Hosts that agree', get('Host: app.example\r\n')],
  ['two Hosts in different case', get('hOsT: evil.example\r\n')],
  ['two names in one Host', 'GET /row HTTP/1.1\r\nHost: app.example, evil.example\r\n\r\n'],
  ['a space in Host', 'GET /row HTTP/1.1\r\nHost: app.example evil.example\r\n\r\n'],
  ['a space before its colon', 'GET /row HTTP/1.1\r\nHost : app.example\r\n\r\n'],
  ['a path in Host', 'GET /row HTTP/1.1\r\nHost: app.example/x\r\n\r\n'],
  ['a user in Host', 'GET /row HTTP/1.1\r\nHost: user@app.example\r\n\r\n'],
  ['a port that is none', 'GET /row HTTP/1.1\r\nHost: app.example:x\r\n\r\n'],
  ['two ports', 'GET /row HTTP/1.1\r\nHost: app.example:80:81\r\n\r\n'],
  [
    'Host in mixed case',
    'GET /row HTTP/1.1\r\nhOST: App.EXAMPLE\r\n\r\n',
    meaning({ method: 'GET', host: 'App.EXAMPLE' }),
  ],
  ['Host with spaces around', 'GET /row HTTP/1.1\r\nHost: \t app.example \t\r\n\r\n', got],
  ['Host that Connection calls its own', get('Connection: host\r\n'), got],
  ['an absolute target with the same Host', `GET http://app.example/row HTTP/1.1\r\n${host}\r\n`, got],
  [
    'an absolute target with another Host (RFC 9112 §3.2.2)',
    'GET http://app.example/row HTTP/1.1\r\nHost: evil.example\r\n\r\n',
    got,
  ],
  ['an absolute target with two Hosts', `GET http://app.example/row HTTP/1.1\r\n${host}${host}\r\n`],
  ['an absolute target with a malformed Host', 'GET http://app.example/row HTTP/1.1\r\nHost: a b\r\n\r\n'],
  ['an absolute target without a Host', 'GET http://app.example/row HTTP/1.1\r\n\r\n'],
  ['an absolute target with a user', `GET http://evil.example@app.example/row HTTP/1.1\r\n${host}\r\n`],
  ['an absolute target of another scheme', `GET ftp://app.example/row HTTP/1.1\r\n${host}\r\n`],
  ['an authority as target', `GET app.example:80 HTTP/1.1\r\n${host}\r\n`],
  ['an asterisk as target', `GET * HTTP/1.1\r\n${host}\r\n`],
  [
    'a target that names a host behind slashes',
    `GET //evil.example/row HTTP/1.1\r\n${host}\r\n`,
    meaning({ method: 'GET', target: '/evil.example/row' }),
  ],
]

const behind: readonly Row[] = [
  ['a second request', get('') + get('X: y\r\n'), [...got, ...got]],
  [
    'a second request behind a body',
    post('Content-Length: 5\r\n', 'hello') + get(''),
    [...meaning({ body: 'hello' }), ...got],
  ],
  ['a second request behind chunks', chunked(lastChunk) + get(''), [...meaning(), ...got]],
  [
    'a body that looks like a request',
    post(`Content-Length: ${smuggled.length}\r\n`, smuggled),
    meaning({ body: smuggled }),
  ],
  ['a second request behind Connection: close', get('Connection: close\r\n') + smuggled, got, 'cut'],
  ['a second request behind HTTP/1.0', `GET /row HTTP/1.0\r\n${host}\r\n${smuggled}`, got, 'cut'],
]

const expectations: readonly Row[] = [
  [
    '100-continue with the body at once',
    post('Expect: 100-continue\r\nContent-Length: 5\r\n', 'hello'),
    meaning({ body: 'hello' }),
  ],
  [
    '100-continue in mixed case',
    post('Expect: 100-Continue\r\nContent-Length: 5\r\n', 'hello'),
    meaning({ body: 'hello' }),
  ],
  ['100-continue without a body', get('Expect: 100-continue\r\n'), got],
  ['100-continue twice', post('Expect: 100-continue\r\nExpect: 100-continue\r\nContent-Length: 5\r\n', 'hello')],
  ['100-continue with something in front', post('Expect: x 100-continue\r\nContent-Length: 5\r\n', 'hello')],
  ['an unknown expectation', post('Expect: y 200-ok\r\nContent-Length: 5\r\n', 'hello')],
]

const webSocket =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'

const upgrades: readonly Row[] = [
  ['an upgrade that the upstream does not take, a request behind it', get(webSocket) + smuggled, got],
  [
    'an upgrade with a body',
    get(`${webSocket}Content-Length: 5\r\n`).concat('hello'),
    meaning({ method: 'GET', body: 'hello' }),
  ],
  ['an upgrade with chunks', get(`${webSocket}Transfer-Encoding: chunked\r\n`).concat(lastChunk), got],
  [
    'an upgrade with a body that looks like a request',
    get(`${webSocket}Content-Length: ${smuggled.length}\r\n`).concat(smuggled),
    meaning({ method: 'GET', body: smuggled }),
  ],
  ['an upgrade by POST', post(`${webSocket}Content-Length: 5\r\n`, 'hello'), meaning({ body: 'hello' })],
  ['an upgrade from HTTP/1.0', `GET /row HTTP/1.0\r\n${host}${webSocket}\r\n`, got],
  [
    'an upgrade to h2c',
    get('Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n'),
    got,
  ],
  [
    'an upgrade to something else, with a body',
    post('Connection: Upgrade\r\nUpgrade: x\r\nContent-Length: 5\r\n', 'hello'),
    meaning({ body: 'hello' }),
  ],
  ['an upgrade to two protocols', get(webSocket.replace('websocket', 'websocket, h2c')), got],
  ['Upgrade that Connection does not name', get(webSocket.replace('Connection: Upgrade\r\n', '')), got],
]

const groups: Readonly<Record<string, readonly Row[]>> = {
  'both framings': bothFramings,
  'Content-Length': contentLengths,
  'Transfer-Encoding': transferEncodings,
  chunks,
  'lines and bytes': lines,
  versions,
  methods,
  'Host and target': hosts,
  'what follows': behind,
  Expect: expectations,
  upgrades,
}

export const smugglingCorpus: readonly SmugglingRow[] = Object.entries(groups).flatMap(([group, rows]) =>
  rows.map(([name, bytes, seen = 'refused' as const, cut]) => ({
    name: `${group}: ${name}`,
    bytes,
    seen,
    cut: cut === 'cut',
  })),
)
