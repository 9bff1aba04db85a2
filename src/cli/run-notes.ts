import type { ProcessStatus } from '../control/contract.ts'
import { formatDuration } from '../shared/duration.ts'

/** Of a task: how its last run went, and when a scheduled one comes next. */
export function runNotes({ state, schedule, nextRun, lastRun }: ProcessStatus): readonly string[] {
  const notes: string[] = []
  if (lastRun && (schedule || lastRun.failed)) {
    const ended = formatDuration(Math.max(0, Date.now() - lastRun.startedAt - lastRun.duration))
    notes.push(
      `last run ${lastRun.failed ? 'failed' : 'completed'} ${ended} ago after ${formatDuration(lastRun.duration)}`,
    )
  }
  const isUp = state === 'running' || state === 'starting'
  if (schedule && nextRun === undefined) notes.push('its schedule names no time that is still to come')
  else if (nextRun !== undefined && !isUp) {
    notes.push(`next run in ${formatDuration(Math.max(0, nextRun - Date.now()))}, at ${timeOf(nextRun)}`)
  }
  return notes
}

/** To the second, UTC. */
function timeOf(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`
}
