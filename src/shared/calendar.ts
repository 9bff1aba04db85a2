/** The times that a cron expression names. */
import { Cron } from 'croner'
import { givenEnvironment } from './system/given-environment.ts'
import type { Milliseconds } from './time/duration.ts'
import type { Zone } from './time/posix-zone.ts'
import { localZone, readZone, utc } from './time/time-zone.ts'

export interface Calendar {
  /** The first time after this one, both Unix time in milliseconds; undefined if none ever comes. */
  next(after: number): number | undefined
}

const fields = ['minute', 'hour', 'day', 'month', 'dayOfWeek', 'second'] as const
type Field = (typeof fields)[number]

/** The part that cannot be parsed: a field, the zone, or the expression as a whole. */
export interface Unreadable {
  readonly unreadable: Field | 'expression' | 'zone'
}

/**
 * Parses five fields (minute, hour, day of month, month, day of week), six that begin with seconds, or a word such as
 * `@daily`. Times are in the zone; without one, in that of this machine (time-zone.ts), or in UTC if that cannot be
 * read. Clock changes are handled as by cron(8): a time of day that is skipped comes right after the gap, and one that
 * occurs twice comes only the first time. An expression with `*` for minute or hour names no time of day and follows
 * the clock.
 */
export function readCalendar(expression: string, zone?: string): Calendar | Unreadable {
  const place = zone === undefined ? localOrUtc() : readZone(zone)
  if (!place) return { unreadable: 'zone' }
  // The library accepts a single date as well.
  if (!/^\s*(@[a-z]+|\S+(\s+\S+){4,5})\s*$/i.test(expression)) return { unreadable: 'expression' }
  try {
    // It calculates in UTC: its results are local times, in milliseconds as if they were UTC.
    const cron = new Cron(expression, { mode: '5-or-6-parts', timezone: 'UTC' })
    const reading = (after: number) => cron.nextRun(new Date(after))?.getTime()
    return { next: isInterval(expression) ? followClock(reading, place) : onceADay(reading, place) }
  } catch (error) {
    const message = error instanceof Error ? error.message : ''
    const [, field] = / for (\w+)/.exec(message) ?? []
    return { unreadable: fields.find((one) => one === field) ?? 'expression' }
  }
}

function localOrUtc(): Zone {
  const zone = localZone(givenEnvironment().variables.TZ)
  return 'offsetAt' in zone ? zone : utc
}

/** Vixie's cron: an interval has a `*` in its minute or hour. */
function isInterval(expression: string): boolean {
  const parts = expression.trim().split(/\s+/)
  if (parts.length === 1) return parts[0]?.toLowerCase() === '@hourly'
  return parts.slice(-5, -3).some((part) => /[*?]/.test(part))
}

/** The next local time that the expression names, after this one. */
type Reading = (after: number) => number | undefined

const second: Milliseconds = 1_000
const hour: Milliseconds = 3_600_000
const day: Milliseconds = 24 * hour

/** Each named local time once: at its first occurrence, or right after the gap that skips it. The order is kept. */
function onceADay(reading: Reading, zone: Zone): Calendar['next'] {
  return (after) => {
    for (let clock = reading(after + zone.offsetAt(after)); clock !== undefined; clock = reading(clock)) {
      const time = timeOf(clock, zone)
      if (time > after) return time
    }
    return undefined
  }
}

/** The first time at which the clock shows this; if it never does, the time of the gap. */
function timeOf(clock: number, zone: Zone): number {
  // No zone is farther from UTC than 26 hours, and none changes twice within three days.
  const [before, behind] = [zone.offsetAt(clock - 1.5 * day), zone.offsetAt(clock + 1.5 * day)]
  const times = [clock - before, clock - behind].filter((time) => time + zone.offsetAt(time) === clock)
  return times.length > 0 ? Math.min(...times) : changeIn(clock - 1.5 * day, clock + 1.5 * day, zone)
}

/** All times at which the clock shows a named local time. */
function followClock(reading: Reading, zone: Zone): Calendar['next'] {
  return (after) => {
    let from = after
    for (;;) {
      const offset = zone.offsetAt(from)
      // After a change of the clock its own second counts, too.
      const clock = reading(from + offset - (from === after ? 0 : 1))
      if (clock === undefined) return undefined
      const time = clock - offset
      if (time - from > 2 * day) {
        from = time - 2 * day
        continue
      }
      const change = firstChange(from, time, zone)
      if (change === undefined) return time
      from = change
    }
  }
}

/** The first time after `from`, up to `to`, with another offset; changes are always more than hours apart. */
function firstChange(from: number, to: number, zone: Zone): number | undefined {
  const offset = zone.offsetAt(from)
  for (let start = from; start < to; start += 3 * hour) {
    const end = Math.min(start + 3 * hour, to)
    if (zone.offsetAt(end) !== offset) return changeIn(start, end, zone)
  }
  return undefined
}

/** When the offset changes between these times, to the second. */
function changeIn(from: number, to: number, zone: Zone): number {
  const offset = zone.offsetAt(from)
  let [low, high] = [Math.floor(from / second), Math.ceil(to / second)]
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (zone.offsetAt(middle * second) === offset) low = middle
    else high = middle
  }
  return high * second
}
