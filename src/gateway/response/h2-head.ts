/** Heads of answers over h2, written without Node's compatibility layer, which refuses some heads that h1 passes on. */
import type { ServerHttp2Stream } from 'node:http2'
import { connectionHeaders } from '../proxy/request-headers.ts'

/** Throws if a head or trailers exceed the client's limit (RFC 9113 §6.5.2); fields as name and value in turn. */
export function mustFitClientLimit(stream: ServerHttp2Stream, what: string, fields: readonly string[]): void {
  let size = 0
  // RFC 9113 §6.5.2: the uncompressed size, plus 32 for each field.
  for (let i = 0; i < fields.length; i += 2)
    size += (fields[i] as string).length + (fields[i + 1] as string).length + 32
  // Hardly any client takes less, so most heads need no look at the settings.
  if (size <= 4_096) return
  const limit = stream.session?.remoteSettings.maxHeaderListSize ?? Number.POSITIVE_INFINITY
  if (size > limit) throw new Error(`${what} of ${size} bytes, over the client's limit of ${limit}`)
}

/**
 * Sends the head: fields as name and value in turn. Does nothing on a closed stream, like a late write over h1. Throws
 * if the head exceeds the client's limit. `last`: it ends the stream.
 */
export function respondH2(stream: ServerHttp2Stream, status: number, fields: readonly string[], last: boolean): void {
  if (stream.destroyed || stream.closed) return
  mustFitClientLimit(stream, 'a head', fields)
  const head: unknown[] = [':status', status > 599 ? new UnassignedStatus(status) : status]
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string
    // Hop-by-hop headers from header rules are for h1 (RFC 9113 §8.2.2).
    if (!connectionHeaders.has(name.toLowerCase())) head.push(name, fields[i + 1])
  }
  // A flat list is documented since Node 24.7, but missing in its types.
  stream.respond(head as never, last ? { endStream: true } : { waitForTrailers: true })
}

/**
 * A status from 600 to 999: not assigned, to be treated as a server error (RFC 9110 §15). Node sends such a status over
 * h1 and refuses it over h2, where it checks the number, but writes the text.
 */
class UnassignedStatus {
  readonly #digits: string

  constructor(status: number) {
    this.#digits = String(status)
  }

  valueOf(): number {
    return 599
  }

  toString(): string {
    return this.#digits
  }
}
