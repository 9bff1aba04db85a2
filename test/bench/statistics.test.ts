import { describe, expect, it } from 'vitest'
import { median, percentile, ratioOf } from '../../bench/measure/statistics.ts'

describe('the median', () => {
  it.each([
    [[3], 3],
    [[10, 9, 100], 10],
    [[4, 1, 2, 3], 2.5],
  ])('of %j is %d', (values, expected) => expect(median(values)).toBe(expected))

  it('of nothing is no number', () => expect(median([])).toBeNaN())
})

describe('a percentile', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index)
  it.each([
    [0, 1],
    [0.5, 50],
    [0.99, 99],
    [1, 100],
  ])('%d of 1 to 100 is %d', (share, expected) => expect(percentile(hundred, share)).toBe(expected))
})

describe('the ratio of rounds', () => {
  it('is the median of the ratios, not the ratio of the medians', () =>
    expect(ratioOf([10, 200, 30], [10, 100, 60])).toEqual({ median: 1, lowest: 0.5, highest: 2 }))

  it('leaves out rounds in which one of them failed', () =>
    expect(ratioOf([10, undefined, Number.NaN, 40], [20, 1, 1, undefined])).toEqual({
      median: 0.5,
      lowest: 0.5,
      highest: 0.5,
    }))

  it('is undefined without a round', () => expect(ratioOf([1], [])).toBeUndefined())
})
