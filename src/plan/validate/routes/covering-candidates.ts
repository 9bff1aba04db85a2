/**
 * Which earlier routes might cover a later one: the few whose host or path is as wide as the later one's first.
 * Comparing each of thousands of routes with each costs minutes where this costs milliseconds.
 */

import { pathPatternKey } from '../../patterns/path-pattern.ts'
import type { ActiveRoute } from '../../resolve/gateway/active-routes.ts'

/** An earlier route with its place in the file. */
export interface Earlier {
  readonly index: number
  readonly route: ActiveRoute
}

/** The key of routes without a pattern; a pattern `*` means the same. */
const everything = '*'
/** A route with more pairs of hosts and paths is listed by its hosts only. */
const maxPairs = 64

export class CoveringCandidates {
  /** By pattern of the host, then of the path. */
  readonly #lists = new Map<string, Map<string, Earlier[]>>()
  readonly #suffixLengths = new Set<number>()

  /** Call in the order of the file. */
  add(earlier: Earlier): void {
    const { host = [everything], path = [everything] } = earlier.route.route
    const hosts = new Set(host.map((pattern) => pattern.toLowerCase()))
    const paths = new Set(hosts.size * path.length > maxPairs ? [everything] : path.map(pathPatternKey))
    for (const pattern of paths) if (pattern.startsWith('*')) this.#suffixLengths.add(pattern.length - 1)
    for (const pattern of hosts) {
      const lists = this.#lists.get(pattern) ?? new Map<string, Earlier[]>()
      this.#lists.set(pattern, lists)
      for (const key of paths) put(lists, key, earlier)
    }
  }

  /** Lists, each in the order of the file, that together hold every added route which covers this one. */
  of({ route: { host, path } }: ActiveRoute): readonly (readonly Earlier[])[] {
    const paths = this.#widerPaths(path?.[0] === undefined ? everything : pathPatternKey(path[0]))
    const found: (readonly Earlier[])[] = []
    for (const pattern of widerHosts(host?.[0]?.toLowerCase() ?? everything)) {
      const lists = this.#lists.get(pattern)
      if (!lists) continue
      for (const key of paths) {
        const list = lists.get(key)
        if (list) found.push(list)
      }
    }
    return found
  }

  #widerPaths(pattern: string): ReadonlySet<string> {
    const wider = new Set([everything, pattern])
    for (let slash = pattern.indexOf('/'); slash !== -1; slash = pattern.indexOf('/', slash + 1))
      wider.add(`${pattern.slice(0, slash + 1)}*`)
    for (const length of this.#suffixLengths) if (length <= pattern.length) wider.add(`*${pattern.slice(-length)}`)
    return wider
  }
}

function widerHosts(pattern: string): ReadonlySet<string> {
  const wider = new Set([everything, pattern])
  for (let dot = pattern.indexOf('.'); dot !== -1; dot = pattern.indexOf('.', dot + 1))
    wider.add(`*${pattern.slice(dot)}`)
  return wider
}

function put(lists: Map<string, Earlier[]>, key: string, earlier: Earlier): void {
  const known = lists.get(key)
  if (known) known.push(earlier)
  else lists.set(key, [earlier])
}
