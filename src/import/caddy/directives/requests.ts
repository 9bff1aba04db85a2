/** Sets of requests, as a route can match them. An absent part matches everything. */
import { everyCovered } from '../../../plan/patterns/every-covered.ts'
import { hostPatternCovers } from '../../../plan/patterns/host-pattern.ts'
import { compilePathPattern, pathPatternCovers } from '../../../plan/patterns/path-pattern.ts'
import { valuePatternCovers } from '../../../plan/patterns/value-pattern.ts'
import { pathKey } from '../../../shared/net/canonical-path.ts'

export interface Requests {
  readonly hosts?: readonly string[]
  /** Our patterns: `/a`, `/a/*`, `*.b`. */
  readonly paths?: readonly string[]
  readonly methods?: readonly string[]
  /** By lower-case name: all of them must match. */
  readonly headers?: Readonly<Record<string, HeaderPattern>>
  /** There must be such a file; `path` is a template such as `{path}` or `/index.html`. */
  readonly file?: { readonly root: string; readonly path: string }
}

export interface HeaderPattern {
  readonly name: string
  readonly pattern: string
}

/** The intersection of two sets. `lost`: pairs of patterns whose intersection no pattern matches. */
export interface Common {
  readonly requests?: Requests
  readonly lost: readonly (readonly [string, string])[]
}

const nothing: Common = { lost: [] }

export function common(a: Requests, b: Requests): Common {
  const paths = commonPatterns(a.paths, b.paths, { covers: pathPatternCovers, apart: pathsApart })
  const hosts = commonPatterns(a.hosts, b.hosts, { covers: hostPatternCovers, apart: () => true })
  const methods = commonPatterns(a.methods, b.methods, { covers: (one, other) => one === other, apart: () => true })
  const lost = [...paths.lost, ...hosts.lost]
  const headers = commonHeaders(a.headers, b.headers)
  if (headers === 'none') return nothing
  if (headers === 'unsayable') return { lost: [...lost, ['one value of a header', 'another value of it']] }
  const file = a.file ?? b.file
  if (a.file && b.file && (a.file.root !== b.file.root || a.file.path !== b.file.path))
    return { lost: [['one file', 'another file']] }
  if (paths.all?.length === 0 || hosts.all?.length === 0 || methods.all?.length === 0) return { lost }
  const requests: Requests = {
    ...(hosts.all && { hosts: hosts.all }),
    ...(paths.all && { paths: paths.all }),
    ...(methods.all && { methods: methods.all }),
    ...(headers && { headers }),
    ...(file && { file }),
  }
  return { requests, lost }
}

/** Whether every request of `narrow` is in `wide`. */
export function covers(wide: Requests, narrow: Requests): boolean {
  return (
    everyCovered(wide.hosts, narrow.hosts, hostPatternCovers) &&
    everyCovered(wide.paths, narrow.paths, pathPatternCovers) &&
    everyCovered(wide.methods, narrow.methods, (a, b) => a === b) &&
    headersCovered(wide.headers ?? {}, narrow.headers ?? {}) &&
    (!wide.file || (wide.file.root === narrow.file?.root && wide.file.path === narrow.file.path))
  )
}

// Hot path: no allocations.
function headersCovered(wide: NonNullable<Requests['headers']>, narrow: NonNullable<Requests['headers']>): boolean {
  for (const name in wide) {
    const pattern = wide[name]?.pattern ?? ''
    const other = narrow[name]?.pattern
    if (other === undefined || (other !== pattern && !valuePatternCovers(pattern, other))) return false
  }
  return true
}

interface Comparison {
  covers(wide: string, narrow: string): boolean
  /** Whether two patterns, neither of which covers the other, are disjoint. */
  apart(one: string, other: string): boolean
}

function commonPatterns(
  a: readonly string[] | undefined,
  b: readonly string[] | undefined,
  { covers, apart }: Comparison,
): { all?: readonly string[]; lost: (readonly [string, string])[] } {
  const lost: (readonly [string, string])[] = []
  if (!a || !b) return { ...((a ?? b) && { all: a ?? b ?? [] }), lost }
  const all = new Set<string>()
  for (const one of a)
    for (const other of b) {
      if (covers(one, other)) all.add(other)
      else if (covers(other, one)) all.add(one)
      else if (!apart(one, other)) lost.push([one, other])
    }
  return { all: [...all], lost }
}

/** A prefix and a suffix may match the same path; `covers` has handled exact patterns. */
function pathsApart(one: string, other: string): boolean {
  const [first, second] = [one, other].map((pattern) =>
    pattern.startsWith('*') ? 'end' : pattern.endsWith('/*') ? 'beginning' : 'exact',
  )
  return first === second || first === 'exact' || second === 'exact'
}

function commonHeaders(a: Requests['headers'], b: Requests['headers']): Requests['headers'] | 'none' | 'unsayable' {
  if (!a || !b) return a ?? b
  const all: Record<string, HeaderPattern> = { ...a }
  for (const [name, wanted] of Object.entries(b)) {
    const there = all[name]
    if (!there || valuePatternCovers(there.pattern, wanted.pattern)) all[name] = wanted
    else if (!valuePatternCovers(wanted.pattern, there.pattern))
      return wanted.pattern.includes('*') && there.pattern.includes('*') ? 'unsayable' : 'none'
  }
  return all
}

export function pathMatches(pattern: string, path: string): boolean {
  return compilePathPattern(pattern).folded(pathKey(path))
}
