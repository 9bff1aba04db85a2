import { describe, expect, it } from 'vitest'
import { type Calendar, readCalendar } from '../../src/shared/calendar.ts'

function calendar(expression: string, zone = 'UTC'): Calendar {
  const read = readCalendar(expression, zone)
  if ('unreadable' in read) throw new Error(read.unreadable)
  return read
}

function nextAfter(of: Calendar, after: string): string | undefined {
  const next = of.next(Date.parse(after))
  return next === undefined ? undefined : new Date(next).toISOString()
}

describe('a calendar', () => {
  it.each([
    ['0 3 * * *', '2026-11-23T03:00:00Z', '2026-11-24T03:00:00.000Z'],
    ['*/2 * * * * *', '2026-11-23T03:00:00.500Z', '2026-11-23T03:00:02.000Z'],
    ['30 8 * * MON-FRI', '2026-11-20T08:30:00Z', '2026-11-23T08:30:00.000Z'],
    ['@monthly', '2026-11-20T00:00:00Z', '2026-12-01T00:00:00.000Z'],
  ])('%s after %s is %s', (expression, after, next) => {
    expect(nextAfter(calendar(expression), after)).toBe(next)
  })

  it('has its times in its own zone', () => {
    expect(nextAfter(calendar('0 3 * * *', 'Europe/Berlin'), '2026-11-23T12:00:00Z')).toBe('2026-11-24T02:00:00.000Z')
  })

  it('comes after the gap of spring, and once in the double hour of autumn', () => {
    const night = calendar('30 2 * * *', 'Europe/Berlin')
    // 2027-03-28: 02:00 becomes 03:00, which is 01:00 UTC.
    expect(nextAfter(night, '2027-03-27T12:00:00Z')).toBe('2027-03-28T01:00:00.000Z')
    // 2027-10-31: 03:00 becomes 02:00 at 01:00 UTC.
    expect(nextAfter(night, '2027-10-30T12:00:00Z')).toBe('2027-10-31T00:30:00.000Z')
    expect(nextAfter(night, '2027-10-31T00:30:00Z')).toBe('2027-11-01T01:30:00.000Z')
  })

  it('knows dates that never occur', () => {
    expect(nextAfter(calendar('0 3 30 2 *'), '2026-11-23T12:00:00Z')).toBeUndefined()
  })

  it.each([
    ['nightly', 'expression'],
    ['@reboot', 'expression'],
    ['2040-01-01T00:00:00', 'expression'],
    ['0 3 * * * * 2040', 'expression'],
    ['60 * * * *', 'minute'],
    ['0 24 * * *', 'hour'],
    ['0 0 * * 9', 'dayOfWeek'],
  ])('%s cannot be read', (expression, unreadable) => {
    expect(readCalendar(expression)).toEqual({ unreadable })
  })
})
