/** What the readers of foreign files give: a part of our own configuration, and what is to be said about the way there. */

/** A plain value as YAML holds it. */
export type Value = string | number | boolean | null | readonly Value[] | { readonly [key: string]: Value }

export type Entries = { readonly [key: string]: Value }

export function isEntries(value: Value | undefined): value is Entries {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Sections of our own configuration, as they are written in the file: before interpolation, defaults left out. */
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

/** A remark for the reader of the new file, above the entry that this path leads to. One line or more, without `#`. */
export interface Comment {
  readonly path: readonly (string | number)[]
  readonly text: string
}

/** What was read of one foreign file. */
export interface Reading {
  readonly config: Fragment
  readonly comments: readonly Comment[]
  /** In the order of the file. */
  readonly findings: readonly Finding[]
}

export interface Finding {
  /** As it was given: the file itself, or one that it imports. */
  readonly file: string
  /** Both from 1 on. */
  readonly line: number
  readonly column: number
  /** `untranslated`: nothing in the new file does this. `changed`: translated, and behaves otherwise. */
  readonly severity: 'untranslated' | 'changed' | 'note'
  /** What it was, and the mend or the nearest option of ours. */
  readonly message: string
}
