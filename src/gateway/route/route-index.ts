/**
 * An index of routes by host and first path segment: of thousands of routes, a request is tested against the few that
 * could match. A route has an entry for each pair of its own hosts and segments, so that the index grows with the
 * config file.
 */

import type { RoutePlan } from '../../plan/model/plan.ts'
import { pathPatternKey } from '../../plan/patterns/path-pattern.ts'

/** The parts of a request that routes are matched by. `host` is lower case and without port, `method` upper case. */
export interface RouteQuery {
  readonly listener: string
  readonly host: string
  /** Canonical, and without its case (`foldPath`). */
  readonly key: string
  /** The canonical path with its case, if case matters. */
  readonly cased?: string
  readonly method: string
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** As received: name and value in turn. */
  readonly rawHeaders: readonly string[]
}

/** A route with the full test of its match. */
export interface Candidate {
  /** Its position in the config file. */
  readonly index: number
  readonly plan: RoutePlan
  matches(query: RouteQuery): boolean
}

export interface RouteIndex {
  /** The index of the first matching candidate after `after`; -1 if none matches. */
  first(query: RouteQuery, after: number): number
}

/** Key for any host or any segment; no host or segment is spelled like this. */
const any = '*'
/** A route with more pairs of hosts and segments is indexed by its hosts alone. */
const maxPairs = 64

/** By first segment. */
type Segments = Map<string, Candidate[]>

/** `candidates` in the order of the config file, with indexes from 0 on. */
export function createRouteIndex(candidates: readonly Candidate[]): RouteIndex {
  const byHost = new Map<string, Segments>()
  let wildcards = false
  for (const candidate of candidates) {
    const { hosts, segments } = keysOf(candidate)
    for (const host of hosts) {
      wildcards ||= host.startsWith('*.')
      for (const segment of segments) put(byHost, host, segment, candidate)
    }
  }
  const none = candidates.length
  const ofAnyHost = byHost.get(any)
  return {
    first(query, after) {
      const { host } = query
      const search: Search = { query, after, segment: firstSegment(query.key), found: none }
      searchSegments(byHost.get(host), search)
      if (wildcards)
        for (let dot = host.indexOf('.'); dot !== -1; dot = host.indexOf('.', dot + 1))
          searchSegments(byHost.get(`*${host.slice(dot)}`), search)
      searchSegments(ofAnyHost, search)
      return search.found === none ? -1 : search.found
    },
  }
}

function put(byHost: Map<string, Segments>, host: string, segment: string, candidate: Candidate): void {
  const segments: Segments = byHost.get(host) ?? new Map()
  byHost.set(host, segments)
  const known = segments.get(segment)
  if (known) known.push(candidate)
  else segments.set(segment, [candidate])
}

interface Search {
  readonly query: RouteQuery
  readonly after: number
  readonly segment: string
  /** The index of the first match so far; later candidates are skipped. */
  found: number
}

function searchSegments(segments: Segments | undefined, search: Search): void {
  if (!segments) return
  searchCandidates(segments.get(search.segment), search)
  searchCandidates(segments.get(any), search)
}

function searchCandidates(candidates: readonly Candidate[] | undefined, search: Search): void {
  if (!candidates) return
  for (const candidate of candidates) {
    if (candidate.index >= search.found) return
    if (candidate.index <= search.after || !candidate.matches(search.query)) continue
    search.found = candidate.index
    return
  }
}

interface Keys {
  readonly hosts: ReadonlySet<string>
  readonly segments: ReadonlySet<string>
}

const anything: ReadonlySet<string> = new Set([any])

function keysOf({ plan: { match } }: Candidate): Keys {
  const hosts = match.hosts ? new Set(match.hosts) : anything
  const segments = match.paths ? new Set(match.paths.map(segmentOfPattern)) : anything
  const tooMany = hosts.size * segments.size > maxPairs
  return { hosts, segments: tooMany || segments.has(any) ? anything : segments }
}

/** The first segment of all paths that a pattern matches; `any` if it varies (`*.map`, `*`, `/*`). */
function segmentOfPattern(pattern: string): string {
  const segment = pattern.startsWith('/') ? firstSegment(pathPatternKey(pattern)) : any
  return segment.includes('*') ? any : segment
}

function firstSegment(path: string): string {
  const end = path.indexOf('/', 1)
  return end === -1 ? path.slice(1) : path.slice(1, end)
}
