/**
 * Path patterns, as routes and `accessLog.skip` use them. They look at the path alone, never at the query, and
 * distinguish upper from lower case (RFC 3986 §6.2.2.1).
 *
 *   /info     that path and no other
 *   /api/*    everything below /api/, with /api/ itself but not /api
 *   *.map     every path that ends so
 *   *         every path
 */
type PathPattern =
  | { readonly kind: 'exact'; readonly path: string }
  | { readonly kind: 'below'; readonly prefix: string }
  | { readonly kind: 'suffix'; readonly suffix: string }

/** Turns a valid pattern into its test; the argument is a path that begins with `/`. */
export function compilePathPattern(pattern: string): (path: string) => boolean {
  const parsed = parsePathPattern(pattern)
  switch (parsed.kind) {
    case 'exact':
      return (path) => path === parsed.path
    case 'below':
      return (path) => path.startsWith(parsed.prefix)
    case 'suffix':
      return (path) => path.endsWith(parsed.suffix)
  }
}

/** What is wrong with a pattern and what would be right, or undefined if nothing is. */
export function validatePathPattern(pattern: string): { problem: string; mend: string } | undefined {
  if (pattern === '') return { problem: 'is empty', mend: 'leave `path` out to match every path' }
  if (!pattern.startsWith('/') && !pattern.startsWith('*'))
    return { problem: 'does not begin with `/`', mend: 'a path begins with `/`; a suffix is written `*.map`' }
  if (/[?#]/.test(pattern))
    return {
      problem: 'has a query or a fragment',
      mend: 'a pattern looks at the path alone: end it before the `?` or `#`',
    }
  if (/\s/.test(pattern)) return { problem: 'has a space in it', mend: 'write a list for several patterns' }
  const star = pattern.startsWith('*') ? pattern.indexOf('*', 1) : pattern.indexOf('*')
  if (star === -1 || (pattern.endsWith('/*') && star === pattern.length - 1)) return undefined
  return {
    problem: 'has a `*` where none may stand',
    mend: '`*` stands at the end behind a `/`, as in `/api/*`, or at the beginning, as in `*.map`',
  }
}

/** True if every path that `narrow` matches is matched by `wide` too; both are valid patterns. */
export function pathPatternCovers(wide: string, narrow: string): boolean {
  const outer = parsePathPattern(wide)
  const inner = parsePathPattern(narrow)
  if (matchesEverything(outer)) return true
  if (inner.kind === 'exact') return compilePathPattern(wide)(inner.path)
  if (outer.kind === 'below') return inner.kind === 'below' && inner.prefix.startsWith(outer.prefix)
  if (outer.kind === 'suffix') return inner.kind === 'suffix' && inner.suffix.endsWith(outer.suffix)
  return false
}

function parsePathPattern(pattern: string): PathPattern {
  if (pattern.startsWith('*')) return { kind: 'suffix', suffix: pattern.slice(1) }
  if (pattern.endsWith('/*')) return { kind: 'below', prefix: pattern.slice(0, -1) }
  return { kind: 'exact', path: pattern }
}

function matchesEverything(pattern: PathPattern): boolean {
  return (pattern.kind === 'suffix' && pattern.suffix === '') || (pattern.kind === 'below' && pattern.prefix === '/')
}
