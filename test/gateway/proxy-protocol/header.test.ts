import { describe, expect, it, test } from 'vitest'
import { type Header, readProxyHeader, type Version } from '../../../src/gateway/listen/proxy-protocol/header.ts'
import { binaryHeader, ipv4, ipv6 } from './headers.ts'

const source = { address: '203.0.113.7', port: 4711 }

const lines: readonly (readonly [string, Partial<Header & { source: unknown }>])[] = [
  ['PROXY TCP4 203.0.113.7 192.0.2.1 4711 443\r\n', { source }],
  ['PROXY TCP6 2001:DB8::0:1 ::1 4711 443\r\n', { source: { address: '2001:db8::1', port: 4711 } }],
  ['PROXY TCP6 ::ffff:203.0.113.7 ::1 4711 443\r\n', { source }],
  ['PROXY UNKNOWN\r\n', {}],
  ['PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n', {}],
]

const binaries: readonly (readonly [string, Buffer, Partial<Header & { source: unknown }>])[] = [
  ['IPv4', binaryHeader(ipv4), { source }],
  ['IPv6', binaryHeader(ipv6), { source: { address: '2001:db8::1', port: 4711 } }],
  ['IPv4 with TLVs behind it', binaryHeader({ ...ipv4, more: Buffer.from([4, 0, 3, 1, 2, 3]) }), { source }],
  ['UDP', binaryHeader({ ...ipv4, family: 0x12 }), { source }],
  ['a Unix socket', binaryHeader({ family: 0x31, addresses: Buffer.alloc(216) }), {}],
  ['an unspecified family', binaryHeader({ family: 0, addresses: Buffer.alloc(0) }), {}],
  ['LOCAL', binaryHeader({ ...ipv4, command: 0x20 }), {}],
  ['LOCAL without addresses', binaryHeader({ command: 0x20, family: 0, addresses: Buffer.alloc(0) }), {}],
  ['LOCAL with an unknown family', binaryHeader({ command: 0x20, family: 0xff, addresses: Buffer.alloc(3) }), {}],
]

const sound: readonly (readonly [string, Buffer, Partial<Header & { source: unknown }>])[] = [
  ...lines.map(([line, expected]) => [line.trim(), Buffer.from(line), expected] as const),
  ...binaries,
]

describe.each(sound)('%s', (_, bytes, expected) => {
  it('is read, and not a byte behind it', () => {
    const complete = { kind: 'complete', length: bytes.length, ...expected }
    expect(readProxyHeader(bytes, 'any')).toEqual(complete)
    expect(readProxyHeader(Buffer.concat([bytes, Buffer.from('PROXY \r\n\r\n')]), 'any')).toEqual(complete)
  })

  it('is incomplete with every byte that lacks', () => {
    for (let length = 0; length < bytes.length; length += 1) {
      expect(readProxyHeader(bytes.subarray(0, length), 'any'), `${length} bytes`).toEqual({ kind: 'incomplete' })
    }
  })
})

test('whatever the bytes are, reading them ends in a verdict and asks for no byte that is not there', () => {
  const random = randomFrom(1)
  const pieces = [...sound.map(([, bytes]) => bytes), Buffer.from('GET / HTTP/1.1\r\n\r\n')]
  for (let round = 0; round < 30_000; round += 1) {
    const bytes = Buffer.from(pieces[random(pieces.length)] ?? Buffer.alloc(0))
    for (let change = random(4); change >= 0; change -= 1) bytes[random(bytes.length)] = random(256)
    const cut = bytes.subarray(0, random(bytes.length + 1))
    const header = readProxyHeader(cut, 'any')
    if (header.kind === 'complete') expect(header.length).toBeLessThanOrEqual(cut.length)
    // What was refused early stays refused, and what was complete stays the same, with more bytes behind it.
    if (header.kind !== 'incomplete') expect(readProxyHeader(bytes, 'any')).toEqual(header)
  }
})

