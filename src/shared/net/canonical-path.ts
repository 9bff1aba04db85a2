/**
 * The canonical form in which paths are compared: as the most lenient of the usual servers reads them. nginx, Apache
 * and Python merge empty segments and decode `%2F`; Tomcat and Spring drop `;parameters`; Windows drops dots and blanks
 * at the end of a name; Express and IIS ignore case. A path that one of them reads as another path is compared as that
 * path.
 */

const unreserved = /[A-Za-z0-9\-._~]/

/**
 * RFC 3986 §6.2.2: unreserved characters decoded, hex in upper case, dot segments removed; and one slash at the
 * beginning. The argument has no bytes above ASCII. Undefined if an escape is malformed or a NUL, or the path climbs
 * above the root.
 */
export function normalizePath(path: string): string | undefined {
  const decoded = normalizeEscapes(path)
  return decoded === undefined ? undefined : withoutDotSegments(decoded)
}

function normalizeEscapes(path: string): string | undefined {
  let malformed = false
  const normal = path.replace(/%.{0,2}/g, (found) => {
    const code = /%[0-9A-Fa-f]{2}/.test(found) ? Number.parseInt(found.slice(1), 16) : 0
    if (code === 0) malformed = true
    const character = String.fromCharCode(code)
    return unreserved.test(character) ? character : found.toUpperCase()
  })
  return malformed ? undefined : normal
}

/**
 * RFC 3986 §5.2.4, but a path that climbs above the root is refused instead of clamped: no honest client sends it. Two
 * slashes at the beginning become one: URL parsers of Node, Python and Java take what follows them for a host.
 */
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
  return `/${kept.join('/').replace(/^\/+/, '')}`
}

export interface Reading {
  /** Without empty segments, dot segments and parameters. */
  readonly path: string
  /** There were dot segments that RFC 3986 does not see: behind an escaped slash, or in front of a parameter. */
  readonly hiddenDots: boolean
}

/** All servers read such a path in the same way, but for its case. */
const plain = /^(?:\/[\w\-.~!$&'()+,=:@]*[\w\-~!$&'()+,=:@])*\/?$/

export function isPlainPath(path: string): boolean {
  return plain.test(path)
}

/**
 * Of a normalized path. With `slashes: 'kept'` an escaped slash or backslash is part of a name, as for servers that
 * split before they decode. Undefined if the path climbs above the root.
 */
export function canonicalPath(path: string, slashes: 'seen' | 'kept' = 'seen'): Reading | undefined {
  if (plain.test(path)) return { path, hiddenDots: false }
  const split = (slashes === 'seen' ? path.replace(/%2F|%5C/g, '/') : path).split('/')
  const names: string[] = []
  let hiddenDots = false
  let last = ''
  for (let i = 1; i < split.length; i++) {
    last = nameIn(split[i] as string)
    if (last === '') continue
    if (last !== '.' && last !== '..') {
      names.push(spelledOut(last))
      continue
    }
    hiddenDots = true
    if (last === '..' && names.pop() === undefined) return undefined
  }
  const folder = names.length > 0 && (last === '' || last === '.' || last === '..')
  return { path: `/${names.join('/')}${folder ? '/' : ''}`, hiddenDots }
}

/** Equal for paths that differ in case alone. The argument is canonical; the result is for comparison only. */
export function foldPath(path: string): string {
  if (!path.includes('%')) return path.toLowerCase()
  // Up and down again: some letters have two lower-case forms (`ſ` and `s`), some two upper-case forms (`K` in kelvin).
  return path
    .replace(/(?:%[89A-F][0-9A-F])+/g, decoded)
    .toUpperCase()
    .toLowerCase()
}

/** Invalid UTF-8 stays escaped. */
function decoded(escapes: string): string {
  try {
    return decodeURIComponent(escapes)
  } catch {
    return escapes
  }
}

/**
 * A segment without its parameters, and without what Windows drops at its end; empty, `.` or `..` if that is all there
 * is.
 */
function nameIn(segment: string): string {
  const parameters = segment.indexOf(';')
  const name = withoutEnd(parameters === -1 ? segment : segment.slice(0, parameters), false)
  return withoutEnd(name, true) || name
}

const blank = /%(?:[01][0-9A-F]|20|7F)/

// In one pass from its end: a regular expression would be quadratic in the number of dots.
function withoutEnd(name: string, dots: boolean): string {
  let end = name.length
  for (;;) {
    if (dots && name[end - 1] === '.') end -= 1
    else if (blank.test(name.slice(Math.max(0, end - 3), end))) end -= 3
    else return name.slice(0, end)
  }
}

/** Escapes what a path requires, and `*`, which patterns use; delimiters without a meaning in paths are not escaped. */
function spelledOut(name: string): string {
  return name
    .replace(/%(?:2[146-9BC]|3[AD]|40)/g, decodeURIComponent)
    .replace(/[^\w\-.~!$&'()+,=:@%]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
}

export interface WrittenPath {
  /** Escaped as in requests. */
  readonly spelling: string
  /** The form in which requests for it are compared; differs from `spelling` if that is not canonical. */
  readonly canonical: string
}

/**
 * A path as people write it, with unescaped non-ASCII characters. Undefined if no request can have it: it has a
 * malformed escape, a NUL or a backslash, or climbs above the root.
 */
export function readWrittenPath(text: string): WrittenPath | undefined {
  if (plain.test(text)) return { spelling: text, canonical: text }
  if (text.includes('\\') || /\p{Surrogate}/u.test(text)) return undefined
  const escapes = normalizeEscapes(text.replace(/[^\x21-\x7e]+/g, encodeURIComponent))
  if (escapes === undefined) return undefined
  const normal = withoutDotSegments(escapes)
  const canonical = normal === undefined ? undefined : canonicalPath(normal)
  return canonical && { spelling: escapes.split('/').map(spelledOut).join('/'), canonical: canonical.path }
}

/** The key by which a normalized path is compared; a path that no request can have is compared unchanged. */
export function pathKey(path: string): string {
  return foldPath(canonicalPath(path)?.path ?? path)
}
