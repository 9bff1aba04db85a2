import type { Finding } from './reading.ts'

/** Where something stands; both from 1 on. */
export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
}

export type Report = (at: Place, severity: Finding['severity'], message: string) => void
