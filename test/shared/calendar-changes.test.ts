/**
 * Schedules over the changes of the clock of two years, against a model of what cron(8) documents, which looks at each quarter of an hour.
 * No schedule here is finer than that, and no zone changes within one.
 */
import { describe, expect, it } from 'vitest'
import { readCalendar } from '../../src/shared/calendar.ts'

const quarter = 900_000
const day = 86_400_000

interface Schedule {
  readonly cron: string
  readonly kind: 'times' | 'interval'
  /** `clock`: what the clock shows, as if that were UTC. */
  readonly matches: (clock: Date) => boolean
}

const at = (hours: readonly number[], minutes: readonly number[]) => (clock: Date) =>
  hours.includes(clock.getUTCHours()) && minutes.includes(clock.getUTCMinutes())
const all = Array.from({ length: 24 }, (_, hour) => hour)
const quarters = [0, 15, 30, 45]

const schedules: readonly Schedule[] = [
  { cron: '0 2 * * *', kind: 'times', matches: at([2], [0]) },
  { cron: '0 2,14 * * *', kind: 'times', matches: at([2, 14], [0]) },
  { cron: '30 0-3 * * *', kind: 'times', matches: at([0, 1, 2, 3], [30]) },
  { cron: '15,45 2 * * *', kind: 'times', matches: at([2], [15, 45]) },
  { cron: '0-59/15 1-3/2 * * *', kind: 'times', matches: at([1, 3], quarters) },
  { cron: '@daily', kind: 'times', matches: at([0], [0]) },
  { cron: '15 0 * * SUN', kind: 'times', matches: (clock) => clock.getUTCDay() === 0 && at([0], [15])(clock) },
  {
    cron: '0 0 1 jan,mar-apr,Oct *',
    kind: 'times',
    matches: (clock) => clock.getUTCDate() === 1 && [0, 2, 3, 9].includes(clock.getUTCMonth()) && at([0], [0])(clock),
  },
  { cron: '*/15 * * * *', kind: 'interval', matches: at(all, quarters) },
  { cron: '30 * * * *', kind: 'interval', matches: at(all, [30]) },
  { cron: '@hourly', kind: 'interval', matches: at(all, [0]) },
  { cron: '*/30 1-2 * * *', kind: 'interval', matches: at([1, 2], [0, 30]) },
  {
    cron: '0 */2 * * *',
    kind: 'interval',
    matches: at(
      all.filter((hour) => hour % 2 === 0),
      [0],
    ),
  },
]

const zones: readonly (readonly [string, number])[] = [
  ['Europe/Berlin', 2026],
  ['America/New_York', 2026],
  ['Australia/Lord_Howe', 2026], // by half an hour
  ['America/Sao_Paulo', 2017], // there is no midnight
  ['Africa/Cairo', 2025],
  ['Asia/Beirut', 2026],
  ['Africa/Casablanca', 2026], // four times a year
  ['Pacific/Apia', 2011], // a day is missing
  ['Asia/Kolkata', 2026],
]

type Span = readonly [start: number, end: number]

/** Days from one before each change of the clock to one behind it, and the first of each quarter: what lies between is all alike. */
function spansOf(offsetAt: (time: number) => number, from: number, to: number): readonly Span[] {
  const days = new Set<number>()
  for (let time = from; time < to; time += day) {
    if (new Date(time).getUTCDate() === 1 && new Date(time).getUTCMonth() % 3 === 0) days.add(time)
    if (offsetAt(time) !== offsetAt(time + day)) for (const near of [-1, 0, 1]) days.add(time + near * day)
  }
  return [...days].map((start) => [start, start + day])
}

function offsetsIn(zone: string): (time: number) => number {
  const format = new Intl.DateTimeFormat('en', { timeZone: zone, timeZoneName: 'longOffset' })
  const known = new Map<number, number>()
  const ask = (time: number) => {
    const [, sign = '+', hours = '0', minutes = '0'] = /GMT(?:([+-])(\d+):(\d+))?/.exec(format.format(time)) ?? []
    return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000
  }
  return (time) => {
    const offset = known.get(time) ?? ask(time)
    known.set(time, offset)
    return offset
  }
}

/** Times run once: those that the clock skips when it has, those that it shows again not again. Intervals follow the clock. */
function model({ kind, matches }: Schedule, [start, end]: Span, offsetAt: (time: number) => number): number[] {
  const runs: number[] = []
  let seen = Number.NEGATIVE_INFINITY
  for (let time = start - day; time < end; time += quarter) {
    const clock = time + offsetAt(time)
    const readings = kind === 'interval' || seen === Number.NEGATIVE_INFINITY ? [clock] : []
    for (let next = seen + quarter; readings.length === 0 && next <= clock; next += quarter) {
      if (matches(new Date(next))) readings.push(next)
    }
    if (time >= start && readings.some((reading) => matches(new Date(reading)))) runs.push(time)
    seen = Math.max(seen, clock)
  }
  return runs
}

describe.each(zones)('in %s', (zone, year) => {
  const offsetAt = offsetsIn(zone)
  const spans = spansOf(offsetAt, Date.UTC(year, 0), Date.UTC(year + 2, 0))

  it.each(schedules)('$cron runs as cron(8) does, whatever the clock does', (schedule) => {
    const calendar = readCalendar(schedule.cron, zone)
    if ('unreadable' in calendar) throw new Error(calendar.unreadable)
    const reported = (times: readonly number[]) => times.map((time) => new Date(time).toISOString())
    for (const [start, end] of spans) {
      const found: number[] = []
      for (let time = calendar.next(start - 1); time !== undefined && time < end; time = calendar.next(time))
        found.push(time)
      expect(reported(found)).toEqual(reported(model(schedule, [start, end], offsetAt)))
    }
  })
})
