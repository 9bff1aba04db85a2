/** What a look at the clock finds: the clock is given here, since a test cannot set that of the machine. */
import { describe, expect, it } from 'vitest'
import { readCalendar } from '../../src/shared/calendar.ts'
import { checkSchedule } from '../../src/supervisor/tasks/schedule.ts'

const read = readCalendar('0 * * * *', 'UTC')
if ('unreadable' in read) throw new Error(read.unreadable)
const hourly = read
const at = (time: string) => Date.parse(`2026-11-23T${time}Z`)

describe('the clock of an hourly task', () => {
  it('is not due before its time', () => {
    const before = { at: at('09:00:30'), next: at('10:00:00') }
    expect(checkSchedule(at('09:59:59'), before, hourly)).toEqual({ late: false, next: at('10:00:00') })
  })

  it('is due at its time, or a moment later on a busy machine', () => {
    const before = { at: at('09:59:45'), next: at('10:00:00') }
    const due = { due: at('10:00:00'), late: false, next: at('11:00:00') }
    expect(checkSchedule(at('10:00:00'), before, hourly)).toEqual(due)
    expect(checkSchedule(at('10:00:01.500'), before, hourly)).toEqual(due)
  })

  it('was jumped over by a clock set forward: one run, late', () => {
    const before = { at: at('09:59:45'), next: at('10:00:00') }
    expect(checkSchedule(at('14:30:00'), before, hourly)).toEqual({
      due: at('10:00:00'),
      late: true,
      next: at('15:00:00'),
    })
  })

  it('has an hour twice when the clock is set back: what ran in it does not run again', () => {
    const before = { at: at('10:00:10'), next: at('11:00:00') }
    expect(checkSchedule(at('09:30:00'), before, hourly)).toEqual({ late: false, next: at('11:00:00') })
    expect(checkSchedule(at('10:00:05'), { at: at('09:59:50'), next: at('11:00:00') }, hourly).due).toBeUndefined()
  })

  it('follows a clock that was days ahead and is put right', () => {
    const before = { at: Date.parse('2026-12-24T10:00:10Z'), next: Date.parse('2026-12-24T11:00:00Z') }
    expect(checkSchedule(at('09:30:00'), before, hourly)).toEqual({ late: false, next: at('10:00:00') })
  })
})
