import { constants } from 'node:os'

/** How a process ended: one of the two is null. */
export interface Exit {
  readonly code: number | null
  /** As Node names it (`SIGKILL`), or a real-time signal (`SIGRTMIN+1`). */
  readonly signal: string | null
}

/** `exited with code 7`, `was killed by SIGKILL`. */
export function describeExit({ code, signal }: Exit): string {
  return signal === null ? `exited with code ${code}` : `was killed by ${signal}`
}

/**
 * The exit code with which Gatehouse passes on this failure: the child's own, or 128 + signal as in shells; never 0.
 */
export function exitCodeFor({ code, signal }: Exit): number {
  if (signal !== null) return 128 + signalNumber(signal)
  return code === null || code < 1 || code > 255 ? 1 : code
}

const firstRealTimeSignal = 34
const lastSignal = 64

/** As kill(1) names it: `SIGKILL`, `SIGRTMIN+1`, `SIGRTMAX`; the two that the C library reserves by number. */
export function signalName(signal: number): string {
  const [name] = Object.entries(constants.signals).find(([, number]) => number === signal) ?? []
  if (name !== undefined) return name
  if (signal === lastSignal) return 'SIGRTMAX'
  if (signal < firstRealTimeSignal) return `SIG${signal}`
  return signal === firstRealTimeSignal ? 'SIGRTMIN' : `SIGRTMIN+${signal - firstRealTimeSignal}`
}

/** The number of a name that `signalName` gives. */
export function signalNumber(name: string): number {
  const known = constants.signals[name as NodeJS.Signals] as number | undefined
  const [, kind, offset = '0'] = /^SIG(RTMIN|RTMAX|)\+?(\d+)?$/.exec(name) ?? []
  if (known !== undefined) return known
  return kind === 'RTMAX' ? lastSignal : kind === 'RTMIN' ? firstRealTimeSignal + Number(offset) : Number(offset)
}
