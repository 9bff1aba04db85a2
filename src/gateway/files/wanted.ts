/** What a route asks the store for, and what may stand in for it on disk. */
import type { ContentEncoding } from '../../plan/model/plan.ts'
import type { FileFacts } from './disk.ts'

export interface Wanted {
  /** Absolute. */
  readonly path: string
  readonly rendering?: Rendering | undefined
  /** The encodings that clients are offered. */
  readonly encodings: readonly ContentEncoding[]
  /** Of these no file encoded beforehand is sent, even if it is there. */
  readonly withheld?: readonly ContentEncoding[]
}

/** A file whose content is made from the one on disk. */
export interface Rendering {
  /** Distinguishes it from other renderings of the same file. */
  readonly id: string
  readonly type: string
  render(text: string): string
}

/** Files that someone has encoded already, and that stand beside the file and are not older: by their encoding. */
export type Siblings = ReadonlyMap<ContentEncoding, FileFacts>

/** The endings of files that someone has encoded already. */
export const suffixes: Readonly<Record<ContentEncoding, string>> = { zstd: '.zst', br: '.br', gzip: '.gz' }
