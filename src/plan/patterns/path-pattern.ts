/**
 * Path patterns, as routes and `accessLog.skip` use them. They look at the path alone, never at the query, in its
 * canonical form and case-insensitively (docs/adr/0013-paths.md).
 *
 *   /info     that path and no other
 *   /api/*    everything below /api/, with /api/ itself but not /api
 *   *.map     every path that ends so
 *   *         every path
 */
import { foldPath, readWrittenPath } from '../../shared/net/canonical-path.ts'
import type { PatternProblem } from './pattern-problem.ts'

interface PathPattern {
  readonly kind: 'exact' | 'below' | 'suffix'
  /** In canonical form: the path, the beginning with its slash, or the end. */
  readonly text: string
  /** The same without its case. */
  readonly key: string
}

/** How a pattern is compared: `folded` with the key of a path, `cased` with the canonical path itself. */
export interface PathTest {
  folded(key: string): boolean
  cased(path: string): boolean
}

/** Turns a valid pattern into its tests. */
export function compilePathPattern(pattern: string): PathTest {
  const { kind, text, key } = parsePathPattern(pattern)
  return { folded: compare(kind, key), cased: compare(kind, text) }
}

function compare(kind: PathPattern['kind'], text: string): (path: string) => boolean {
  switch (kind) {
    case 'exact':
      return (path) => path === text
    case 'below':
      return (path) => path.startsWith(text)
    case 'suffix':
      return (path) => path.endsWith(text)
  }
}

/** A segment that Express, Spring, Caddy or Traefik reads as a parameter; here it is compared literally. */
export function parameterProblem(pattern: string): PatternProblem | undefined {
  const start = /\/(?::[A-Za-z_]\w*|\{[A-Za-z_*][^/]*\}|<[A-Za-z_][^/]*>)(?=\/|$)/.exec(pattern)?.index
  if (start === undefined || !pattern.startsWith('/')) return undefined
  return {
    problem: 'has a parameter, which is compared literally',
    hint: 'write the path up to it, followed by `/*`',
    instead: `${pattern.slice(0, start)}/*`,
  }
}

