/** Conditional requests (RFC 9110 §13): whether the client's copy is still valid, and whether preconditions hold. */
import type { IncomingHttpHeaders } from 'node:http'

/** The validators of the answer to an unconditional request. */
export interface Validators {
  readonly etag: string
  /** Other tags for the same content, which the client may have got. */
  readonly alsoCurrent?: readonly (string | undefined)[]
  /** Milliseconds since 1970, in whole seconds; absent if the content may change without it. */
  readonly modified?: number | undefined
}

/** Fast check: most requests have no conditions. */
export function isConditional(headers: IncomingHttpHeaders): boolean {
  return (
    headers['if-none-match'] !== undefined ||
    headers['if-modified-since'] !== undefined ||
    headers['if-match'] !== undefined ||
    headers['if-unmodified-since'] !== undefined
  )
}

/** In the order of RFC 9110 §13.2.2. `notModified`: the tag of the copy that the client may continue to use. */
export function evaluate(
  headers: IncomingHttpHeaders,
  { etag, alsoCurrent = [], modified = noDate }: Validators,
): 'send' | 'precondition-failed' | { readonly notModified: string } {
  const current = [etag, ...alsoCurrent.filter((tag) => tag !== undefined)]
  const ifMatch = headers['if-match']
  if (ifMatch !== undefined) {
    if (!current.some((tag) => names(ifMatch, tag, 'strongly'))) return 'precondition-failed'
  } else if (modified > readDate(headers['if-unmodified-since'])) return 'precondition-failed'
  const ifNoneMatch = headers['if-none-match']
  if (ifNoneMatch !== undefined) {
    const known = current.find((tag) => names(ifNoneMatch, tag, 'weakly'))
    return known === undefined ? 'send' : { notModified: known }
  }
  return modified <= readDate(headers['if-modified-since']) ? { notModified: etag } : 'send'
}

/**
 * Whether the client's part belongs to this answer (RFC 9110 §13.1.5): only a strong tag shows that. A date would have
 * to be a strong validator (§8.8.2.2), but files of two releases may have the same one. All answers have a tag, so none
 * is needed.
 */
export function isPartOf(ifRange: string | string[] | undefined, etag: string): boolean {
  return ifRange === undefined || (ifRange === etag && !etag.startsWith('W/'))
}

/** RFC 9110 §8.8.3.2: a weak tag never matches in a strong comparison. */
function names(list: string, tag: string, how: 'strongly' | 'weakly'): boolean {
  if (list.trim() === '*') return true
  const named: readonly string[] = list.match(/(?:W\/)?"[^"]*"/g) ?? []
  if (how === 'strongly') return !tag.startsWith('W/') && named.includes(tag)
  return named.some((one) => opaque(one) === opaque(tag))
}

function opaque(tag: string): string {
  return tag.startsWith('W/') ? tag.slice(2) : tag
}

/** The one form that is still sent; an older one is ignored, which costs a full answer and is never wrong. */
const fixedDate = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/

/** No comparison with it is true. */
const noDate = Number.NaN

function readDate(text = ''): number {
  return fixedDate.test(text) ? Date.parse(text) : noDate
}
