/** The states of targets behind routes, from the main thread to the gateway. Plain data: it is sent to threads. */

/**
 * Processes behind routes, by name: one that is missing was never started. Checked targets of upstreams, by
 * `targetKey`: one that is missing counts as up.
 */
export type TargetStates = Readonly<Record<string, TargetState>>

/** Distinct from names of processes, which have no blanks. */
export function targetKey(upstream: string, origin: string): string {
  return `${upstream} ${origin}`
}

export interface TargetState {
  readonly ready: boolean
  /** `down`: for good. */
  readonly phase: 'starting' | 'running' | 'stopping' | 'down'
  /** Where a process listens, on 127.0.0.1, if it has a port. */
  readonly port?: number
}
