import { beforeEach, expect, it } from 'vitest'
import { AccessLines, type AccessRecord, accessLine } from '../../src/telemetry/access-log.ts'

const usual: AccessRecord = {
  requestId: 'f2c1',
  client: '203.0.113.7',
  listener: 'https',
  protocol: 'h2',
  tls: true,
  method: 'GET',
  host: 'example.com',
  path: '/items/42',
  status: 200,
  bytes: 1_234,
  duration: 0.7,
}
const now = Date.parse('2026-11-28T12:00:00.000Z')

/** Everything that JSON escapes, or that a terminal or the next reader of the log might take for something else. */
const strange = [
  '',
  '"',
  '\\',
  '\n{"level":"fatal"}',
  '\u0000\u001b[2J',
  '\u007f',
  'ä',
  '\u2028',
  '😀',
  '\ud800',
  "it's",
]

let lines: AccessLines

beforeEach(() => {
  lines = new AccessLines()
})

/** By either way: as bytes, if that is possible, and as text. */
function lineOf(record: AccessRecord, time: number): string {
  const most = lines.prepare(record, time)
  const buffer = Buffer.alloc(most + 7)
  const end = lines.encode(record, buffer, 7)
  const text = accessLine(record, time)
  if (end >= 0) expect(buffer.toString('utf8', 7, end)).toBe(text)
  return text
}

/** The fields in the order of the line. */
function stringified(record: AccessRecord, time: number): string {
  const { requestId, internalId, client, listener, protocol, tls, method, host, path } = record
  const { status, bytes, duration, route, userAgent, error } = record
  const begin = { level: 'info', time: new Date(time).toISOString(), process: 'gateway', requestId, internalId }
  const source = { client, listener, protocol, tls, method, host, path }
  const end = { status, bytes, duration, route, userAgent, error, message: 'request' }
  return `${JSON.stringify({ ...begin, ...source, ...end })}\n`
}

it('an access line is what JSON.stringify would write, whatever its texts are', () => {
  for (const text of strange) {
    const texts = { requestId: text, client: text, listener: text, method: text, host: text, path: text }
    const record = { ...usual, ...texts, internalId: text, route: text, userAgent: text, error: text }
    const line = lineOf(record, now)
    expect(line).toBe(stringified(record, now))
    expect(line.split('\n')).toHaveLength(2)
  }
})

it('nothing of a line remains in the next one, whichever of its fields differ', () => {
  const fields = {
    requestId: ['f2c1', 'f2c2'],
    internalId: [undefined, 'a1', 'a"1'],
    client: ['203.0.113.7', '2001:db8::1'],
    listener: ['https', 'http'],
    protocol: ['h1', 'h2', 'websocket'],
    tls: [true, false],
    method: ['GET', 'POST'],
    host: ['', 'example.com', 'example.org'],
    path: ['/', '/items/"42"'],
    status: [101, 200, 499],
    bytes: [0, 9, 10, 99, 100, 80, 5_000_000_000, Number.MAX_SAFE_INTEGER],
    duration: [0, 0.1, 9.9, 10, 12, 0.3, 86_400_000.4],
    route: [undefined, 'api', 'web'],
    userAgent: [undefined, 'curl/8', 'ä'],
    error: [undefined, 'refused'],
  }
  const names = Object.keys(fields) as (keyof typeof fields)[]
  let record: Record<string, unknown> = { ...usual }
  let time = now
  let state = 1
  const random = (below: number) => {
    state = (state * 48_271) % 2_147_483_647
    return state % below
  }
  for (let turn = 0; turn < 5_000; turn += 1) {
    const name = names[random(names.length)] ?? 'path'
    const { [name]: _, ...others } = record
    const value = fields[name][random(fields[name].length)]
    record = value === undefined ? others : { ...others, [name]: value }
    time += random(3)
    const given = record as unknown as AccessRecord
    expect(lineOf(given, time)).toBe(stringified(given, time))
  }
})

it('a usual line needs no string, nor does one with other figures', () => {
  const figures = [0, 1, 9, 10, 11, 99, 100, 101, 65_535, 2 ** 31, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER]
  for (const bytes of figures) expect(bytesOf({ ...usual, bytes })).toBe(stringified({ ...usual, bytes }, now))
  for (let tenths = 0; tenths < 3_000; tenths += 1) {
    const duration = Math.round(tenths * 1.37) / 10
    expect(bytesOf({ ...usual, duration })).toBe(stringified({ ...usual, duration }, now))
  }
  const rest = { internalId: 'a1', route: 'ä"', userAgent: '\n', error: '€', host: '"' }
  expect(bytesOf({ ...usual, ...rest })).toBe(stringified({ ...usual, ...rest }, now))
})

it.each([
  { bytes: -1 },
  { bytes: 0.5 },
  { bytes: 2 ** 53 },
  { duration: 0.25 },
  { duration: -0.1 },
  { path: 'ä' },
  { requestId: '"' },
])('a line with %o is left to JSON.stringify', (fields) => {
  expect(bytesOf({ ...usual, ...fields })).toBeUndefined()
})

function bytesOf(record: AccessRecord): string | undefined {
  const buffer = Buffer.alloc(lines.prepare(record, now))
  const end = lines.encode(record, buffer, 0)
  return end < 0 ? undefined : buffer.toString('utf8', 0, end)
}
