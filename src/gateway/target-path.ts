/**
 * The request target, read once. What is matched is what is forwarded or opened: both use the path made here.
 */

export interface TargetPath {
  /** Normalized as RFC 3986 §6.2.2 says: unreserved characters decoded, hex in upper case, dot segments removed. */
  readonly path: string
  /** With its leading `?`; empty if there is none. */
  readonly query: string
  /** Host and port in an absolute-form target, which then count instead of the Host header (RFC 9112 §3.2.2). */
  readonly authority?: string
}

const unreserved = /^[A-Za-z0-9\-._~]$/
const plainPath = /^\/[A-Za-z0-9\-._~/!$&'()*+,;=:@]*$/
const plainQuery = /^(?:\?[\x21\x22\x24-\x7e]*)?$/
const visible = /^[\x21-\x7e\x80-\xff]*$/

/**
 * Reads an origin-form (`/a?b`) or, over h1, absolute-form (`http://host/a?b`) target. Undefined if it is not one, holds
 * a NUL, a backslash, a malformed escape, or climbs above the root; the answer then is 400.
 */
export function readTargetPath(
  target: string,
  allowed: 'origin-form' | 'any-form' = 'any-form',
): TargetPath | undefined {
  if (target.startsWith('/')) return readOriginForm(target)
  const absolute = allowed === 'any-form' ? /^https?:\/\/([^/?#]+)(.*)$/i.exec(target) : null
  if (!absolute) return undefined
  const [, authority = '', rest = ''] = absolute
  const read = readOriginForm(rest.startsWith('/') ? rest : `/${rest}`)
  return read && { ...read, authority }
}

function readOriginForm(origin: string): TargetPath | undefined {
  const mark = origin.indexOf('?')
  const raw = mark === -1 ? origin : origin.slice(0, mark)
  const query = mark === -1 ? '' : origin.slice(mark)
  // Nearly every target is plain; a segment that begins with a dot, an escape or anything odd takes the long way.
  if (plainPath.test(raw) && !raw.includes('/.') && plainQuery.test(query)) return { path: raw, query }
  if (!visible.test(origin) || origin.includes('#') || raw.includes('\\')) return undefined
  const path = normalize(escapeBytes(raw))
  return path === undefined ? undefined : { path, query: escapeBytes(query) }
}

/** Bytes above ASCII, which some clients send raw, as escapes: no two readers may differ on what they mean. */
function escapeBytes(text: string): string {
  return text.replace(/[\x80-\xff]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`)
}

function normalize(raw: string): string | undefined {
  let malformed = false
  const decoded = raw.replace(/%.{0,2}/g, (found) => {
    const code = /^%[0-9A-Fa-f]{2}$/.test(found) ? Number.parseInt(found.slice(1), 16) : 0
    if (code === 0) malformed = true
    const character = String.fromCharCode(code)
    return unreserved.test(character) ? character : found.toUpperCase()
  })
  return malformed ? undefined : withoutDotSegments(decoded)
}

/** RFC 3986 §5.2.4, but a path that climbs above the root is refused instead of clamped: no honest client sends it. */
function withoutDotSegments(path: string): string | undefined {
  const kept: string[] = []
  const segments = path.split('/').slice(1)
  for (const [index, segment] of segments.entries()) {
    const last = index === segments.length - 1
    if (segment === '..') {
      if (kept.pop() === undefined) return undefined
      if (last) kept.push('')
    } else if (segment === '.') {
      if (last) kept.push('')
    } else {
      kept.push(segment)
    }
  }
  return `/${kept.join('/')}`
}

/**
 * The file that a path names below a root, as a relative path; undefined if it cannot name one:
 * an escaped slash or backslash is part of a name, and no file has one in its name; nor are dotfiles shown.
 */
export function relativeFilePath(path: string): string | undefined {
  let decoded: string
  try {
    decoded = decodeURIComponent(path)
  } catch {
    return undefined
  }
  if (/%2F|%5C|%00/i.test(path) || decoded.includes('\0')) return undefined
  const segments = decoded.split('/').slice(1)
  return segments.every((segment, index) => mayBeShown(segment, index, index === segments.length - 1))
    ? segments.join('/')
    : undefined
}

/** What is below /.well-known/ is put there to be read by everyone (RFC 8615). */
function mayBeShown(segment: string, index: number, last: boolean): boolean {
  if (segment === '') return last
  return !segment.startsWith('.') || (index === 0 && segment === '.well-known' && !last)
}
