/**
 * Answers of an upstream that no one would think of: legal, odd, and none at all. Each comes from its number and the
 * seed alone.
 */
import { seeded } from '../supervisor/simulated-kernel.ts'

export interface RandomAnswer {
  /** What the upstream writes, latin1. */
  readonly bytes: string
  /** How it goes on afterwards: keeps the connection, ends it with FIN or RST, or says nothing more. */
  readonly afterwards: 'keeps' | 'ends' | 'resets' | 'stalls'
  /** Whether there is exactly one whole answer in it, so that both protocols must show the same. */
  readonly sound: boolean
  /** Set if nothing about it is odd either: what a client must see of it. */
  readonly legal?: { readonly status: number; readonly fields: readonly Field[]; readonly body: string }
}

export type Field = readonly [name: string, value: string]

type Choice = ReturnType<typeof choices>

/** Answer number `n`: its own X-N field says so, and a client of another one must not get it. */
export function randomAnswer(seed: number, n: number): RandomAnswer {
  const choose = choices(seeded(seed * 1_000_003 + n))
  const kind = choose.below(100)
  if (kind < 45) return legalAnswer(choose, n)
  if (kind < 75) return oddAnswer(choose, n)
  return brokenAnswer(choose, n)
}

function choices(random: () => number) {
  const below = (most: number) => Math.floor(random() * most)
  return {
    below,
    of: <T>(list: readonly T[]): T => list[below(list.length)] as T,
    /** One time in `times`. */
    once: (times: number) => below(times) === 0,
    some: <T>(most: number, make: () => T): T[] => Array.from({ length: below(most + 1) }, make),
  }
}

const token = ['X-A', 'x-b', 'X-UPPER', 'x.dot', "x!#$%&'*+-.^_`|~", 'Link', 'Vary', 'Set-Cookie', 'WWW-Authenticate']
const text = [
  'a',
  '',
  'a b',
  '"quoted, and more"',
  'a=b; Path=/; HttpOnly',
  'x'.repeat(300),
  'caf\xe9',
  'a\tb',
  ',',
  '\xff\xfe',
]
const date = 'Mon, 01 Jan 2024 00:00:00 GMT'

function legalFields(choose: Choice, n: number): Field[] {
  const fields: Field[] = [['X-N', String(n)]]
  fields.push(...choose.some<Field>(6, () => [choose.of(token), choose.of(text)]))
  if (choose.once(3))
    fields.push(['Content-Type', choose.of(['text/plain', 'application/json', 'text/html; charset=utf-8'])])
  if (choose.once(4)) fields.push(['ETag', choose.of(['"a"', 'W/"b"'])])
  if (choose.once(4)) fields.push(['Date', date])
  if (choose.once(10))
    fields.push(...Array.from({ length: choose.below(60) }, (_, i): Field => ['Set-Cookie', `c${i}=${i}`]))
  return fields
}

function legalAnswer(choose: Choice, n: number): RandomAnswer {
  const status = choose.of([
    200, 200, 200, 201, 202, 203, 206, 301, 400, 401, 403, 404, 410, 418, 429, 451, 500, 503, 599,
  ])
  const fields = legalFields(choose, n)
  const body = choose.of(['', 'ok', 'b'.repeat(1 + choose.below(5_000))])
  const framed = framing(choose, body)
  return {
    bytes: `${interim(choose)}${head(`HTTP/1.1 ${status} Reason`, [...fields, ...framed.fields])}${framed.body}`,
    afterwards: framed.closes || choose.once(4) ? 'ends' : 'keeps',
    sound: true,
    legal: { status, fields, body },
  }
}

/** A body with its length, in chunks with or without extensions and trailers, or until the end of the connection. */
function framing(choose: Choice, body: string) {
  const way = choose.below(5)
  if (way < 2) return { fields: [['Content-Length', String(body.length)]] as Field[], body, closes: false }
  if (way === 2) return { fields: [['Connection', 'close']] as Field[], body, closes: true }
  const extension = choose.of(['', ';a', ';a=b', ';a="b;c"'])
  const trailers = choose.of(['', '', 'X-Trailer: t\r\n', 'X-Trailer: t\r\nContent-Length: 3\r\nSet-Cookie: a=b\r\n'])
  const middle = choose.below(body.length + 1)
  const chunks = [body.slice(0, middle), body.slice(middle)].filter((part) => part !== '')
  const written = chunks.map((part) => `${part.length.toString(16)}${extension}\r\n${part}\r\n`).join('')
  return {
    fields: [[choose.of(['Transfer-Encoding', 'transfer-encoding']), choose.of(['chunked', 'Chunked'])]] as Field[],
    body: `${written}0\r\n${trailers}\r\n`,
    closes: false,
  }
}

