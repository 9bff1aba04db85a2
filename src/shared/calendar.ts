/** The times that a cron expression names. */
import { Cron } from 'croner'

export interface Calendar {
  /** The first time after this one, both Unix time in milliseconds; undefined if none ever comes. */
  next(after: number): number | undefined
}

const fields = ['minute', 'hour', 'day', 'month', 'dayOfWeek', 'second'] as const
type Field = (typeof fields)[number]

/** Which part cannot be read: one of the fields, the zone, or the expression as a whole. */
export interface Unreadable {
  readonly unreadable: Field | 'expression' | 'zone'
}

/**
 * Reads five fields (minute, hour, day of month, month, day of week), six that begin with seconds, or a word such as
 * `@daily`. Times are those of the zone, an IANA name; without one, of the zone in which Gatehouse runs (`TZ`). A single
 * time of the day that the zone skips in spring comes as soon as the gap is over, and one that it has twice in autumn
 * comes once; what names an interval follows the clock.
 */
export function readCalendar(expression: string, zone?: string): Calendar | Unreadable {
  if (zone !== undefined && !isZone(zone)) return { unreadable: 'zone' }
  // The library reads a date as well, which would come once and never again.
  if (!/^\s*(@[a-z]+|\S+(\s+\S+){4,5})\s*$/i.test(expression)) return { unreadable: 'expression' }
  try {
    const cron = new Cron(expression, { mode: '5-or-6-parts', ...(zone !== undefined && { timezone: zone }) })
    return { next: (after) => cron.nextRun(new Date(after))?.getTime() }
  } catch (error) {
    const message = error instanceof Error ? error.message : ''
    const [, field] = / for (\w+)/.exec(message) ?? []
    return { unreadable: fields.find((one) => one === field) ?? 'expression' }
  }
}

/** Whether the system's time zone database has it. */
export function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}
