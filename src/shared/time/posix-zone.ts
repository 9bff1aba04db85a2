/**
 * Time zones as POSIX writes them in `TZ` (IEEE 1003.1, 8.3) and TZif files end with (RFC 9636, 3.3):
 * `CET-1CEST,M3.5.0,M10.5.0/3`.
 */
import type { Milliseconds } from './duration.ts'

export interface Zone {
  /** Of local time from UTC, east is positive. `time`: Unix time in milliseconds. */
  offsetAt(time: number): Milliseconds
}

/** The local time of a year's change, in milliseconds as if it were UTC. */
type Rule = (year: number) => number

const name = '(?:[A-Za-z]{3,}|<[A-Za-z0-9+-]{3,}>)'
const clock = '\\d{1,3}(?::\\d{1,2}(?::\\d{1,2})?)?'
const offset = `[+-]?${clock}`
const rule = `(?:J\\d{1,3}|\\d{1,3}|M\\d{1,2}\\.\\d\\.\\d)(?:/${offset})?`
const form = new RegExp(`^${name}(${offset})(?:${name}(${offset})?(?:,(${rule}),(${rule}))?)?$`)
const hasSummer = new RegExp(`^${name}${offset}${name}`)

/** Undefined if it is not valid. Without rules summer time is that of the United States, as in every libc. */
export function readPosixZone(text: string): Zone | undefined {
  const match = form.exec(text)
  const winter = match?.[1] === undefined ? undefined : secondsOf(match[1], 24)
  if (!match || winter === undefined) return undefined
  const standard = 0 - winter * 1_000
  if (!hasSummer.test(text)) return { offsetAt: () => standard }
  const [, , own, start = 'M3.2.0', end = 'M11.1.0'] = match
  const summer = own === undefined ? winter - 3_600 : secondsOf(own, 24)
  const [begins, ends] = [readRule(start), readRule(end)]
  if (summer === undefined || !begins || !ends) return undefined
  const daylight = 0 - summer * 1_000
  return {
    offsetAt(time) {
      const year = new Date(time + standard).getUTCFullYear()
      // The first change of a year is in standard time, the second in summer time.
      const [from, to] = [begins(year) - standard, ends(year) - daylight]
      const isSummer = from < to ? time >= from && time < to : time >= from || time < to
      return isSummer ? daylight : standard
    },
  }
}

/** `-5`, `+5:45`, `167:30:00`. */
function secondsOf(text: string, mostHours: number): number | undefined {
  const [hours = 0, minutes = 0, seconds = 0] = text.replace(/^[+-]/, '').split(':').map(Number)
  if (hours > mostHours || minutes > 59 || seconds > 59) return undefined
  const all = hours * 3_600 + minutes * 60 + seconds
  return text.startsWith('-') ? -all : all
}

function readRule(text: string): Rule | undefined {
  const [day = '', time = '2'] = text.split('/')
  const second = secondsOf(time, 167)
  const found = readDay(day)
  return second === undefined || !found ? undefined : (year) => found(year) + second * 1_000
}

const oneDay = 86_400_000

function readDay(text: string): Rule | undefined {
  const [month = 0, week = 0, weekday = 0] = text.replace(/^[MJ]/, '').split('.').map(Number)
  if (text.startsWith('M')) {
    const isThere = month >= 1 && month <= 12 && week >= 1 && week <= 5 && weekday <= 6
    return isThere ? (year) => weekdayOf(year, month, week, weekday) : undefined
  }
  const day = month
  // J counts from 1 and skips 29 February; without J days count from 0.
  if (text.startsWith('J')) {
    return day >= 1 && day <= 365 ? (year) => Date.UTC(year, 0, day + (isLeap(year) && day >= 60 ? 1 : 0)) : undefined
  }
  return day <= 365 ? (year) => Date.UTC(year, 0, 1 + day) : undefined
}

/** The weekday of that week of the month; the fifth is the last. */
function weekdayOf(year: number, month: number, week: number, weekday: number): number {
  const first = Date.UTC(year, month - 1, 1)
  const day = first + (((weekday - new Date(first).getUTCDay() + 7) % 7) + 7 * (week - 1)) * oneDay
  return day >= Date.UTC(year, month, 1) ? day - 7 * oneDay : day
}

function isLeap(year: number): boolean {
  return new Date(Date.UTC(year, 1, 29)).getUTCMonth() === 1
}