/** What is wrong with a pattern and how to fix it; undefined if it is valid. */
export function validatePathPattern(pattern: string): PatternProblem | undefined {
  if (pattern === '') return { problem: 'is empty', hint: 'remove `path` to match every path' }
  if (!pattern.startsWith('/') && !pattern.startsWith('*')) return invalidBeginning(pattern)
  if (/[?#]/.test(pattern))
    return {
      problem: 'has a query or a fragment',
      hint: 'a pattern matches only the path: end it before the `?` or `#`',
    }
  if (/\s/.test(pattern))
    return { problem: 'contains a space', hint: 'write a list for several patterns, or `%20` for the space' }
  const star = pattern.indexOf('*', 1)
  const isBelow = pattern.startsWith('/') && pattern.endsWith('/*') && star === pattern.length - 1
  if (star !== -1 && !isBelow)
    return {
      problem: 'has a misplaced `*`',
      hint: '`*` goes at the end after a `/`, as in `/api/*`, or at the beginning, as in `*.map`',
      ...(/^\/[^*]*\*\*$/.test(pattern) && { instead: pattern.slice(0, -1) }),
    }
  return spellingProblem(pattern)
}

function invalidBeginning(pattern: string): PatternProblem {
  const url = /^https?:\/\/[^/]+(\/.*)$/.exec(pattern)
  if (url) return { problem: 'is a URL', hint: 'write the path alone, and the host in `host`', instead: `${url[1]}` }
  const hint = 'a path begins with `/`; a suffix is written `*.map`'
  if (/[\^$~\\()|+]|\.\*/.test(pattern))
    return {
      problem: 'is a regular expression, which is not supported here',
      hint: 'write the path, `/api`, or its beginning, `/api/*`, or its end, `*.map`',
    }
  return { problem: 'does not begin with `/`', hint, instead: `/${pattern}` }
}

/**
 * Requests are compared in canonical form: a pattern in another form would match nothing, and its guards would be dead.
 */
function spellingProblem(pattern: string): PatternProblem | undefined {
  const [front, path, back] = partsOf(pattern)
  const written = readWrittenPath(path)
  if (!written)
    return {
      problem:
        'matches no request: a path has no backslash, no NUL, no `%` without two hex digits, and nothing above its root',
      hint: 'write the path without them; `%25` is a literal `%`',
    }
  if (written.spelling === written.canonical) return undefined
  return {
    problem:
      'matches no request: paths are compared without empty segments, dot segments, `;parameters`, escaped slashes, and dots or spaces at the end of a name',
    hint: 'write it in that form',
    instead: front + written.canonical.slice(front === '' ? 0 : before.length) + back,
  }
}

/** True if every path that `narrow` matches is matched by `wide` too; both are valid patterns. */
export function pathPatternCovers(wide: string, narrow: string): boolean {
  return covers(wide, narrow, 'key')
}

/** The same, case-sensitively. */
export function pathPatternCoversCased(wide: string, narrow: string): boolean {
  return covers(wide, narrow, 'text')
}

function covers(wide: string, narrow: string, form: 'key' | 'text'): boolean {
  const { kind, [form]: outer } = parsePathPattern(wide)
  const { kind: innerKind, [form]: inner } = parsePathPattern(narrow)
  if (outer === '' || (kind === 'below' && outer === '/')) return true
  if (innerKind === 'exact') return compare(kind, outer)(inner)
  if (kind === 'below') return innerKind === 'below' && inner.startsWith(outer)
  return kind === 'suffix' && innerKind === 'suffix' && inner.endsWith(outer)
}

/**
 * The pattern as it is compared, so that two ways to write one are one: `/priv\u00e9/*` is `/priv%C3%A9/*`. Its case
 * stays.
 */
export function normalPathPattern(pattern: string): string {
  const { kind, text } = parsePathPattern(pattern)
  return kind === 'suffix' ? `*${text}` : kind === 'below' ? `${text}*` : text
}

/** Equal for patterns that match the same. */
export function pathPatternKey(pattern: string): string {
  const { kind, key } = parsePathPattern(pattern)
  return kind === 'suffix' ? `*${key}` : kind === 'below' ? `${key}*` : key
}

/** Whether it tells `/A` from `/a` when compared case-sensitively. */
export function hasCase(pattern: string): boolean {
  const { text, key } = parsePathPattern(pattern)
  return text !== key
}

/**
 * The paths that the pattern does not match, but that common frameworks treat like one it matches: Express and Spring
 * MVC answer `/secret` and `/secret/` alike. As patterns.
 */
export function patternsBeside(pattern: string): readonly string[] {
  const { kind, text } = parsePathPattern(pattern)
  if (kind === 'exact' && !text.endsWith('/')) return [`${text}/`]
  if (kind === 'suffix') return text === '' || text.endsWith('/') ? [] : [`*${text}/`]
  return text === '/' ? [] : [text.slice(0, -1)]
}

/** A cache: importing files and finding shadowed routes compare each pattern with thousands of others. */
const cache = new Map<string, PathPattern>()
const cacheSize = 10_000

function parsePathPattern(pattern: string): PathPattern {
  const known = cache.get(pattern)
  if (known) return known
  const [front, path, back] = partsOf(pattern)
  const text = spelled(path).slice(front === '*' ? before.length : 0)
  const made: PathPattern = {
    kind: front === '*' ? 'suffix' : back === '*' ? 'below' : 'exact',
    text,
    key: foldPath(text),
  }
  if (cache.size === cacheSize) cache.clear()
  cache.set(pattern, made)
  return made
}

/** Put before a suffix, so that it can be read as a path. */
const before = '/x'

/** A leading star, a path, a trailing star. */
function partsOf(pattern: string): readonly [front: '*' | '', path: string, back: '*' | ''] {
  if (pattern.startsWith('*')) return ['*', before + pattern.slice(1), '']
  return pattern.endsWith('/*') ? ['', pattern.slice(0, -1), '*'] : ['', pattern, '']
}

/** Spelled as in requests if it can be a path, otherwise unchanged. */
function spelled(path: string): string {
  return readWrittenPath(path)?.spelling ?? path
}
