import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { forNode, setInterval, setTimeout, sleep, timeoutSignal } from '../../src/shared/time/timer.ts'

const day = 86_400_000
const spans = [
  ['1 ms', 1],
  ['1 s', 1_000],
  ['2^31 - 1 ms', 2 ** 31 - 1],
  ['2^31 ms', 2 ** 31],
  ['30 days', 30 * day],
  ['9999999 s', 9_999_999_000],
  ['a year', 365 * day],
  ['10 years', 3_650 * day],
] as const

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe.each(spans)('a timer of %s', (_, span) => {
  it('rings when it is over, and not at once', () => {
    const ring = vi.fn()
    setTimeout(ring, span)
    vi.advanceTimersByTime(span - 1)
    expect(ring).not.toHaveBeenCalled()
    // Each turn of a long one may be a millisecond longer.
    vi.advanceTimersByTime(1 + Math.ceil(span / 2 ** 31))
    expect(ring).toHaveBeenCalledTimes(1)
    vi.advanceTimersByTime(2 * span)
    expect(ring).toHaveBeenCalledTimes(1)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('can be cleared', () => {
    const ring = vi.fn()
    clearTimeout(setTimeout(ring, span).unref())
    clearInterval(setInterval(ring, span).unref())
    expect(vi.getTimerCount()).toBe(0)
    vi.advanceTimersByTime(2 * span)
    expect(ring).not.toHaveBeenCalled()
  })

  it('rings again and again', () => {
    const ring = vi.fn()
    const timer = setInterval(ring, span)
    vi.advanceTimersByTime(span - 1)
    expect(ring).not.toHaveBeenCalled()
    vi.advanceTimersByTime(2 * span)
    expect(ring.mock.calls.length).toBeGreaterThanOrEqual(2)
    expect(ring.mock.calls.length).toBeLessThanOrEqual(3)
    clearInterval(timer)
  })
})

it('rings without a span as well', async () => {
  vi.useRealTimers()
  await new Promise<void>((resolve) => {
    setTimeout(resolve, 0)
  })
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      clearInterval(timer)
      resolve()
    }, 0)
  })
})

it('never rings after an endless time', () => {
  const ring = vi.fn()
  setTimeout(ring, Number.POSITIVE_INFINITY)
  setInterval(ring, Number.POSITIVE_INFINITY)
  vi.advanceTimersByTime(36_500 * day)
  expect(ring).not.toHaveBeenCalled()
})

it('seldom wakes up while it waits for ever', () => {
  const before = Date.now()
  setInterval(() => {}, Number.POSITIVE_INFINITY)
  vi.advanceTimersToNextTimer()
  expect(Date.now() - before).toBe(2 ** 31 - 1)
})

it('aborts when a long time is over, as a short one does', () => {
  const signal = timeoutSignal(30 * day)
  vi.advanceTimersByTime(30 * day - 1)
  expect(signal.aborted).toBe(false)
  vi.advanceTimersByTime(3)
  expect(signal.reason).toMatchObject({ name: 'TimeoutError' })
})

it.each(spans.slice(3))('does not wake up at once from a sleep of %s, and can be woken', async (_, span) => {
  vi.useRealTimers()
  const controller = new AbortController()
  const asleep = sleep(span, undefined, { signal: controller.signal }).then(
    () => 'woke up',
    (error: Error) => error.name,
  )
  expect(await Promise.race([asleep, sleep(20).then(() => 'asleep')])).toBe('asleep')
  controller.abort()
  expect(await asleep).toBe('AbortError')
  expect(timeoutSignal(span).aborted).toBe(false)
})

it('gives Node no span that it would cut to 1 ms, also when it adds a second', () => {
  expect(forNode(10_000)).toBe(10_000)
  expect(forNode(3_650 * day) + 1_000).toBeLessThan(2 ** 31)
})
