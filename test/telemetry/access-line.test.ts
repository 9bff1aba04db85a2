import { expect, it } from 'vitest'
import { type AccessRecord, accessLine } from '../../src/telemetry/access-log.ts'

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
const time = '2026-11-28T12:00:00.000Z'

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

it('an access line is what JSON.stringify would write, whatever its texts are', () => {
  for (const text of strange) {
    const texts = { requestId: text, client: text, listener: text, method: text, host: text, path: text }
    const record = { ...usual, ...texts, internalId: text, route: text, userAgent: text, error: text }
    const { requestId, internalId, ...rest } = record
    const { client, listener, protocol, tls, method, host, path, status, bytes, duration, ...last } = rest
    const ids = { requestId, internalId }
    const exchange = { client, listener, protocol, tls, method, host, path, status, bytes, duration }
    const { route, userAgent, error } = last
    const whole = {
      level: 'info',
      time,
      process: 'gateway',
      ...ids,
      ...exchange,
      ...{ route, userAgent, error },
      message: 'request',
    }
    expect(accessLine(record, time).toLowerCase()).toBe(`${JSON.stringify(whole)}\n`.toLowerCase())
    expect(accessLine(record, time).split('\n')).toHaveLength(2)
  }
})

it('what a request does not have is not in its line', () => {
  const line = accessLine(usual, time)
  expect(JSON.parse(line)).toEqual({ level: 'info', time, process: 'gateway', ...usual, message: 'request' })
})
