import { numberOf } from './wait-status.ts'

/** How a process ended: one of the two is null. */
export interface Exit {
  readonly code: number | null
  /** A name of Node's (`SIGKILL`), or of a real-time signal (`SIGRTMIN+1`). */
  readonly signal: string | null
}

/** `exited with code 7`, `was killed by SIGKILL`. */
export function describeExit({ code, signal }: Exit): string {
  return signal === null ? `exited with code ${code}` : `was killed by ${signal}`
}

/** The code with which Gatehouse passes on this end: the child's own, or 128 + signal as shells say it; never 0. */
export function exitCodeFor({ code, signal }: Exit): number {
  if (signal !== null) return 128 + numberOf(signal)
  return code === null || code < 1 || code > 255 ? 1 : code
}
