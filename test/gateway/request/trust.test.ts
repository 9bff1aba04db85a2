import { describe, expect, it, test } from 'vitest'
import { identify } from '../../../src/gateway/request/identity.ts'
import { canonicalAddress, compileRanges, withoutMapping } from '../../../src/gateway/request/trust.ts'

/** The client that is found behind a peer, with 10.0.0.0/8 and fd00::/8 trusted. */
function clientOf(peer: string, forwardedFor?: string): string {
  const trusts = compileRanges(['10.0.0.0/8', 'fd00::/8'])
  const headers = forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor }
  return identify({ peer, secure: false }, headers, trusts).client
}

describe('the client behind a peer', () => {
  test.each([
    ['a stranger is the client, whatever it says', '192.0.2.1', '203.0.113.7', '192.0.2.1'],
    ['a trusted peer that says nothing is the client', '10.0.0.1', undefined, '10.0.0.1'],
    ['a trusted peer tells who asked it', '10.0.0.1', '203.0.113.7', '203.0.113.7'],
    ['the rightmost untrusted hop counts, not what it wrote itself', '10.0.0.1', '1.1.1.1, 203.0.113.7', '203.0.113.7'],
    ['trusted hops are walked over', '10.0.0.1', '1.1.1.1, 203.0.113.7, 10.0.0.3,10.0.0.2', '203.0.113.7'],
    ['where every hop is trusted, the first is the client', '10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['an entry that is no address ends the walk', '10.0.0.1', '203.0.113.7, unknown, 10.0.0.2', '10.0.0.2'],
    ['so does an empty one', '10.0.0.1', '203.0.113.7,, 10.0.0.2', '10.0.0.2'],
    ['so does one with a number too large', '10.0.0.1', '300.0.0.1', '10.0.0.1'],
    ['a port is not part of an address', '10.0.0.1', '203.0.113.7:4711', '203.0.113.7'],
    ['nor are brackets', '10.0.0.1', '[2001:DB8::0:1]:443', '2001:db8::1'],
    ['nor are brackets without a port', '10.0.0.1', '[2001:db8::1]', '2001:db8::1'],
    ['IPv6 has one text', 'fd00::1', '2001:0DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['an IPv4 address in the form of IPv6 is that IPv4 address', '10.0.0.1', '::ffff:203.0.113.7', '203.0.113.7'],
    ['in hexadecimal too', '10.0.0.1', '::ffff:cb00:7107', '203.0.113.7'],
    ['and is trusted as IPv4', '10.0.0.1', '203.0.113.7, ::ffff:10.0.0.9', '203.0.113.7'],
    ['a zone is nothing that another machine can name', '10.0.0.1', 'fe80::1%eth0', '10.0.0.1'],
    ['a quoted or obfuscated entry is no address', '10.0.0.1', '"203.0.113.7"', '10.0.0.1'],
  ])('%s', (_, peer, forwardedFor, client) => {
    expect(clientOf(peer, forwardedFor)).toBe(client)
  })

  it('is found in time among thousands of hops', () => {
    const list = `203.0.113.7${', 10.0.0.2'.repeat(100_000)}`
    const started = performance.now()
    expect(clientOf('10.0.0.1', list)).toBe('203.0.113.7')
    // The square of 100,000 would take minutes.
    expect(performance.now() - started).toBeLessThan(10_000)
  })
})

test('an address that is none has no form', () => {
  for (const text of ['', 'localhost', '1.2.3', '1.2.3.4.5', '0x7f.0.0.1', '::1%lo']) {
    expect(canonicalAddress(text)).toBeUndefined()
  }
})

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['2001:0DB8:0:0:0:0:0:1', '2001:db8::1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::ffff:c000:201', '192.0.2.1'],
  ['::FFFF:192.0.2.1', '192.0.2.1'],
  // Compatible and translated addresses are no mapped ones.
  ['::192.0.2.1', '::192.0.2.1'],
  ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
])('%s has the canonical form %s', (text, canonical) => {
  expect(canonicalAddress(text)).toBe(canonical)
})

