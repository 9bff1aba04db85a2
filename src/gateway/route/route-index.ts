/**
 * Which routes can match a request at all, by its host and the first segment of its path: of thousands of routes a request meets
 * the few that it might be for. A route stands under each pair of its own hosts and segments and nowhere else, so that the index
 * grows with what was written.
 */

import type { RoutePlan } from '../../plan/model/plan.ts'
import { pathPatternKey } from '../../plan/patterns/path-pattern.ts'

/** What a route is chosen by. `host` is lower case and without port, `method` upper case. */
export interface RouteQuery {
  readonly listener: string
  readonly host: string
  /** Canonical, and without its case (`foldPath`). */
  readonly key: string
  /** The canonical path with its case, if that shall be told apart. */
  readonly cased?: string
  readonly method: string
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** The same as they came: name and value in turn. */
  readonly rawHeaders: readonly string[]
}

/** A route with the test that decides, which looks at all of its match. */
export interface Candidate {
  /** Its place in the file. */
  readonly index: number
  readonly plan: RoutePlan
  matches(query: RouteQuery): boolean
}

export interface RouteIndex {
  /** The index of the first matching candidate of the file behind `after`; -1 if none matches. */
  first(query: RouteQuery, after: number): number
}

/** No host and no segment is written so. */
const any = '*'
/** A route with more pairs of hosts and segments stands under its hosts alone. */
const mostPairs = 64

/** By first segment. */
type Segments = Map<string, Candidate[]>

/** `candidates` in the order of the file, with indexes from 0 on. */
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
      look(byHost.get(host), search)
      if (wildcards)
        for (let dot = host.indexOf('.'); dot !== -1; dot = host.indexOf('.', dot + 1))
          look(byHost.get(`*${host.slice(dot)}`), search)
      look(ofAnyHost, search)
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
  /** The index of the first match so far; nothing behind it is looked at. */
  found: number
}

function look(segments: Segments | undefined, search: Search): void {
  if (!segments) return
  lookThrough(segments.get(search.segment), search)
  lookThrough(segments.get(any), search)
}

function lookThrough(candidates: readonly Candidate[] | undefined, search: Search): void {
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
  const tooMany = hosts.size * segments.size > mostPairs
  return { hosts, segments: tooMany || segments.has(any) ? anything : segments }
}

/** The first segment of everything a pattern matches, or `any` where that varies (`*.map`, `*`, `/*`). */
function segmentOfPattern(pattern: string): string {
  const segment = pattern.startsWith('/') ? firstSegment(pathPatternKey(pattern)) : any
  return segment.includes('*') ? any : segment
}

function firstSegment(path: string): string {
  const end = path.indexOf('/', 1)
  return end === -1 ? path.slice(1) : path.slice(1, end)
}
