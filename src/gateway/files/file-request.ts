/** What a route asks the file store for, and the precompressed siblings that may be sent for it. */
import type { ContentEncoding } from '../../plan/model/plan.ts'
import type { FileFacts } from './disk.ts'

export interface FileRequest {
  /** Absolute. */
  readonly path: string
  readonly rendering?: Rendering | undefined
  /** The encodings offered to clients. */
  readonly encodings: readonly ContentEncoding[]
  /** Encodings whose precompressed siblings must not be sent. */
  readonly withheld?: readonly ContentEncoding[]
}

/** A file whose content is made from the one on disk. */
export interface Rendering {
  /** Distinguishes it from other renderings of the same file. */
  readonly id: string
  readonly type: string
  render(text: string): string
}

/** Precompressed files next to the file that are not older, by their encoding. */
export type Siblings = ReadonlyMap<ContentEncoding, FileFacts>

/** The suffixes of precompressed files. */
export const suffixes: Readonly<Record<ContentEncoding, string>> = { zstd: '.zst', br: '.br', gzip: '.gz' }
