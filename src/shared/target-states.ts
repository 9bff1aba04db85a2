/** What the main thread knows of what stands behind routes, for those who route. Plain data: it crosses into threads. */

/**
 * What is known of the processes behind routes, by name: one that is not in it was never started. And of the targets of
 * upstreams that are checked, by `targetKey`: one that is not in it counts as up.
 */
export type TargetStates = Readonly<Record<string, TargetState>>

/** No name of a process has a blank in it. */
export function targetKey(upstream: string, origin: string): string {
  return `${upstream} ${origin}`
}

export interface TargetState {
  readonly ready: boolean
  /** `down` for good, or on its way up. */
  readonly phase: 'starting' | 'running' | 'stopping' | 'down'
  /** Of a process that has one: where it listens, on 127.0.0.1. */
  readonly port?: number
}
