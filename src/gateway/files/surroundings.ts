import type { ContentEncoding } from '../../plan/model/plan.ts'
import type { Bytes } from '../../shared/bytes.ts'
import type { ContentTags } from './content-tags.ts'
import type { StoredFile } from './stored-file.ts'

/** What the files of one store have in common. */
export interface FileSurroundings {
  readonly sizes: FileSizes
  readonly tags: ContentTags
  /** Makes an encoding quickly, for a client that waits; undefined if it would wait too long. */
  encodeSoon(encoding: ContentEncoding, body: Buffer): Promise<Buffer> | undefined
  /** Makes a thorough one for later clients; undefined if too much is to be done already. */
  encodeLater(encoding: ContentEncoding, body: Buffer): Promise<Buffer> | undefined
  /** So many bytes more are kept for this file. */
  grew(file: StoredFile, bytes: number): void
}

export interface FileSizes {
  /** Up to here every file is kept in memory: it is sent in one write. */
  readonly small: Bytes
  /**
   * Up to here those are that would have to be encoded again and again. Others are read from disk for each answer, through a
   * small buffer: a thousand clients that read a thousand photos slowly must not make us hold all of them.
   */
  readonly encodable: Bytes
}
