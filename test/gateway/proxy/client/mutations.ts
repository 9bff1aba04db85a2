/** Answers that were right, or nearly, and then were changed: the same ones for the same seed. */

const heads = [
  'HTTP/1.1 200 OK\r\n',
  'HTTP/1.0 200 OK\r\n',
  'HTTP/1.1 404 Not Found\r\n',
  'HTTP/1.1 204 No Content\r\n',
  'HTTP/1.1 304 Not Modified\r\n',
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n',
  'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n',
  'HTTP/1.1 999\r\n',
]
const fields = [
  'Content-Type: text/plain\r\n',
  'Set-Cookie: a=b; Path=/\r\n',
  'X-Empty:\r\n',
  'X-Blank: \t a b \t\r\n',
  'X-Foreign: caf\xe9\r\n',
  'Connection: close\r\n',
  'Connection: keep-alive, x\r\n',
  'Keep-Alive: timeout=5\r\n',
  'Upgrade: h2c\r\n',
  'Trailer: X-Sum\r\n',
]
const framed = [
  'Content-Length: 5\r\n\r\nhello',
  'Content-Length: 0\r\n\r\n',
  'Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello',
  'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  'Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\nA\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n',
  '\r\nup to the end',
]
const fragments = [
  ...[
    '\r',
    '\n',
    '\r\n',
    '\r\n\r\n',
    ' ',
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
    '\x0b',
  ],
  ...[
    'Content-Length: 5\r\n',
    'Content-Length: 6\r\n',
    'Transfer-Encoding: chunked\r\n',
    'Transfer-Encoding: gzip\r\n',
  ],
  ...['content-length:5\r\n', 'transfer-encoding:\tchunked \r\n', 'Content-Length : 5\r\n', ' folded\r\n', ': a\r\n'],
  ...[
    '0\r\n\r\n',
    '5\r\nhello\r\n',
    'chunked, ',
    'identity',
    ' 5',
    'ffffffffffffffff',
    '00000000',
    'HTTP/1.1 200 OK\r\n',
  ],
  ...[
    'HTTP/1.1 100 Continue\r\n\r\n',
    'HTTP/1.1 101 S\r\nUpgrade: x\r\n\r\n',
    'HTTP/2.0',
    'RTSP/1.0',
    '\x85',
    '\xa0',
    '~',
  ],
]

/** Numbers from 0 to below 1 (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

export function mutatedAnswer(random: () => number): string {
  let text = one(heads, random)
  for (let left = Math.floor(random() * 4); left > 0; left--) text += one(fields, random)
  text += one(framed, random)
  for (let left = Math.floor(random() * 4); left > 0; left--) text = mutate(text, fragments, random)
  return text
}

/** Removes, replaces or repeats something at random, or inserts one of the fragments. */
export function mutate(text: string, fragments: readonly string[], random: () => number): string {
  const at = Math.floor(random() * (text.length + 1))
  const to = Math.min(text.length, at + 1 + Math.floor(random() * 8))
  switch (Math.floor(random() * 6)) {
    case 0:
      return text.slice(0, at) + text.slice(at + 1)
    case 1:
      return text.slice(0, at) + String.fromCharCode(Math.floor(random() * 256)) + text.slice(at + 1)
    case 2:
      return text.slice(0, to) + text.slice(at)
    case 3:
      return text.slice(0, at)
    default:
      return text.slice(0, at) + one(fragments, random) + text.slice(random() < 0.5 ? at : to)
  }
}

export function one<T>(of: readonly T[], random: () => number): T {
  return of[Math.floor(random() * of.length)] as T
}
