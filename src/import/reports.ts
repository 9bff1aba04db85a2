import type { Finding } from './reading.ts'

/** A place in a file; line and column start at 1. */
export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
}

export type Report = (at: Place, severity: Finding['severity'], message: string) => void
