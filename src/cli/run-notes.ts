import type { ProcessStatus } from '../control/contract.ts'
import { formatDuration } from '../shared/duration.ts'

/** Of a scheduled task, behind how it ended: when that was, and when it comes next. */
export function runNotes({ state, schedule, nextRun, lastRun }: ProcessStatus): readonly string[] {
  if (!schedule) return []
  const atRest = state === 'exited' || state === 'fatal' || state === 'stopped'
  if (!atRest) return lastRun?.failed ? ['the run before failed'] : []
  return [
    ...(lastRun ? [`that was ${untilNow(lastRun.startedAt + lastRun.duration)} ago`] : []),
    nextRun === undefined
      ? 'its schedule names no time that is still to come'
      : `next run in ${formatDuration(Math.max(0, nextRun - Date.now()))}, at ${timeOf(nextRun)}`,
  ]
}

function untilNow(time: number): string {
  return formatDuration(Math.max(0, Date.now() - time))
}

/** To the second, UTC. */
function timeOf(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`
}
