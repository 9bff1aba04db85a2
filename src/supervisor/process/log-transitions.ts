/** The log messages about a process: one for each transition that matters to an operator. */
import type { ProcessPlan } from '../../plan/model/plan.ts'
import type { Log } from '../../shared/log.ts'
import { formatDuration, type Milliseconds } from '../../shared/time/duration.ts'
import type { ProcessStatus } from '../status.ts'
import type { State } from './machine.ts'

export interface LoggedTransition {
  readonly plan: ProcessPlan
  readonly from: State
  readonly status: ProcessStatus
  /** How long the present run, or the one that just ended, has been running. */
  readonly ran?: Milliseconds
  /** Until the next start. */
  readonly pause: Milliseconds
  /** It ended in failure. */
  readonly failed: boolean
}

export function logTransition(log: Log, { plan, from, status, ran, pause, failed }: LoggedTransition): void {
  const { state, ready, pid, waitingFor, reason, exit, lastOutput } = status
  const after = ran === undefined ? '' : ` after ${formatDuration(ran)}`
  const fields = { process: plan.name, state, ready, ...(pid !== undefined && { pid }) }
  const ended = { ...fields, ...(exit && { exit }), reason }
  switch (state) {
    case 'waiting':
      if (waitingFor.length > 0) log.info(`waiting for ${waitingFor.join(', ')}`, { ...fields, waitingFor })
      return
    case 'starting':
      if (plan.ready || plan.startup) log.info('started', fields)
      return
    case 'running':
      if (from === 'starting') log.info(plan.ready || plan.startup ? `ready${after}` : 'started', fields)
      else if (ready) log.info('ready again', fields)
      else if (from === 'parked')
        log.info('its dependencies are ready again; its failed alive checks no longer count', fields)
      else log.warn(`no longer ready: ${reason}`, { ...fields, reason })
      return
    case 'parked':
      log.warn(`${reason}; left running until ${waitingFor.join(', ')} is ready again`, {
        ...fields,
        reason,
        waitingFor,
      })
      return
    case 'stopping':
      if (!status.wanted && pid !== undefined)
        log.info(`stopping; sending ${plan.stop.signal} to its process group`, fields)
      return
    case 'backoff': {
      const when = pause === 0 ? 'at once' : `in ${formatDuration(pause)}`
      log.warn(`${reason}; restarting ${when}`, { ...ended, pause })
      return
    }
    case 'exited':
      if (ready) log.info(`completed${after}`, ended)
      else if (failed) log.error(`${reason}; not restarted`, { ...ended, lastOutput })
      else log.info(`${reason}; not restarted`, ended)
      return
    case 'fatal':
      log.error(`fatal: ${reason}`, { ...ended, lastOutput })
      return
    case 'stopped':
      if (from === 'stopping') log.info('stopped', { ...fields, ...(exit && { exit }) })
      return
  }
}