/** Answers before the answer: none mostly, seldom many. */
function interim(choose: Choice): string {
  if (!choose.once(6)) return ''
  const one = () =>
    choose.of([
      'HTTP/1.1 100 Continue\r\n\r\n',
      'HTTP/1.1 102 Processing\r\n\r\n',
      'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n',
      'HTTP/1.1 103 Early Hints\r\nDate: a\r\nDate: b\r\nConnection: close\r\n\r\n',
      'HTTP/1.1 199 Odd\r\nX-A: caf\xe9 \r\n\r\n',
    ])
  return Array.from({ length: choose.once(10) ? 40 : 1 + choose.below(3) }, one).join('')
}

/** One whole answer, with what HTTP/1.1 forbids or no one sends, and a gateway can pass on or repair. */
function oddAnswer(choose: Choice, n: number): RandomAnswer {
  const { bytes: _, ...legal } = legalAnswer(choose, n)
  const body = legal.legal?.body ?? ''
  const status = choose.of([200, 200, 404, 205, 299, 600, 666, 700, 999])
  const single = choose.of([
    'Date',
    'Content-Type',
    'ETag',
    'Location',
    'Content-Language',
    'Last-Modified',
    'Age',
    'Expires',
    'Retry-After',
    'X-Content-Type-Options',
    'Content-Location',
    'Access-Control-Max-Age',
    'Server',
    'User-Agent',
    'Host',
    'Authorization',
    'Referer',
    'If-Match',
    'From',
    'Max-Forwards',
    'Upgrade-Insecure-Requests',
  ])
  const oddHeads: readonly (() => Field[])[] = [
    () => Array.from({ length: 2 + choose.below(3) }, (): Field => [single, choose.of([date, 'a', '1', ''])]),
    () => [
      ['X-Pad', choose.of(['v ', 'v\t', ' \t v \t ', ' ', '\t'])],
      ['Set-Cookie', 'a=b;  '],
    ],
    () => [
      ['Connection', choose.of(['X-Hop', 'x-hop, close', ', ,', 'keep-alive, X-N', 'upgrade'])],
      ['X-Hop', '1'],
    ],
    () => [
      [
        choose.of(['Keep-Alive', 'Proxy-Connection', 'Upgrade', 'HTTP2-Settings', 'TE', 'Trailer']),
        choose.of(['timeout=1', 'h2c', 'trailers', '']),
      ],
    ],
    () => [['X-Big', 'y'.repeat(choose.of([4_000, 8_000, 12_000]))]],
    () => Array.from({ length: 100 }, (_, i): Field => [`X-Many-${i}`, String(i)]),
    () => [
      ['Proxy-Authenticate', 'Basic'],
      ['Alt-Svc', 'h3=":1"'],
      ['Strict-Transport-Security', 'max-age=1'],
    ],
  ]
  const fields = [...legalFields(choose, n), ...choose.of(oddHeads)(), ...choose.of(oddHeads)()]
  const framed = framing(choose, body)
  const line = choose.of([`HTTP/1.1 ${status}`, `HTTP/1.1 ${status} `, `HTTP/1.1 ${status} caf\xe9`])
  return {
    bytes: `${interim(choose)}${head(line, [...fields, ...framed.fields])}${status === 205 ? choose.of(['', framed.body]) : framed.body}`,
    afterwards: 'ends',
    sound: true,
  }
}

