import type { ProcessStatus } from '../status.ts'

/** A change of state as a predicate, for readers of events. */
export function transitionWords({ state, ready, pid, waitingFor, reason }: ProcessStatus): string {
  switch (state) {
    case 'waiting':
      return waitingFor.length > 0 ? `waits for ${waitingFor.join(', ')}` : 'is about to start'
    case 'starting':
      return `started as pid ${pid}`
    case 'running':
      return ready ? 'is ready' : reason === undefined ? 'runs' : `is no longer ready: ${reason}`
    case 'parked':
      return `${reason}; left running until ${waitingFor.join(', ')} is ready again`
    case 'stopping':
      return 'is stopping'
    case 'backoff':
      return `${reason}; restarting`
    case 'exited':
      return ready ? 'completed' : `${reason}`
    case 'fatal':
      return `is fatal: ${reason}`
    case 'stopped':
      return 'stopped'
  }
}
