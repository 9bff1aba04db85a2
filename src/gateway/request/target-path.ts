/**
 * The request target, read once. It is matched in its canonical form (see shared/net/canonical-path.ts);
 * route/choose.ts decides in which form it is forwarded or opened.
 */
import { canonicalPath, foldPath, isPlainPath, normalizePath } from '../../shared/net/canonical-path.ts'

export interface TargetPath {
  /** Normalized as RFC 3986 §6.2.2 says: unreserved characters decoded, hex in upper case, dot segments removed. */
  readonly path: string
  /** With its leading `?`; empty if there is none. */
  readonly query: string
}

export interface RequestTarget extends TargetPath {
  /** The path that routes are matched by; nearly always the same as `path`. */
  readonly canonical: string
  /** The same without its case. */
  readonly key: string
  /** See canonical-path.ts: `path` must not be sent on. */
  readonly hiddenDots: boolean
  /** Host and port in an absolute-form target, which then count instead of the Host header (RFC 9112 §3.2.2). */
  readonly authority?: string
}

const plainQuery = /^(?:\?[\x21\x22\x24-\x7e]*)?$/
const visible = /^[\x21-\x7e\x80-\xff]*$/

/**
 * Reads an origin-form (`/a?b`) or, over h1, absolute-form (`http://host/a?b`) target. Undefined if it is not one,
 * holds a NUL, a backslash, a malformed escape, or climbs above the root in any reading; the answer then is 400.
 */
export function readTargetPath(
  target: string,
  allowed: 'origin-form' | 'any-form' = 'any-form',
): RequestTarget | undefined {
  if (target.startsWith('/')) return readOriginForm(target)
  const absolute = allowed === 'any-form' ? /^https?:\/\/([^/?#]+)(.*)$/i.exec(target) : null
  if (!absolute) return undefined
  const [, authority = '', rest = ''] = absolute
  const read = readOriginForm(rest.startsWith('/') ? rest : `/${rest}`)
  return read && { ...read, authority }
}

function readOriginForm(origin: string): RequestTarget | undefined {
  const normal = normalizeTarget(origin)
  const reading = normal && canonicalPath(normal.path)
  if (!reading) return undefined
  const { path: canonical, hiddenDots } = reading
  return { path: normal.path, query: normal.query, canonical, key: foldPath(canonical), hiddenDots }
}

/** For the log: stands for the target of a request that is refused. */
export function unreadTarget(path: string): RequestTarget {
  return { path, query: '', canonical: path, key: path, hiddenDots: false }
}

/** Path and query of an origin-form target; undefined for the reasons above. */
export function normalizeTarget(origin: string): TargetPath | undefined {
  const mark = origin.indexOf('?')
  const raw = mark === -1 ? origin : origin.slice(0, mark)
  const query = mark === -1 ? '' : origin.slice(mark)
  // Fast path: nearly every target is plain.
  if (isPlainPath(raw) && plainQuery.test(query)) return { path: raw, query }
  if (!visible.test(origin) || origin.includes('#') || raw.includes('\\')) return undefined
  const path = normalizePath(escapeBytes(raw))
  return path === undefined ? undefined : { path, query: escapeBytes(query) }
}

/** Percent-encodes bytes above ASCII, which some clients send raw, so that no two parsers read them differently. */
function escapeBytes(text: string): string {
  return text.replace(/[\x80-\xff]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** Nearly every path of a file: nothing to decode, no empty segments, no dotfiles. */
const plainFilePath = /^(?:\/[\w~-][\w.~-]*)+$/

/**
 * The file that a path names below a root, as a relative path; undefined if it cannot name one: an escaped slash or
 * backslash is part of a name, and no file has one in its name. Dotfiles are hidden.
 */
export function relativeFilePath(path: string): string | undefined {
  if (plainFilePath.test(path)) return path.slice(1)
  let decoded: string
  try {
    decoded = decodeURIComponent(path)
  } catch {
    return undefined
  }
  if (/%2F|%5C|%00/i.test(path) || decoded.includes('\0')) return undefined
  const segments = decoded
    .replace(/\/{2,}/g, '/')
    .split('/')
    .slice(1)
  return segments.every((segment, index) => mayBeShown(segment, index, index === segments.length - 1))
    ? segments.join('/')
    : undefined
}

/** Files below /.well-known/ are public (RFC 8615). */
function mayBeShown(segment: string, index: number, last: boolean): boolean {
  return !segment.startsWith('.') || (index === 0 && segment === '.well-known' && !last)
}
