import { describe, expect, it } from 'vitest'
import { createNegotiator } from '../../../src/gateway/encoding/negotiate.ts'

const negotiate = createNegotiator(['zstd', 'br', 'gzip'])

describe('Accept-Encoding', () => {
  it.each([
    ['gzip, deflate, br, zstd', ['zstd', 'br', 'gzip']],
    ['gzip', ['gzip']],
    ['GZIP', ['gzip']],
    ['x-gzip', ['gzip']],
    ['deflate', []],
    ['*', ['zstd', 'br', 'gzip']],
    ['*;q=0', []],
    ['br;q=0, *', ['zstd', 'gzip']],
    ['gzip, *;q=0', ['gzip']],
    ['gzip;q=1.0, br;q=0.5, zstd;q=0', ['gzip', 'br']],
    ['br;q=0.8,gzip;q=0.9,zstd;q=0.7', ['gzip', 'br', 'zstd']],
    ['gzip;q=0.000', []],
    ['gzip ; q=0.5 ,\tbr', ['br', 'gzip']],
    ['identity', []],
    ['identity, gzip;q=0.5', []],
    ['identity;q=0.5, gzip', ['gzip']],
    ['identity;q=0, gzip', ['gzip']],
    ['', []],
    [',,,', []],
    [undefined, []],
    // A weight that says nothing must not be taken for consent.
    ['gzip;q=2', []],
    ['gzip;q=abc', []],
    ['gzip;q=0.0001', []],
    ['gzip;q= 1', []],
    ['gzip;level=9', ['gzip']],
    ['notgzip, brx', []],
  ])('%j is answered with the first of %j that there is', (header, expected) => {
    expect(negotiate(header)).toEqual(expected)
    expect(negotiate(header), 'asked again').toEqual(expected)
  })

  it('is not asked where nothing is offered', () => {
    expect(createNegotiator([])('gzip, br')).toEqual([])
  })

  it('is read each time once there are too many different ones to remember', () => {
    const read = createNegotiator(['gzip'])
    for (let i = 0; i < 1_000; i += 1) expect(read(`gzip, other${i}`)).toEqual(['gzip'])
    expect(read('br, gzip;q=0')).toEqual([])
  })
})
