/** What a client takes of a head over h2. */
import type { Http2Stream } from '../listen/http2/stream.ts'

/** Throws if a head or trailers exceed the client's limit (RFC 9113 §6.5.2); fields as name and value in turn. */
export function mustFitClientLimit({ connection }: Http2Stream, what: string, fields: readonly string[]): void {
  let size = 0
  // RFC 9113 §6.5.2: the uncompressed size, plus 32 for each field.
  for (let i = 0; i < fields.length; i += 2)
    size += (fields[i] as string).length + (fields[i + 1] as string).length + 32
  const limit = connection.maxHeaderListSize
  if (size > limit) throw new Error(`${what} of ${size} bytes, over the client's limit of ${limit}`)
}
