import * as z from 'zod'
import { readCalendar, type Unreadable } from '../../../shared/calendar.ts'
import { readZone, zoneNames } from '../../../shared/time/time-zone.ts'
import { nearest } from '../../hints/suggest.ts'
import { InvalidValue } from '../invalid-value.ts'
import { scalar } from '../scalars.ts'
import { mapping } from '../structures.ts'

const form = 'five fields: minute, hour, day of month, month, day of week; `0 3 * * *` is every night at three'

const cron = scalar({
  expected: 'a schedule such as `0 3 * * *`',
  read(written) {
    const calendar = readCalendar(written)
    if ('unreadable' in calendar) return new InvalidValue(problemOf(calendar), form, inFields(written))
    if (calendar.next(Date.now()) === undefined) return new InvalidValue('never comes due', form)
    return written.trim()
  },
})

const timezone = scalar({
  expected: 'a time zone such as `Europe/Berlin`',
  read(written) {
    if (readZone(written)) return written
    const near = nearest(written, zoneNames())
    return near === undefined ? undefined : new InvalidValue('is not a time zone', `did you mean \`${near}\`?`)
  },
})

/** When a task runs: a cron expression, alone or with the zone of its times. */
export const scheduleSchema = z.union([
  cron.transform((written) => ({ cron: written, timezone: undefined })),
  mapping({
    cron: cron.describe('Minute, hour, day of month, month, day of week; six fields begin with seconds'),
    timezone: timezone.describe('Time zone; default: that of TZ, or of /etc/localtime').optional(),
  }),
])

/** An interval in words or a systemd calendar name as a quoted cron expression; undefined if it is neither. */
function inFields(written: string): string | undefined {
  const text = written.trim().toLowerCase()
  if (/^(hourly|daily|weekly|monthly|yearly|annually)$/.test(text)) return `"@${text}"`
  const [, count = '1', unit = ''] = /^(?:every|@every)?\s*(\d+)?\s*([a-z]+)$/.exec(text) ?? []
  const number = Number(count)
  const every = number === 1 ? '*' : `*/${number}`
  if (/^m(in(ute)?s?)?$/.test(unit) && number < 60) return `"${every} * * * *"`
  if (/^h(ours?)?$/.test(unit) && number < 24) return `"0 ${every} * * *"`
  if (/^d(ays?)?$/.test(unit) && number < 29) return `"0 0 ${every} * *"`
  return undefined
}

function problemOf({ unreadable }: Unreadable): string {
  switch (unreadable) {
    case 'expression':
    case 'zone':
      return 'is not a schedule'
    case 'dayOfWeek':
      return 'has an invalid day of the week'
    default:
      return `has an invalid ${unreadable}`
  }
}
