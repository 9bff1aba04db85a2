/**
 * When scheduled tasks are due. Schedules follow the wall clock, which can be changed; so instead of one sleep until
 * the next run, the clock is checked at short intervals.
 */

import { isDeepStrictEqual } from 'node:util'
import type { SchedulePlan } from '../../plan/model/plan.ts'
import { type Calendar, readCalendar } from '../../shared/calendar.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { setTimeout } from '../../shared/time/timer.ts'
import type { SupervisedProcess } from '../process/process.ts'

/** The longest time for which a change of the clock goes unnoticed. */
const longestSleep: Milliseconds = 30_000

/** A run that is noticed later than this counts as late; a busy machine may take a moment. */
const lateAfter: Milliseconds = 2_000

/** After a suspension of Gatehouse: lets processes that ended meanwhile be noticed before tasks are started. */
const settleTime: Milliseconds = 250

/**
 * As in cron(8): if the clock is set back by less than this, times that come twice run once; if by more, it was wrong
 * before, and the schedule follows the new time.
 */
const correction: Milliseconds = 3 * 3_600_000

/** What a check of the clock finds out about one schedule. All times are Unix time in milliseconds. */
export interface ScheduleCheck {
  /** The time for which a run is due now. */
  readonly due?: number
  /** This time, and perhaps others after it, passed unnoticed: they become one run. */
  readonly late: boolean
  /** Of the next run; undefined if there is none. */
  readonly next: number | undefined
}

/** `before`: the previous check, and the next run as it was known then. Pure. */
export function checkSchedule(
  now: number,
  before: { readonly at: number; readonly next: number | undefined },
  calendar: Calendar,
): ScheduleCheck {
  const { next } = before
  if (before.at - now > correction) return { late: false, next: calendar.next(now) }
  if (next === undefined || now < next) return { late: false, next }
  const following = calendar.next(next)
  const late = now - next > lateAfter || (following !== undefined && following <= now)
  return { due: next, late, next: calendar.next(now) }
}

/** Called when a run is due. `late`: its time passed unnoticed. */
export type DueListener = (process: SupervisedProcess, due: number, late: boolean) => void

interface Entry {
  readonly schedule: SchedulePlan
  readonly calendar: Calendar
  next: number | undefined
}

function entryOf(schedule: SchedulePlan, now: number): Entry | undefined {
  const calendar = readCalendar(schedule.cron, schedule.timezone)
  // The plan is validated, but this machine may lack the time zone: then the task never runs.
  return 'next' in calendar ? { schedule, calendar, next: calendar.next(now) } : undefined
}

export class Timetable {
  readonly #due: DueListener
  readonly #entries = new Map<SupervisedProcess, Entry>()
  #lastLook = Date.now()
  #timer: NodeJS.Timeout | undefined

  constructor(due: DueListener) {
    this.#due = due
  }

  /** Watches the schedules of these processes, and of no others. Known ones keep their next run. */
  keep(processes: Iterable<SupervisedProcess>): void {
    const kept = new Set(processes)
    for (const [process, { schedule }] of this.#entries) {
      const stays = kept.has(process) && isDeepStrictEqual(process.plan.schedule, schedule)
      if (!stays) this.#entries.delete(process)
    }
    const now = Date.now()
    // Many tasks may share one schedule.
    const found = new Map<string, Entry | undefined>()
    for (const process of kept) {
      const { schedule } = process.plan
      if (!schedule || this.#entries.has(process)) continue
      const key = JSON.stringify(schedule)
      if (!found.has(key)) found.set(key, entryOf(schedule, now))
      const entry = found.get(key)
      if (entry) this.#entries.set(process, { ...entry })
    }
    this.#sleep()
  }

  /** Unix time in milliseconds. */
  nextRun(process: SupervisedProcess): number | undefined {
    return this.#entries.get(process)?.next
  }

  close(): void {
    this.#entries.clear()
    clearTimeout(this.#timer)
  }

  #look(): void {
    const now = Date.now()
    const at = this.#lastLook
    this.#lastLook = now
    for (const [process, entry] of [...this.#entries]) {
      const { due, late, next } = checkSchedule(now, { at, next: entry.next }, entry.calendar)
      entry.next = next
      if (due !== undefined) this.#due(process, due, late)
    }
    this.#sleep()
  }

  #sleep(): void {
    clearTimeout(this.#timer)
    if (this.#entries.size === 0) return
    const nearest = Math.min(...[...this.#entries.values()].map(({ next }) => next ?? Number.POSITIVE_INFINITY))
    const now = Date.now()
    const pause = Math.min(Math.max(nearest - now, 1), longestSleep)
    this.#timer = setTimeout(() => this.#wake(now + pause), pause)
  }

  /** `planned`: when this call was due. If it is late, Gatehouse was suspended. */
  #wake(planned: number): void {
    if (Date.now() - planned <= lateAfter) this.#look()
    else this.#timer = setTimeout(() => this.#look(), settleTime)
  }
}
