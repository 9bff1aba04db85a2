import { describe, expect, it } from 'vitest'
import { formatBytes, parseBytes } from '../../src/shared/bytes.ts'
import { formatDuration, parseDuration } from '../../src/shared/time/duration.ts'

describe('durations', () => {
  it('are read with their unit, and refused without one', () => {
    expect(['250ms', '30s', '1.5m', '12h', '7d', '1y', '0'].map(parseDuration)).toEqual([
      250, 30_000, 90_000, 43_200_000, 604_800_000, 31_536_000_000, 0,
    ])
    expect(['', '30', '-1s', '1w', 's', '1 s', '1e3s'].map(parseDuration)).toEqual(Array(7).fill(undefined))
  })

  it('are written as people say them', () => {
    expect([0, 999, 1_000, 4_230, 61_000, 200_000, 3_600_000, 18_120_000, 90_000_000].map(formatDuration)).toEqual([
      '0ms',
      '999ms',
      '1s',
      '4.2s',
      '1m 1s',
      '3m 20s',
      '1h',
      '5h 2m',
      '1d 1h',
    ])
  })

  it('just below a minute are not written as 60s', () => {
    expect(formatDuration(59_960)).toBe('1m')
    expect(formatDuration(59_940)).toBe('59.9s')
  })
})

describe('sizes', () => {
  it('tell decimal from binary units, and are refused without one', () => {
    expect(['512B', '16KB', '150MB', '1.5GiB', '1KiB'].map(parseBytes)).toEqual([
      512, 16_000, 150_000_000, 1_610_612_736, 1_024,
    ])
    expect(['', '16', '1kb', '-1KB', '1TB'].map(parseBytes)).toEqual(Array(5).fill(undefined))
  })

  it('are written with three digits, in the unit that people would choose', () => {
    const sizes = [0, 640, 1_000, 12_440_000, 999_999, 999_400, 1_500_000_000, 64_424_509_440]
    expect(sizes.map(formatBytes)).toEqual(['0 B', '640 B', '1 KB', '12.4 MB', '1 MB', '999 KB', '1.5 GB', '64.4 GB'])
  })
})
