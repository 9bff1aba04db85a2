/** Heads of requests and their trailers, held to RFC 9113 §8. */
import { describe, expect, it } from 'vitest'
import { type Field, headers } from '../../../faults/gateway/h2-wire.ts'
import { data, get, head, Opened, post } from './opened.ts'

const without = (name: string, ...more: readonly Field[]) => [...head().filter(([one]) => one !== name), ...more]
const replaced = (name: string, value: string) =>
  head().map(([one, before]): Field => [one, one === name ? value : before])

describe('a request is malformed', () => {
  it.each<[what: string, fields: readonly Field[]]>([
    ['without fields', []],
    ['without a method', without(':method')],
    ['without a scheme', without(':scheme')],
    ['without a path', without(':path')],
    ['without an authority or Host', without(':authority')],
    ['with two methods', [[':method', 'GET'], ...head()]],
    ['with two paths', [[':path', '/'], ...head()]],
    ['with two authorities', [[':authority', 'a'], ...head()]],
    ['with a pseudo-header field that is unknown', [[':protocol', 'websocket'], ...head('CONNECT')]],
    ['with a pseudo-header field of responses', [[':status', '200'], ...head()]],
    ['with a pseudo-header field behind others', without(':path', ['x-a', 'b'], [':path', '/'])],
    ['with an empty pseudo-header name', [[':', 'x'], ...head()]],
    ['with an empty method', replaced(':method', '')],
    ['with a method of two words', replaced(':method', 'GET /')],
    ['with an empty path', replaced(':path', '')],
    ['with a path that does not begin with /', replaced(':path', 'a')],
    ['with a path with a space', replaced(':path', '/ HTTP/1.1')],
    ['with a path with a line end', replaced(':path', '/\r\nx: y')],
    ['with the path of OPTIONS', replaced(':path', '*')],
    ['with an empty authority', replaced(':authority', '')],
    ['with an authority with a space', replaced(':authority', 'a b')],
    ['with an authority with a slash', replaced(':authority', 'a/b')],
    ['with an authority with user information', replaced(':authority', 'a@b')],
    ['with an authority with NUL', replaced(':authority', 'a\0')],
    ['with an empty scheme', replaced(':scheme', '')],
    ['with a scheme that begins with a digit', replaced(':scheme', '1http')],
    ['with a name in upper case', head('GET', ['X-a', 'b'])],
    ['with Connection', head('GET', ['connection', 'close'])],
    ['with Keep-Alive', head('GET', ['keep-alive', '5'])],
    ['with Proxy-Connection', head('GET', ['proxy-connection', 'close'])],
    ['with Transfer-Encoding', head('GET', ['transfer-encoding', 'chunked'])],
    ['with Upgrade', head('GET', ['upgrade', 'h2c'])],
    ['with TE other than trailers', head('GET', ['te', 'gzip'])],
    ['with TE that has more than trailers', head('GET', ['te', 'trailers, gzip'])],
    ['with an empty Host', head('GET', ['host', ''])],
    ['with a Host that is none, and no authority', without(':authority', ['host', 'a/b'])],
    ['with two hosts', head('GET', ['host', 'a'], ['host', 'a'])],
    ['with a length, and no body', head('GET', ['content-length', '1'])],
    ['with two lengths', head('GET', ['content-length', '0'], ['content-length', '0'])],
    ['with a length with a sign', head('GET', ['content-length', '+0'])],
    ['with a length in hexadecimal', head('GET', ['content-length', '0x0'])],
    ['with a list of lengths', head('GET', ['content-length', '0, 0'])],
    ['with a length behind a space', head('GET', ['content-length', ' 0'])],
    ['with a length with NUL', head('GET', ['content-length', '0\0'])],
    ['with an empty length', head('GET', ['content-length', ''])],
    ['with a length of 16 digits', head('GET', ['content-length', '0000000000000000'])],
    ['as CONNECT with a path', head('CONNECT')],
    [
      'as CONNECT without an authority',
      [
        [':method', 'CONNECT'],
        ['host', 'a'],
      ],
    ],
  ])('%s', async (_what, fields) => {
    const opened = await new Opened().after(headers(1, fields, true))
    expect(opened.seen).toEqual(['reset 1 PROTOCOL_ERROR'])
    expect(opened.begun).toEqual([])
    // And the next one is none of its business.
    await opened.after(get(3))
    expect(opened.begun).toHaveLength(1)
  })
})

