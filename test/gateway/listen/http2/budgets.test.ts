/** What a client may do only so often (`protocol-limits.ts`). */
import { describe, expect, it } from 'vitest'
import { http2 } from '../../../../src/gateway/listen/protocol-limits.ts'
import { frame, headers, settings } from '../../../faults/gateway/h2-wire.ts'
import { answer, data, get, head, Opened, opens, post, reset, settled } from './opened.ts'

const ids = (count: number, from = 1) => Array.from({ length: count }, (_, i) => from + 2 * i)

interface Row {
  readonly what: string
  /** That are allowed. */
  readonly allowed: number
  readonly first?: readonly Buffer[]
  readonly one: (i: number) => readonly Buffer[]
}

const rows: readonly Row[] = [
  { what: 'resets', allowed: http2.streamResets.burst, one: (i) => [get(2 * i + 1), reset(2 * i + 1)] },
  { what: 'resets of one stream', allowed: http2.streamResets.burst, first: [get(1)], one: () => [reset(1)] },
  { what: 'PINGs', allowed: http2.answeredFrames.burst - 1, one: () => [frame('ping', { payload: Buffer.alloc(8) })] },
  { what: 'changes of settings', allowed: http2.answeredFrames.burst - 1, one: () => [settings({ 4: 1 })] },
  {
    what: 'streams beyond those at a time',
    allowed: http2.maxRejectedStreams,
    first: ids(http2.maxConcurrentStreams).map((id) => get(id)),
    one: (i) => [get(2 * (http2.maxConcurrentStreams + i) + 1)],
  },
  { what: 'malformed requests', allowed: http2.maxInvalidRequests, one: (i) => [headers(2 * i + 1, [], true)] },
  {
    what: 'requests with too many fields',
    allowed: http2.maxInvalidRequests,
    one: (i) => [frame('headers', { stream: 2 * i + 1, flags: 5, payload: Buffer.alloc(257, 0x82) })],
  },
  // MadeYouReset, CVE-2025-8671.
  {
    what: 'windows that open by 0',
    allowed: http2.maxInvalidRequests,
    one: (i) => [get(2 * i + 1), opens(2 * i + 1, 0)],
  },
  {
    what: 'windows that overflow',
    allowed: http2.maxInvalidRequests,
    one: (i) => [get(2 * i + 1), opens(2 * i + 1, 2 ** 31 - 1)],
  },
  {
    what: 'lengths that lie',
    allowed: http2.maxInvalidRequests,
    one: (i) => [post(2 * i + 1, ['content-length', '1']), data(2 * i + 1, '', true)],
  },
  { what: 'DATA behind the end', allowed: http2.maxInvalidRequests, one: (i) => [get(2 * i + 1), data(2 * i + 1, '')] },
  {
    what: 'trailers without an end',
    allowed: http2.maxInvalidRequests,
    one: (i) => [post(2 * i + 1), headers(2 * i + 1, [], false)],
  },
  { what: 'heads behind the end', allowed: http2.maxInvalidRequests, one: (i) => [get(2 * i + 1), get(2 * i + 1)] },
]

describe('a connection ends with ENHANCE_YOUR_CALM after too many', () => {
  it.each(rows)('$what', async ({ allowed, first = [], one }) => {
    const opened = await new Opened().after(...first)
    opened.send(Buffer.concat(Array.from({ length: allowed }, (_, i) => Buffer.concat(one(i)))))
    await settled()
    expect(opened.wire.destroyed).toBe(false)
    // Budgets are refilled with time.
    for (let i = allowed; i < allowed + 2_000 && !opened.wire.destroyed; i += 10) {
      opened.send(Buffer.concat(Array.from({ length: 10 }, (_, k) => Buffer.concat(one(i + k)))))
      await new Promise(setImmediate)
    }
    await settled()
    expect(opened.seen.at(-1)).toMatch(/^goaway \d+ ENHANCE_YOUR_CALM$/)
    expect(opened.wire.destroyed).toBe(true)
    for (const { events } of opened.begun) expect(events.filter((event) => event === 'close')).toHaveLength(1)
  })
})

it('beyond 128 streams at a time, one is refused, and the next is accepted when one is over', async () => {
  const opened = await new Opened().after(...ids(129).map((id) => get(id)))
  expect(opened.begun).toHaveLength(128)
  expect(opened.seen).toEqual(['reset 257 REFUSED_STREAM'])
  answer(opened.begun[5] as (typeof opened.begun)[number])
  await opened.after(get(259), headers(261, head('POST'), false), data(261, 'x'))
  expect(opened.last.id).toBe(259)
  expect(opened.seen.slice(-1)).toEqual(['reset 261 REFUSED_STREAM'])
})