/** The same numbers in every run, below the bound (mulberry32). */
function randomFrom(seed: number): (bound: number) => number {
  let state = seed
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % bound
  }
}

describe('is refused:', () => {
  const refused = (bytes: Buffer | string, version: Version = 'any') =>
    expect(readProxyHeader(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes, version).kind).toBe(
      'malformed',
    )

  test.each([
    'GET / HTTP/1.1\r\n',
    '\x16\x03\x01\x02\x00',
    'P',
    'proxy TCP4 1.1.1.1 2.2.2.2 1 2\r\n',
    'PROXY\tTCP4 1.1.1.1 2.2.2.2 1 2\r\n',
    'PROXY TCP4 1.1.1.1 2.2.2.2 1\r\n',
    'PROXY TCP4 1.1.1.1 2.2.2.2 1 2 3\r\n',
    'PROXY TCP4  1.1.1.1 2.2.2.2 1 2\r\n',
    'PROXY TCP4 1.1.1.1 2.2.2.2 1 2 \r\n',
    'PROXY TCP4 1.1.1 2.2.2.2 1 2\r\n',
    'PROXY TCP4 01.1.1.1 2.2.2.2 1 2\r\n',
    'PROXY TCP4 ::1 ::1 1 2\r\n',
    'PROXY TCP6 1.1.1.1 2.2.2.2 1 2\r\n',
    'PROXY TCP6 1::2::3 ::1 1 2\r\n',
    'PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n',
    'PROXY TCP4 1.1.1.1 2.2.2.2 65536 2\r\n',
    'PROXY TCP4 1.1.1.1 2.2.2.2 -1 2\r\n',
    'PROXY TCP4 1.1.1.1 2.2.2.2 01 2\r\n',
    'PROXY UNKNOWNS\r\n',
    'PROXY UDP4 1.1.1.1 2.2.2.2 1 2\r\n',
    `PROXY UNKNOWN ${'a'.repeat(100)}`,
    `PROXY UNKNOWN ${'a'.repeat(100)}\r\n`,
    'PROXY \r\n',
  ])('%j', (text) => {
    if (text === 'P') expect(readProxyHeader(Buffer.from(text), 'v2').kind).toBe('malformed')
    else refused(text)
  })

  test('a line in parts, as soon as it is too long', () => {
    expect(readProxyHeader(Buffer.from(`PROXY UNKNOWN ${'a'.repeat(92)}`), 'any').kind).toBe('incomplete')
    refused(`PROXY UNKNOWN ${'a'.repeat(93)}`)
  })

  test('another version than the listener speaks', () => {
    refused('PROXY UNKNOWN\r\n', 'v2')
    refused(binaryHeader(ipv4), 'v1')
    expect(readProxyHeader(Buffer.from('PROXY UNKNOWN\r\n'), 'v1').kind).toBe('complete')
    expect(readProxyHeader(binaryHeader(ipv4), 'v2').kind).toBe('complete')
  })

  test('a binary header of version 1 or 3', () => {
    refused(binaryHeader({ ...ipv4, command: 0x11 }))
    refused(binaryHeader({ ...ipv4, command: 0x31 }))
  })

  test('an unknown command, family or transport', () => {
    refused(binaryHeader({ ...ipv4, command: 0x22 }))
    refused(binaryHeader({ ...ipv4, family: 0x41 }))
    refused(binaryHeader({ ...ipv4, family: 0x13 }))
  })

  test('a body too short for its addresses, or longer than any proxy sends, before it has come', () => {
    refused(binaryHeader({ family: 0x11, addresses: Buffer.alloc(11) }))
    refused(binaryHeader({ family: 0x21, addresses: Buffer.alloc(35) }))
    refused(binaryHeader({ ...ipv4, length: 65_535 }))
  })

  test('a signature with one bit wrong, at that byte', () => {
    for (let i = 0; i < 12; i += 1) {
      const bytes = binaryHeader(ipv4)
      bytes[i] = (bytes[i] ?? 0) ^ 1
      refused(bytes.subarray(0, i + 1))
    }
  })
})
