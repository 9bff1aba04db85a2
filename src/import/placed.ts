import type { Reading } from './reading.ts'

/** Where an entry of the new file comes from. */
export interface Origin {
  readonly path: readonly (string | number)[]
  readonly at: { readonly file: string; readonly line: number; readonly column: number }
}

/** A reading that knows where its processes were said, for what is found when several files become one. */
export interface PlacedReading extends Reading {
  readonly places: readonly Origin[]
}
