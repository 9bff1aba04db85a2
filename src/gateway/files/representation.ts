/** One of the forms in which a file can be sent: as it is, or in one encoding, each with its own tag and head. */
import type { ContentEncoding } from '../../plan/model/plan.ts'
import type { FlatHeaders } from '../response/flat-headers.ts'
import type { FileFacts } from './disk.ts'

export interface Representation {
  readonly etag: string
  /** The tag that this form had before its content was known: it stands for the same state. */
  readonly formerTag?: string | undefined
  readonly size: number
  /** Absent: too big to be kept; to be read from disk, while it is in this state. */
  readonly body?: Buffer
  readonly encoding?: ContentEncoding | undefined
  /** To be encoded while it is sent: `size` is that of what is read. */
  readonly encodeAs?: ContentEncoding
  readonly path: string
  readonly facts: FileFacts
  /** Everything that describes this form, but for its length: name and value in turn. */
  readonly headers: FlatHeaders
}

/** What a representation is made of. */
export interface RepresentationParts {
  readonly path: string
  readonly facts: FileFacts
  readonly etag: string
  readonly formerTag?: string
  readonly body?: Buffer
  readonly type: string
  readonly encoding?: ContentEncoding | undefined
  /** The encoding is made while it is sent. */
  readonly onTheWay?: boolean | undefined
  /** Value of Last-Modified; absent if the content depends on more than the file. */
  readonly modified?: string | undefined
  /** Whether other clients get another form at the same address. */
  readonly varies: boolean
}

export function representation(parts: RepresentationParts): Representation {
  const { path, facts, etag, formerTag, body, type, encoding, onTheWay, modified, varies } = parts
  const headers = ['content-type', type, 'etag', etag]
  if (modified !== undefined) headers.push('last-modified', modified)
  // Parts are given of the plain form only: a part of an encoded one helps no client that asks for bytes of the file.
  if (encoding === undefined) headers.push('accept-ranges', 'bytes')
  else headers.push('content-encoding', encoding)
  if (varies) headers.push('vary', 'accept-encoding')
  return {
    path,
    facts,
    etag,
    formerTag,
    encoding,
    size: body?.length ?? facts.size,
    headers,
    ...(body && { body }),
    ...(onTheWay && encoding && { encodeAs: encoding }),
  }
}