/** What is no answer, two answers, half an answer, or one that must be read two ways. */
function brokenAnswer(choose: Choice, n: number): RandomAnswer {
  const fields = legalFields(choose, n)
  const whole = legalAnswer(choose, n).bytes
  const line = 'HTTP/1.1 200 OK'
  const length = (value: string): Field => ['Content-Length', value]
  const coding = (value: string): Field => ['Transfer-Encoding', value]
  const ways: readonly (() => string)[] = [
    () =>
      `${head(
        `${choose.of(['RTSP/1.0', 'RTSP/1.1', 'ICE/1.0', 'HTTP/2.0', 'HTTP/0.9', 'HTTP/9.9', 'http/1.1', 'HTTP/1.2'])} 200 OK`,
        [...fields, length('2')],
      )}ok`,
    () =>
      `${head(`HTTP/1.1 ${choose.of(['', '0', '99', '000', '1000', '2 0', '-200', '20x', 'two', '99999999999'])} OK`, [
        ...fields,
        length('2'),
      ])}ok`,
    () =>
      `${head(`HTTP/1.0 ${choose.of([200, 404, 304, 100])} OK`, [
        ...fields,
        ...choose.some<Field>(2, () => choose.of([length('2'), coding('chunked'), ['Connection', 'keep-alive']])),
      ])}ok`,
    () =>
      `${head(`HTTP/1.1 101 Switching Protocols`, [
        ...fields,
        ['Connection', 'Upgrade'],
        ['Upgrade', choose.of(['websocket', 'h2c', ''])],
      ])}bytes`,
    () =>
      head(line, [
        ...fields,
        length('2'),
        coding(
          choose.of(['chunked', 'gzip, chunked', 'identity', 'chunked, chunked', 'gzip', ' chunked\t', 'xchunked']),
        ),
      ]) + choose.of(['0\r\n\r\n', 'ok']),
    () =>
      `${head(line, [
        ...fields,
        length('2'),
        length(choose.of(['2', '3', '+2', '2, 2', '2,3', '0x2', '-1', '', '1e1', '99999999999999999999'])),
      ])}ok`,
    () => head(line, [...fields, length(choose.of(['5', '1', '0', '100000']))]) + choose.of(['ok', 'okokokok', '']),
    () =>
      head(line, [...fields, coding('chunked')]) +
      choose.of([
        '2 \r\nok\r\n0\r\n\r\n',
        '2\nok\n0\n\n',
        'zz\r\nok\r\n',
        '-2\r\nok\r\n',
        'ffffffffffffffffffff\r\nok',
        '5\r\nok',
        '2\r\nokX\r\n0\r\n\r\n',
        '0\r\nX: y',
        '2;\x00\r\nok\r\n0\r\n\r\n',
        '0x2\r\nok\r\n0\r\n\r\n',
      ]),
    () =>
      `${head(line, [
        ...fields,
        [
          choose.of([
            ':status',
            ':path',
            'X Y',
            'X-A ',
            ' X-A',
            '',
            'X\x00',
            'X\xe9',
            '(x)',
            '__proto__',
            'constructor',
          ]),
          '200',
        ],
        length('2'),
      ])}ok`,
    () =>
      head(line, [...fields, ['X-A', choose.of(['a\0b', 'a\rb', 'a\nb', 'a\r\n b', 'a\x7f', 'a\x01b'])], length('2')]) +
      'ok',
    () =>
      head(`HTTP/1.1 ${choose.of([204, 304, 205])} None`, [
        ...fields,
        ...choose.some<Field>(1, () => choose.of([length('5'), coding('chunked')])),
      ]) + choose.of(['', 'body!', '5\r\nbody!\r\n0\r\n\r\n']),
    () => whole.slice(0, choose.below(whole.length)),
    () =>
      whole +
      choose.of(['extra', '\r\n\r\n', whole, 'HTTP/1.1 200 OK\r\nX-N: stray\r\nContent-Length: 5\r\n\r\nstray']),
    () =>
      choose.of([
        '',
        '\r\n',
        '\r\n\r\n',
        'nonsense',
        'nonsense\r\n\r\n',
        '\0\0\0',
        '\x16\x03\x01\x02',
        'SSH-2.0-x\r\n',
        'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
        'GET / HTTP/1.1\r\n\r\n',
      ]),
    () => `${head(line, [...fields, ['X-Big', 'z'.repeat(choose.of([16_000, 70_000, 200_000]))], length('2')])}ok`,
    () => `${head(line, [...fields, ...Array.from({ length: 3_000 }, (_, i): Field => [`X-${i}`, ''])])}ok`,
    () => `${'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(choose.of([200, 2_000]))}${whole}`,
    () => `${head(line, fields).replaceAll('\r\n', '\n')}ok`,
  ]
  const afterwards = choose.once(200) ? 'stalls' : choose.of(['ends', 'ends', 'resets'] as const)
  return { bytes: choose.of(ways)(), afterwards, sound: false }
}

function head(line: string, fields: readonly Field[]): string {
  return `${line}\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`
}
