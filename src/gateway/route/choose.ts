/**
 * Which route answers, and in which form it takes the path. Routes are matched by the canonical path, which is what the most
 * generous reader takes a path for (shared/net/canonical-path.ts). Whatever reader is behind a route, it must not find another
 * path in what it is given than one that the same route was matched for: docs/adr/0013-paths.md argues that it cannot.
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
 * The index of the route, -1 if none matches; the exchange has then what it forwards or opens. A promise only where the disk
 * must be asked. Throws, or rejects, with a `statusCode` if the path is refused.
 */
export type Choose = (exchange: Exchange) => number | Promise<number>

/** `folders`: by index, of the routes that answer from one. */
export function createChoose(plan: GatewayPlan, folders: readonly (Folder | undefined)[]): Choose {
  const routes = plan.routes
  const { match } = createRouter(withGuardedNeighbours(plan))
  const rewrites = routes.map(({ rewrite }) => rewrite && compileRewrite(rewrite))
  const access = routes.map(({ guards }) => accessOf(guards, plan.guards))
  const someAreGuarded = !access.every(isOpen)
  const somePatternsHaveCase = routes.some((route) => route.match.paths?.some(hasCase))
  const someKeepSlashes = routes.some(({ encodedSlashes }) => encodedSlashes === 'keep')

  /** The first matching route behind `after`; one for existing files is passed over where there is none. */
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

  /** By the name as it came there is no file; but the next route's upstream may read another name, of one that is guarded here. */
  function holds({ target }: Exchange, index: number): boolean {
    return target.path !== target.canonical && (access[index]?.rules.length ?? 0) > 0
  }

  /** The canonical path has chosen `index`; where another reading has a better claim, its route answers. */
  function settle(exchange: Exchange, query: RouteQuery, index: number): number {
    const { canonical, path, key } = exchange.target
    let chosen = index
    if (someAreGuarded && (somePatternsHaveCase || key !== canonical))
      chosen = stricterOfCases(query, canonical, chosen)
    if (someKeepSlashes && path !== canonical) chosen = keeperOfSlashes(query, path, chosen)
    if (someAreGuarded && folders[chosen]) chosen = guardOfSameFile(query, chosen)
    if (chosen !== index) exchange.located = undefined
    if (chosen !== -1) take(exchange, query, chosen)
    return chosen
  }

  /**
   * To an upstream that minds case `/PUBLIC/x` is not below `/public/`, nor `/public/x` below `/PUBLIC/`. If the route for what it
   * is then is guarded more, that one answers.
   */
  function stricterOfCases(query: RouteQuery, canonical: string, index: number): number {
    const cased = first({ ...query, cased: canonical }, index)
    if (cased === index || cased === -1 || index === -1) return index
    return stricterOf(index, cased)
  }

  /** Of two routes the one that is guarded more; if each is in its own way, nobody can say who may come in. */
  function stricterOf(index: number, other: number): number {
    const [loose, strict] = [access[index] as Access, access[other] as Access]
    if (isStricter(loose, strict)) return index
    if (isStricter(strict, loose)) return other
    // Each limits in its own way: who may come in at all decides.
    if (admitsNoMore(loose, strict)) return index
    if (admitsNoMore(strict, loose)) return other
    throw Object.assign(new Error('two routes with different guards match, by two names'), { statusCode: 400 })
  }

  /** A route that is guarded more for another path of the same file. */
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

  /** A route that keeps slashes is chosen by a path with them, unless that is a way round the guards of `index`. */
  function keeperOfSlashes(query: RouteQuery, path: string, index: number): number {
    const kept = canonicalPath(path, 'kept')
    const keeper = kept === undefined ? -1 : first({ ...query, key: foldPath(kept.path) }, -1)
    if (keeper === index || routes[keeper]?.encodedSlashes !== 'keep') return index
    const answersItself = ['respond', 'redirect'].includes(routes[index]?.handler.kind ?? '')
    const isWayRound = index !== -1 && !isStricter(access[keeper] as Access, access[index] as Access)
    return answersItself || isWayRound ? index : keeper
  }

  /** The first route that matches, were no file there; `but` counts in any case. */
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
    if (!inner) throw Object.assign(new Error('no sound path is left of the rewriting'), { statusCode: 400 })
    exchange.inner = inner
  }

  /**
   * The path as it came, or nearly so, if it leads to this route in every reading; else the canonical one, which has no other. Two
   * readings tell of all: what a more sober one than the canonical matches is matched by it too.
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
      // The service that is asked has rules for paths of its own, and may read them in its own way.
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

/** Tomcat drops parameters before it decodes: for it, such a slash is in none of the paths. */
function slashInParameters(path: string): boolean {
  return path.includes(';') && /%2F|%5C/.test(path)
}