test.each([
  ['::ffff:10.0.0.1', '10.0.0.1'],
  ['10.0.0.1', '10.0.0.1'],
  ['::ffff:a00:1', '::ffff:a00:1'],
  ['64:ff9b::10.0.0.1', '64:ff9b::10.0.0.1'],
])('a socket whose peer is %s has the client %s', (peer, client) => {
  expect(withoutMapping(peer)).toBe(client)
})

describe('a set of ranges', () => {
  test.each([
    [['10.0.0.0/8'], '10.255.255.255', true],
    [['10.0.0.0/8'], '11.0.0.0', false],
    [['10.0.0.0/31'], '10.0.0.1', true],
    [['10.0.0.0/31'], '10.0.0.2', false],
    [['0.0.0.0/0'], '192.0.2.1', true],
    [['::/0'], '2001:db8::1', true],
    [['2001:db8::/32'], '2001:db8:ffff::1', true],
    [['2001:db8::/32'], '2001:db9::', false],
    [['10.0.0.0/8', 'fe80::/10'], 'fe80::1', true],
    // The zone is the name of an interface.
    [['fe80::/10'], 'fe80::1%eth0', true],
    [['fe80::/10'], 'fe80::1%none', true],
    [['fe80::/10'], 'fe80::1%1', true],
    [['fe81::/16'], 'fe80::1%eth0', false],
    [['10.0.0.0/8', '::/0'], '', false],
    [['10.0.0.0/8', '::/0'], 'unix', false],
    [[], '10.0.0.1', false],
  ])('%j contains %j: %j', (ranges, address, expected) => {
    const contains = compileRanges(ranges)
    expect(contains(address)).toBe(expected)
    // A second time from its memory.
    expect(contains(address)).toBe(expected)
  })

  it('tells addresses apart, however many it has seen', () => {
    const contains = compileRanges(['10.0.0.0/9'])
    const addresses = Array.from({ length: 5_000 }, (_, i) => `10.${i % 2 ? 0 : 128}.${i % 250}.${Math.floor(i / 250)}`)
    for (const seen of [addresses, addresses])
      expect(seen.filter((address) => contains(address) !== address.startsWith('10.0.'))).toEqual([])
  })
})

describe('the scheme of the request', () => {
  test.each([
    ['of a plain connection is http', false, undefined, 'http'],
    ['of a TLS connection is https', true, undefined, 'https'],
    ['is what a trusted proxy says', false, 'https', 'https'],
    ['is what a trusted proxy says, also where it is less secure', true, 'http', 'http'],
    ['of a WebSocket is that of its handshake', false, 'wss', 'https'],
    ['of a plain WebSocket is that of its handshake', true, 'ws', 'http'],
    ['is that of the first of several proxies', true, 'http, https', 'http'],
    ['may be written in any case, between blanks', false, ' HTTPS ', 'https'],
    ['is our own if the value is nonsense', true, 'gopher', 'https'],
    ['is our own if the value only contains a scheme', true, 'xhttps', 'https'],
    ['is our own if the value only begins with a scheme', true, 'httpsx', 'https'],
    ['is our own if Node gives a list, which it does for no such header', false, ['https'], 'http'],
    ['is our own if one of several values is nonsense', false, 'https, gopher', 'http'],
  ])('%s', (_, secure, forwarded, scheme) => {
    const headers = forwarded === undefined ? {} : { 'x-forwarded-proto': forwarded }
    const peer = '10.0.0.1'
    expect(identify({ peer, secure }, headers, () => true)).toMatchObject({ peer, trusted: true, scheme })
  })

  it('is our own behind a stranger, whatever it says', () => {
    const peer = '192.0.2.1'
    const headers = { 'x-forwarded-proto': 'https', 'x-forwarded-for': '10.0.0.1' }
    const expected = { peer, trusted: false, client: peer, scheme: 'http' }
    expect(identify({ peer, secure: false }, headers, () => false)).toEqual(expected)
  })
})
