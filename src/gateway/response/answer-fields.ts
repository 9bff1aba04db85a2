/** Which header fields of an upstream are sent on to the client, over h1 and h2 alike. */
import { connectionHeaders, namedByConnection } from '../proxy/request-headers.ts'
import { withoutLength } from './flat-headers.ts'

/**
 * Fields that have one value (RFC 9110 §5.3: they must not be repeated). Of several the first counts, as for most
 * clients; h2 would refuse the answer otherwise. Each has a bit, so that seen ones need no list.
 */
const singleValued: ReadonlyMap<string, number> = new Map(
  [
    'access-control-allow-credentials',
    'access-control-max-age',
    'age',
    'content-length',
    'content-location',
    'content-range',
    'content-type',
    'date',
    'etag',
    'expires',
    'last-modified',
    'location',
    'retry-after',
    'x-content-type-options',
  ].map((name, index) => [name, 1 << index]),
)

/** The fields of an answer (name and value in turn) without the hop-by-hop ones. */
export function answerFields(flat: readonly string[]): string[] {
  const named = connectionOptionsOf(flat)
  const kept: string[] = []
  let seen = 0
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i] as string
    const lower = name.toLowerCase()
    if (connectionHeaders.has(lower) || named?.has(lower)) continue
    const bit = singleValued.get(lower)
    if (bit !== undefined) {
      if ((seen & bit) !== 0) continue
      seen |= bit
    }
    kept.push(name, flat[i + 1] as string)
  }
  return kept
}

/**
 * The fields of a final answer. A 205 has no body, whatever was sent with it (RFC 9110 §15.3.6); over h2 it ends with
 * its head.
 */
export function finalFields(status: number, flat: readonly string[]): string[] {
  const fields = answerFields(flat)
  if (status !== 205) return fields
  return [...withoutLength(fields), 'content-length', '0']
}

/** The names in all Connection fields, in lower case; undefined if there are none to drop. */
function connectionOptionsOf(flat: readonly string[]): ReadonlySet<string> | undefined {
  let options: string | undefined
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i] as string
    if (name.length !== 10 || name.toLowerCase() !== 'connection') continue
    options = options === undefined ? flat[i + 1] : `${options},${flat[i + 1]}`
  }
  return namedByConnection(options)
}
