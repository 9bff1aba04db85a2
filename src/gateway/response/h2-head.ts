/** Heads of answers over h2, written without Node's compatibility layer, which refuses some of what h1 passes on. */
import type { ServerHttp2Stream } from 'node:http2'
import { connectionHeaders } from '../proxy/request-headers.ts'

/** Throws if the client takes no head or trailers of this size (RFC 9113 §6.5.2); fields as name and value in turn. */
export function mustBeTaken(stream: ServerHttp2Stream, what: string, fields: readonly string[]): void {
  let size = 0
  // RFC 9113 §6.5.2: as long as they are unpacked, and 32 for each field.
  for (let i = 0; i < fields.length; i += 2)
    size += (fields[i] as string).length + (fields[i + 1] as string).length + 32
  // Next to nobody takes less; so most heads need no look at the settings.
  if (size <= 4_096) return
  const limit = stream.session?.remoteSettings.maxHeaderListSize ?? Number.POSITIVE_INFINITY
  if (size > limit) throw new Error(`${what} of ${size} bytes is more than the ${limit} that the client takes`)
}

/**
 * Sends the head: fields as name and value in turn. On a stream that is gone it does nothing, as a late write over h1. Throws if
 * the client takes no head of this size.
 */
export function respondH2(stream: ServerHttp2Stream, status: number, fields: readonly string[]): void {
  if (stream.destroyed || stream.closed) return
  mustBeTaken(stream, 'a head', fields)
  const head: unknown[] = [':status', status > 599 ? new UnassignedStatus(status) : status]
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string
    // What our own rules say of a connection is for h1 (RFC 9113 §8.2.2).
    if (!connectionHeaders.has(name.toLowerCase())) head.push(name, fields[i + 1])
  }
  // The types know names with values only; the documentation of Node knows this form as well, since 24.7.
  stream.respond(head as never, { waitForTrailers: true })
}

/**
 * A status from 600 to 999: three digits that nobody has given a meaning, to be taken for a fault of the server (RFC 9110
 * §15). Node sends them over h1 and refuses them over h2, by their number; what it then writes is their text.
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
