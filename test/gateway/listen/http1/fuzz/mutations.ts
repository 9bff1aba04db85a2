/** Requests that were right, or nearly, and then were changed: the same ones for the same seed. */
import { mutate, one, randomFrom } from '../../../proxy/client/mutations.ts'

export { randomFrom }

const lines = [
  'GET / HTTP/1.1\r\n',
  'GET /a?b=c HTTP/1.1\r\n',
  'POST /a HTTP/1.1\r\n',
  'PUT http://app.example/a HTTP/1.1\r\n',
  'HEAD /a HTTP/1.1\r\n',
  'DELETE /a HTTP/1.1\r\n',
  'OPTIONS * HTTP/1.1\r\n',
  'GET /old HTTP/1.0\r\n',
  'POST /old HTTP/1.0\r\n',
  'M-SEARCH /a HTTP/1.1\r\n',
]
const fields = [
  'Host: app.example\r\n',
  'Host: app.example\r\n',
  'User-Agent: curl/8\r\n',
  'Cookie: a=b; c=d\r\n',
  'X-Empty:\r\n',
  'X-Blank: \t a b \t\r\n',
  'X-Foreign: caf\xe9\r\n',
  'Connection: close\r\n',
  'Connection: keep-alive\r\n',
  'Connection: keep-alive, x\r\n',
  'Connection: Upgrade\r\nUpgrade: websocket\r\n',
  'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n',
  'Expect: 100-continue\r\n',
  'Trailer: X-Sum\r\n',
]
const framed = [
  '\r\n',
  '\r\n',
  'Content-Length: 5\r\n\r\nhello',
  'Content-Length: 0\r\n\r\n',
  'Content-Length: 45\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: app.example\r\n\r\n',
  'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  'Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\nA\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n',
  'Transfer-Encoding: chunked\r\n\r\n2d\r\nGET /smuggled HTTP/1.1\r\nHost: app.example\r\n\r\n\r\n0\r\n\r\n',
]
const fragments = [
  ...[
    '\r',
    '\n',
    '\r\n',
    '\r\n\r\n',
    ' ',
    '  ',
    '\t',
    ':',
    ',',
    ';',
    '\0',
    '\x7f',
    '\xff',
    '0',
    '5',
    '-',
    '+',
    'x',
    '"',
  ],
  ...['\x0b', '\x85', '\xa0', '~', '/', '=', '#', '*', '\\', '{', '%'],
  ...[
    'Content-Length: 5\r\n',
    'Content-Length: 6\r\n',
    'content-length:5\r\n',
    'Content-Length : 5\r\n',
    'Content-Length: 5, 5\r\n',
  ],
  ...['Transfer-Encoding: chunked\r\n', 'Transfer-Encoding: gzip\r\n', 'transfer-encoding:\tchunked \r\n'],
  ...['Transfer-Encoding:\r\n', 'Transfer-Encoding: chunked, chunked\r\n', 'Transfer-Encoding: gzip, chunked\r\n'],
  ...[
    'Connection: close\r\n',
    'Connection: upgrade\r\n',
    'Upgrade: websocket\r\n',
    'Upgrade: h2c\r\n',
    ' folded\r\n',
    ': a\r\n',
  ],
  ...['0\r\n\r\n', '5\r\nhello\r\n', 'chunked, ', 'identity', ' 5', 'ffffffffffffffff', '00000000', '1;\r\n', '1 \r\n'],
  ...[
    'GET / HTTP/1.1\r\n',
    'HTTP/1.1',
    'HTTP/1.0',
    'HTTP/2.0',
    'HTTP/0.9',
    'RTSP/1.0',
    'ICE/1.0',
    'SOURCE',
    'CONNECT a:1',
    'PRI * ',
  ],
  ...['GET', 'get', 'PROPFIND', 'QUERY', 'BREW'],
]

/** One to three requests behind each other. */
export function mutatedRequests(random: () => number): string {
  let text = ''
  for (let left = 1 + Math.floor(random() * 3); left > 0; left--) {
    text += one(lines, random)
    for (let more = Math.floor(random() * 4); more > 0; more--) text += one(fields, random)
    text += one(framed, random)
    if (random() < 0.05) text += '\r\n'
  }
  for (let left = Math.floor(random() * 4); left > 0; left--) text = mutate(text, fragments, random)
  return text
}
