/**
 * Chooses the route, and the form in which it gets the path. Routes are matched by the canonical path, which is how the
 * most lenient parser reads a path (shared/net/canonical-path.ts). However the upstream of a route parses the path that
 * it gets, it must not find a path that another route would have matched: docs/adr/0013-paths.md shows that it cannot.
 */

import type { GatewayPlan, RoutePlan } from '../../plan/model/plan.ts'
import { hasCase } from '../../plan/patterns/path-pattern.ts'
import { canonicalPath, foldPath } from '../../shared/net/canonical-path.ts'
import { type Folder, readsFiles } from '../handlers/files.ts'
import type { Exchange } from '../request/exchange.ts'
import type { RequestTarget } from '../request/target-path.ts'
import { type Access, accessOf, admitsNoMore, isOpen, isStricter, withGuardedNeighbours } from './access.ts'
import { compileRewrite, hasPrefix } from './rewrite.ts'
import type { RouteQuery } from './route-index.ts'
import { createRouter } from './router.ts'
import { otherNamesOf, shareFiles } from './same-file.ts'

/**
 * The index of the route, -1 if none matches; sets what the exchange forwards or opens. A promise only if the disk must
 * be read. Throws, or rejects, with a `statusCode` if the path is refused.
 */
export type ChooseRoute = (exchange: Exchange) => number | Promise<number>

