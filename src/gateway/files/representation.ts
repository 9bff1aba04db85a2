/** A form in which a file can be sent: unencoded, or in one encoding, each with its own tag and headers. */
import type { ContentEncoding } from '../../plan/model/plan.ts'
import type { FlatHeaders } from '../response/flat-headers.ts'
import type { FileFacts } from './disk.ts'

export interface Representation {
  readonly etag: string
  /** The tag that this form had before its digest was known, for the same content. */
  readonly formerTag?: string | undefined
  readonly size: number
  /** Absent: too big for the cache, to be read from disk while the file is in this state. */
  readonly body?: Buffer
  readonly encoding?: ContentEncoding | undefined
  /** To be encoded while it is sent: then `size` is that of the unencoded file. */
  readonly encodeAs?: ContentEncoding
  readonly path: string
  readonly facts: FileFacts
  /** All headers of this form except its length: name and value in turn. */
  readonly headers: FlatHeaders
}

export interface RepresentationParts {
  readonly path: string
  readonly facts: FileFacts
  readonly etag: string
  readonly formerTag?: string
  readonly body?: Buffer
  readonly type: string
  readonly encoding?: ContentEncoding | undefined
  /** It is encoded while it is sent. */
  readonly onTheFly?: boolean | undefined
  /** Value of Last-Modified; absent if the content depends on more than the file. */
  readonly modified?: string | undefined
  /** Whether other clients get another form under the same URL. */
  readonly varies: boolean
}

export function representation(parts: RepresentationParts): Representation {
  const { path, facts, etag, formerTag, body, type, encoding, onTheFly, modified, varies } = parts
  const headers = ['content-type', type, 'etag', etag]
  if (modified !== undefined) headers.push('last-modified', modified)
  // Ranges are served of the unencoded form only: clients ask for bytes of the file.
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
    ...(onTheFly && encoding && { encodeAs: encoding }),
  }
}
