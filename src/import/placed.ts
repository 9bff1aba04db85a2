import type { Reading } from './reading.ts'
import type { Place } from './reports.ts'

/** The place that an entry of the new file comes from. */
export interface Origin {
  readonly path: readonly (string | number)[]
  readonly at: Place
}

export interface Page {
  readonly at: Origin['at']
  /** In the form of a listener's `address`. */
  readonly address: string
  readonly port: number
  /** The key in `users` of the user with access. */
  readonly user: string
}

/** A reading with the places of its processes, for findings from merging several files. */
export interface PlacedReading extends Reading {
  readonly places: readonly Origin[]
  /** Processes by the host name that other containers use for them. */
  readonly hosts?: Readonly<Record<string, string>>
  /** Its web page. */
  readonly page?: Page
}