describe('a request is read', () => {
  it.each<[what: string, fields: readonly Field[], seen: Record<string, unknown>]>([
    ['with Host only', without(':authority', ['host', 'b']), { host: 'b' }],
    ['with Host beside its authority', head('GET', ['host', 'b']), { host: 'b', ':authority': 'a' }],
    ['without a Host that is none', head('GET', ['host', 'a b']), { ':authority': 'a' }],
    ['with TE: trailers', head('GET', ['te', 'Trailers']), { te: 'Trailers' }],
    ['with several cookies', head('GET', ['cookie', 'a=1'], ['cookie', 'b=2']), { cookie: 'a=1; b=2' }],
    ['with a field twice', head('GET', ['x-a', '1'], ['x-a', '2']), { 'x-a': '1, 2' }],
    ['with a field of one value twice', head('GET', ['user-agent', '1'], ['user-agent', '2']), { 'user-agent': '1' }],
    [
      'with names of Object',
      head('GET', ['__proto__', '1'], ['constructor', '2']),
      { ['__proto__']: '1', constructor: '2' },
    ],
    ['with values beyond ASCII', head('GET', ['x-a', '\xe9\t~']), { 'x-a': '\xe9\t~' }],
    ['with an empty value', head('GET', ['x-a', '']), { 'x-a': '' }],
    [
      'without fields that are none',
      head('GET', ['a b', '1'], ['', '2'], ['x-a', ' 3'], ['x-b', '4\r\n'], ['x-c', '\0']),
      {},
    ],
    ['with a length of 0', head('GET', ['content-length', '0']), { 'content-length': '0' }],
    [
      'as OPTIONS of all',
      [
        [':method', 'OPTIONS'],
        [':scheme', 'https'],
        [':path', '*'],
        [':authority', 'a'],
      ],
      {},
    ],
    [
      'as CONNECT',
      [
        [':method', 'CONNECT'],
        [':authority', 'a:1'],
      ],
      {},
    ],
    ['with another scheme', replaced(':scheme', 'coap+tcp'), { ':scheme': 'coap+tcp' }],
  ])('%s', async (_what, fields, seen) => {
    const opened = await new Opened().after(headers(1, fields, true))
    const { headers: read } = opened.last.request
    expect(read).toMatchObject(seen)
    const regular = Object.keys(read).filter((name) => !name.startsWith(':'))
    expect(regular).toEqual(Object.keys(seen).filter((name) => !name.startsWith(':')))
    expect(opened.last.events).toEqual(['end'])
  })

  it('with as many fields as are allowed, and not with one more', async () => {
    const more = (count: number) => Array.from({ length: count - 4 }, (): Field => ['x', ''])
    const opened = await new Opened({ requestHeaders: 1_000_000 }).after(get(1, ...more(256)), get(3, ...more(257)))
    expect(opened.begun.map(({ id }) => id)).toEqual([1])
    expect(opened.seen).toEqual(['reset 3 ENHANCE_YOUR_CALM'])
  })

  it('with as many bytes as are announced, and not with one more', async () => {
    // RFC 9113 §6.5.2 counts 32 for each field.
    const rest = 32_000 + 128 * 32 - (42 + 44 + 43 + 38) - 35
    const opened = await new Opened().after(get(1, ['x-a', 'b'.repeat(rest)]), get(3, ['x-a', 'b'.repeat(rest + 1)]))
    expect(opened.begun.map(({ id }) => id)).toEqual([1])
    expect(opened.seen).toEqual(['reset 3 ENHANCE_YOUR_CALM'])
  })
})

describe('a length that lies resets the stream', () => {
  it.each([
    ['with more in one frame', [data(1, 'abcd')]],
    ['with more in two frames', [data(1, 'abc'), data(1, 'd')]],
    ['with more, and an end', [data(1, 'abcd', true)]],
    ['with less', [data(1, 'ab', true)]],
    ['with less, and trailers', [data(1, 'ab'), headers(1, [['x-a', 'b']], true)]],
    ['with nothing', [data(1, '', true)]],
  ])('%s', async (_what, frames) => {
    const opened = await new Opened().after(post(1, ['content-length', '3']))
    await opened.after(...frames)
    expect(opened.seen).toEqual(['reset 1 PROTOCOL_ERROR'])
    expect(opened.last.events).toEqual(['aborted', 'close'])
    expect(await opened.answers()).toBe(true)
  })

  it.each([
    ['in one frame', [data(1, 'abc', true)]],
    ['in three, and an empty one', [data(1, 'a'), data(1, 'b'), data(1, 'c'), data(1, '', true)]],
    ['with trailers', [data(1, 'abc'), headers(1, [['x-a', 'b']], true)]],
  ])('but not the true one, %s', async (_what, frames) => {
    const opened = await new Opened().after(post(1, ['content-length', '3']), ...frames)
    expect(opened.seen).toEqual([])
    expect(opened.last).toMatchObject({ body: 'abc', events: ['end'] })
  })
})

it('trailers are passed on without what is no field', async () => {
  const trailers = headers(
    1,
    [
      ['x-a', 'b'],
      ['a b', 'c'],
      ['x-d', '\n'],
      ['x-a', '\xe9'],
    ],
    true,
  )
  const opened = await new Opened().after(post(1), data(1, 'abc'), trailers)
  expect(opened.last.request.rawTrailers).toEqual(['x-a', 'b', 'x-a', '\xe9'])
  expect(opened.last).toMatchObject({ body: 'abc', events: ['end'] })
  expect(opened.last.request.complete).toBe(true)
})
