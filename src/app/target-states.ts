import type { TargetStates } from '../shared/target-states.ts'
import type { ProcessStatus } from '../supervisor/status.ts'

/** The states of the processes behind routes, for the gateway. */
export function targetStates(processes: readonly ProcessStatus[]): TargetStates {
  return Object.fromEntries(
    processes.map((process) => {
      const { name, ready, port } = process
      return [name, { ready, phase: phaseOf(process), ...(port !== undefined && { port }) }]
    }),
  )
}

function phaseOf({ state }: ProcessStatus): TargetStates[string]['phase'] {
  switch (state) {
    case 'waiting':
    case 'starting':
    case 'backoff':
      return 'starting'
    case 'running':
    case 'parked':
      return 'running'
    case 'stopping':
      return 'stopping'
    case 'stopped':
    case 'exited':
    case 'fatal':
      return 'down'
  }
}
