import { describe, expect, it } from 'vitest'
import { readRange } from '../../../src/gateway/files/range.ts'

describe('a Range header for 100 bytes', () => {
  it.each([
    ['bytes=0-0', { from: 0, to: 1 }],
    ['bytes=0-', { from: 0, to: 100 }],
    ['bytes=10-19', { from: 10, to: 20 }],
    ['bytes=90-1000', { from: 90, to: 100 }],
    ['bytes=-1', { from: 99, to: 100 }],
    ['bytes=-1000', { from: 0, to: 100 }],
    ['BYTES=1-2', { from: 1, to: 3 }],
    ['bytes=99-', { from: 99, to: 100 }],
    ['bytes=0-99999999999999999999', 'whole'],
    ['bytes=100-', 'none'],
    ['bytes=999999999999999-', 'none'],
    ['bytes=-0', 'none'],
    // Several may be answered with everything (RFC 9110 §14.2): a thousand overlapping ones help no one.
    ['bytes=0-0,2-2', 'whole'],
    ['bytes=0-,0-,0-,0-', 'whole'],
    ['bytes=5-2', 'whole'],
    ['bytes=-', 'whole'],
    ['bytes=a-b', 'whole'],
    ['bytes=1', 'whole'],
    ['bytes 1-2', 'whole'],
    ['items=1-2', 'whole'],
    ['xbytes=1-2', 'whole'],
    ['bytes=1-2x', 'whole'],
    ['', 'whole'],
  ])('%j asks for %j', (header, expected) => {
    expect(readRange(header, 100)).toEqual(expected)
  })

  it('asks for nothing of an empty file that it would not get anyway', () => {
    expect(readRange('bytes=0-', 0)).toBe('whole')
    expect(readRange('bytes=-5', 0)).toBe('whole')
  })
})
