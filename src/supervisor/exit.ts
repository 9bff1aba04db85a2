import { constants } from 'node:os'

/** How a process ended: one of the two is null. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** `exited with code 7`, `was killed by SIGKILL`. */
export function describeExit({ code, signal }: Exit): string {
  return signal === null ? `exited with code ${code}` : `was killed by ${signal}`
}

/** The code with which Gatehouse passes on this end: the child's own, or 128 + signal as shells say it; never 0. */
export function exitCodeFor({ code, signal }: Exit): number {
  if (signal !== null) return 128 + constants.signals[signal]
  return code === null || code < 1 || code > 255 ? 1 : code
}
