import type { Reading } from './reading.ts'
import type { Place } from './reports.ts'

/** Where an entry of the new file comes from. */
export interface Origin {
  readonly path: readonly (string | number)[]
  readonly at: Place
}

export interface Page {
  readonly at: Origin['at']
  /** As our listeners write it. */
  readonly address: string
  readonly port: number
  /** In `users`, who may look at it. */
  readonly user: string
}

/** A reading that knows where its processes were said, for what is found when several files become one. */
export interface PlacedReading extends Reading {
  readonly places: readonly Origin[]
  /** Processes by the name under which other containers reached them. */
  readonly hosts?: Readonly<Record<string, string>>
  /** Where it showed what it supervises to browsers. */
  readonly page?: Page
}
