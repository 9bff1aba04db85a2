import { oneLine } from '../shared/one-line.ts'
import type { ProcessStatus } from './contract/contract.ts'
import { backupNotes, runNotes } from './run-notes.ts'

/** The note of a process in one line: what it waits for, why it is down, how it ended last. */
export function noteOf({ state, wanted, waitingFor, reason, exit, ...process }: ProcessStatus): string {
  const notes: string[] = []
  const { blockedBy = [] } = process
  const awaited = waitingFor.filter((name) => !blockedBy.includes(name))
  if (awaited.length > 0) notes.push(`waiting for ${awaited.join(', ')}`)
  if (blockedBy.length > 0) notes.push(`blocked by ${blockedBy.join(', ')}`)
  const { successor, predecessor } = process
  if (successor) notes.push(`a successor is ${companionWords(successor)}`)
  if (predecessor) notes.push(`its predecessor is ending: ${companionWords(predecessor)}`)
  const isUp = state === 'running' || state === 'starting' || state === 'parked'
  if (reason !== undefined) notes.push(oneLine(reason))
  else if (exit !== undefined) notes.push(`${isUp ? 'last time: ' : ''}${endingOf(exit)}`)
  if (isUp && (process.failures ?? 0) > 1) notes.push(`unstable: failed ${process.failures} times in a row`)
  const all = { state, wanted, waitingFor, reason, exit, ...process }
  notes.push(...runNotes(all), ...backupNotes(all))
  if (!wanted && state === 'stopped' && !process.schedule) notes.push('not wanted')
  if (process.essential && state === 'fatal') notes.push('essential: gatehouse stops')
  if (process.oomKills !== undefined) notes.push(`out of memory: killed ${times(process.oomKills)}`)
  if (process.criticality !== 'important') notes.push(process.criticality)
  return notes.join('; ')
}

function companionWords({ state, pid, port }: NonNullable<ProcessStatus['successor']>): string {
  return `${state}${pid === undefined ? '' : `, pid ${pid}`}${port === undefined ? '' : ` on port ${port}`}`
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`
}

function endingOf({ code, signal }: NonNullable<ProcessStatus['exit']>): string {
  return signal === null ? `exit code ${code}` : `killed by ${signal}`
}