/** `folders`: by index of the route, for routes that serve one. */
export function createChoose(plan: GatewayPlan, folders: readonly (Folder | undefined)[]): ChooseRoute {
  const routes = plan.routes
  const { match } = createRouter(withGuardedNeighbours(plan))
  const rewrites = routes.map(({ rewrite }) => rewrite && compileRewrite(rewrite))
  const access = routes.map(({ guards }) => accessOf(guards, plan.guards))
  const someAreGuarded = !access.every(isOpen)
  const somePatternsHaveCase = routes.some((route) => route.match.paths?.some(hasCase))
  const someKeepSlashes = routes.some(({ encodedSlashes }) => encodedSlashes === 'keep')

  /** The first matching route after `after`; routes with `existingOnly` are skipped if the file does not exist. */
  function search(exchange: Exchange, query: RouteQuery, after: number): number | Promise<number> {
    for (let index = match(query, after); index !== -1; index = match(query, index)) {
      const folder = folders[index]
      if (!folder?.existingOnly) return settle(exchange, query, index)
      if (!readsFiles(exchange)) continue
      take(exchange, query, index)
      const located = folder.locate(exchange)
      if (located instanceof Promise)
        return located.then((file) => {
          exchange.located = file
          return file || holds(exchange, index) ? settle(exchange, query, index) : search(exchange, query, index)
        })
      exchange.located = located
      if (located || holds(exchange, index)) return settle(exchange, query, index)
    }
    return settle(exchange, query, -1)
  }

  /**
   * The file does not exist by this name; but the next route's upstream may read another name, of a file that is
   * guarded here.
   */
  function holds({ target }: Exchange, index: number): boolean {
    return target.path !== target.canonical && (access[index]?.rules.length ?? 0) > 0
  }

  /**
   * The canonical path has chosen `index`; if another reading of the path leads to a stricter route, that one answers.
   */
  function settle(exchange: Exchange, query: RouteQuery, index: number): number {
    const { canonical, path, key } = exchange.target
    let chosen = index
    if (someAreGuarded && (somePatternsHaveCase || key !== canonical))
      chosen = stricterOfCases(query, canonical, chosen)
    if (someKeepSlashes && path !== canonical) chosen = routeKeepingSlashes(query, path, chosen)
    if (someAreGuarded && folders[chosen]) chosen = guardOfSameFile(query, chosen)
    if (chosen !== index) exchange.located = undefined
    if (chosen !== -1) take(exchange, query, chosen)
    return chosen
  }

  /**
   * For a case-sensitive upstream `/PUBLIC/x` is not below `/public/`, nor `/public/x` below `/PUBLIC/`. If the route
   * for that reading is stricter, it answers.
   */
  function stricterOfCases(query: RouteQuery, canonical: string, index: number): number {
    const cased = first({ ...query, cased: canonical }, index)
    if (cased === index || cased === -1 || index === -1) return index
    return stricterOf(index, cased)
  }

  /** The stricter of two routes; refused if neither is stricter. */
  function stricterOf(index: number, other: number): number {
    const [loose, strict] = [access[index] as Access, access[other] as Access]
    if (isStricter(loose, strict)) return index
    if (isStricter(strict, loose)) return other
    // Their limits differ: compare only which clients they admit.
    if (admitsNoMore(loose, strict)) return index
    if (admitsNoMore(strict, loose)) return other
    throw Object.assign(new Error('two routes with different guards match the same path'), { statusCode: 400 })
  }

  /** A stricter route for another path of the same file. */
  function guardOfSameFile(query: RouteQuery, index: number): number {
    let chosen = index
    for (const key of otherNamesOf(query.key)) {
      const named = { ...query, key }
      for (let other = match(named, -1); other !== -1 && other !== index; other = match(named, other)) {
        if (shareFiles((routes[other] as RoutePlan).handler, (routes[index] as RoutePlan).handler))
          chosen = stricterOf(chosen, other)
        if (!folders[other]?.existingOnly) break
      }
    }
    return chosen
  }

  /**
   * A route with `encodedSlashes: keep` is matched by the path with them, unless that bypasses the guards of `index`.
   */
  function routeKeepingSlashes(query: RouteQuery, path: string, index: number): number {
    const kept = canonicalPath(path, 'kept')
    const keeping = kept === undefined ? -1 : first({ ...query, key: foldPath(kept.path) }, -1)
    if (keeping === index || routes[keeping]?.encodedSlashes !== 'keep') return index
    const answersItself = ['respond', 'redirect'].includes(routes[index]?.handler.kind ?? '')
    const isBypass = index !== -1 && !isStricter(access[keeping] as Access, access[index] as Access)
    return answersItself || isBypass ? index : keeping
  }

  /** The first route that would match if no file existed; `but` counts in any case. */
  function first(query: RouteQuery, but: number): number {
    let index = match(query, -1)
    while (index !== -1 && index !== but && folders[index]?.existingOnly) index = match(query, index)
    return index
  }

  /** Sets what the exchange forwards or opens if the route with this index answers. */
  function take(exchange: Exchange, query: RouteQuery, index: number): void {
    const { target } = exchange
    const form = target.path === target.canonical ? target.path : formFor(target, query, index)
    exchange.taken = form === target.path ? target : { path: form, query: target.query }
    const inner = rewrites[index] ? rewrites[index](exchange.taken) : exchange.taken
    if (!inner) throw Object.assign(new Error('the rewrite results in no valid path'), { statusCode: 400 })
    exchange.inner = inner
  }

  /**
   * The path as received, or nearly so, if it leads to this route in every reading; else the canonical path, which has
   * only one reading. Two readings cover all: whatever a stricter reading than the canonical one matches, that one
   * matches too.
   */
  function formFor({ path, canonical, hiddenDots }: RequestTarget, query: RouteQuery, index: number): string {
    const { guards, encodedSlashes, rewrite } = routes[index] as RoutePlan
    const kept = encodedSlashes === 'keep' ? canonicalPath(path, 'kept') : undefined
    const chosenBy = (form: string) =>
      first({ ...query, key: foldPath(form) }, index) === index &&
      (rewrite?.stripPrefix === undefined ||
        hasPrefix(form, rewrite.stripPrefix) === hasPrefix(canonical, rewrite.stripPrefix))
    const asItCame =
      !(kept ?? { hiddenDots }).hiddenDots &&
      // The auth service has its own rules for paths, and may read them in its own way.
      guards.auth?.kind !== 'forward' &&
      (kept ? chosenBy(kept.path) : !slashInParameters(path) || chosenBy(path.replace(/;[^/]*/g, '')))
    const forms = [...(asItCame ? [path, path.replace(/\/{2,}/g, '/')] : []), ...(kept ? [kept.path] : [])]
    return forms.find(chosenBy) ?? canonical
  }

  return (exchange) => {
    const { listener, host, target, request } = exchange
    const { method = '', headers, rawHeaders } = request
    return search(exchange, { listener: listener.name, host, key: target.key, method, headers, rawHeaders }, -1)
  }
}

/** Tomcat drops path parameters before it decodes: for it, such a slash is not part of the path. */
function slashInParameters(path: string): boolean {
  return path.includes(';') && /%2F|%5C/.test(path)
}
