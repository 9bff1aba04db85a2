/** The result of reading a foreign file: a part of our configuration, with comments and findings. */

/** A plain YAML value. */
export type Value = string | number | boolean | null | readonly Value[] | { readonly [key: string]: Value }

export type Entries = { readonly [key: string]: Value }

export function isEntries(value: Value | undefined): value is Entries {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Sections of our configuration as written in the file: before interpolation, without defaults. */
export interface Fragment {
  readonly environment?: Entries
  readonly gateway?: Entries
  readonly users?: Entries
  readonly upstreams?: Entries
  readonly processes?: Entries
  readonly certificates?: readonly Value[]
  readonly storage?: string
  readonly control?: Entries
  readonly shutdown?: Entries
  readonly log?: Entries
  readonly metrics?: Entries
}

/** A comment above the entry at this path. One line or more, without `#`. */
export interface Comment {
  readonly path: readonly (string | number)[]
  readonly text: string
}

/** The result for one foreign file. */
export interface Reading {
  readonly config: Fragment
  readonly comments: readonly Comment[]
  /** In the order of the file. */
  readonly findings: readonly Finding[]
}

export interface Finding {
  /** The path of the file as given, or of one that it imports. */
  readonly file: string
  /** Both from 1 on. */
  readonly line: number
  readonly column: number
  /** `untranslated`: not in the new file. `changed`: translated, but behaves differently. */
  readonly severity: 'untranslated' | 'changed' | 'note'
  /** What it is, and a hint or the nearest option. */
  readonly message: string
}
