import type { Reading } from './reading.ts'

/** Where an entry of the new file comes from. */
export interface Origin {
  readonly path: readonly (string | number)[]
  readonly at: { readonly file: string; readonly line: number; readonly column: number }
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
  /** Where it showed what it supervises to browsers. */
  readonly page?: Page
}
