/** Joins routes that belong together: our routes for files handle missing files, fallbacks and 404 themselves. */

import { covers, type Requests } from '../directives/requests.ts'
import type { Notes } from '../notes.ts'
import { type DraftRoute, everyAddress, type FilesAnswer, type StatusAnswer } from './steps.ts'

/** A route with the options of `files`. */
export interface TidyRoute extends DraftRoute {
  /** Requests for other files fall through. */
  readonly existing: boolean
  /** A file relative to the root. */
  readonly fallback?: string
}

/** Routes that cannot be translated are reported and left out. */
export function tidy(drafts: readonly DraftRoute[], notes: Notes): readonly TidyRoute[] {
  const routes: TidyRoute[] = []
  for (const [index, one] of drafts.entries()) {
    if (one.state.close && one.answer.kind !== 'redirect') notes.untranslated(one.at, closes)
    if (joinToLast(routes, one)) continue
    if (one.answer.kind === 'status') {
      if (!one.requests.file) {
        if (isExplicit(one.answer) || index < drafts.length - 1) routes.push({ ...one, existing: false })
      } else if (one.answer.status < 400 || one.answer.status >= 500) notes.untranslated(one.at, maintenance)
      else routes.push(denied(one, notes))
    } else if (one.state.users && one.state.forward) {
      notes.untranslated(one.at, 'a route has one `auth`, passwords or a service: all requests are rejected here')
      routes.push(denied(one, notes))
    } else {
      const problem = refusalOf(one)
      if (problem === undefined && one.requests.file?.path === '{path}') notes.note(one.at, folders)
      if (problem === undefined)
        routes.push({ ...one, existing: one.requests.file !== undefined || isPassThrough(one) })
      else notes.untranslated(one.at, problem)
    }
  }
  const closed = routes.filter(({ state, answer }) => state.deny === everyAddress || answer.kind === 'status')
  const reached = routes.filter((route) => {
    const first = closed.find(({ requests }) => covers(requests, route.requests))
    return first === undefined || routes.indexOf(first) >= routes.indexOf(route)
  })
  return reached.map(withoutIndex)
}

const folders = 'a directory requested with its trailing slash counts as a file if it has an index.html'
const maintenance =
  'only `files` can depend on whether a file exists; these requests fall through to the next route as if it did not'
const closes = '`Connection`: the gateway manages connections itself; only `redirect` has `close`'

/** Rejects all requests of the route: rather too many than too few. */
function denied(route: DraftRoute, notes: Notes): TidyRoute {
  const { file, ...requests } = route.requests
  if (file) notes.changed(route.at, 'only `files` can depend on whether a file exists: all requests are rejected here')
  return {
    ...route,
    requests,
    state: { response: route.state.response, request: {}, deny: everyAddress },
    answer: { kind: 'status', status: 403 },
    existing: false,
  }
}

/** A 404 without a body is the default after all routes. */
function isExplicit({ status, body }: StatusAnswer): boolean {
  return status !== 404 || body !== undefined
}

/** Why a route with a file condition cannot be translated: only `files` with the same root and path can have one. */
function refusalOf({ requests: { file }, answer, state }: DraftRoute): string | undefined {
  if (!file) return undefined
  if (answer.kind !== 'files') return 'only `files` can depend on whether a file exists, with `only: existing`'
  if (rootOf(answer, state.root) !== file.root)
    return `the file is looked up in ${file.root}, but served from ${rootOf(answer, state.root)}`
  if ((state.rewrite ?? '{path}') !== file.path)
    return `\`${file.path}\` is looked up, but \`${state.rewrite ?? 'the path'}\` served`
  return undefined
}

export function rootOf(answer: FilesAnswer, root: string | undefined): string {
  return answer.root ?? root ?? '.'
}

function isPassThrough({ answer }: DraftRoute): boolean {
  return answer.kind === 'files' && answer.passThrough
}

/** A route joined to the last one may in turn be joined to the one before it. */
function joinToLast(routes: TidyRoute[], one: DraftRoute): boolean {
  let next: DraftRoute = one
  let joined: TidyRoute | undefined
  for (let before = routes.at(-1); before; before = routes.at(-1)) {
    const both = join(before, next)
    if (!both) break
    routes.pop()
    next = joined = both
  }
  if (joined) routes.push(joined)
  return joined !== undefined
}

/** Joins existing files with what follows them: the same files, a fallback, or 404. */
function join(before: TidyRoute, { requests, answer, state }: DraftRoute): TidyRoute | undefined {
  if (!before.existing || before.answer.kind !== 'files') return undefined
  const { file: _, ...alike } = before.requests
  if (requests.file || !same(alike, requests) || isPassThrough(before)) return undefined
  const whole: TidyRoute = { ...before, requests: alike, existing: false }
  if (answer.kind === 'status' && answer.status === 404) return whole
  if (
    answer.kind !== 'files' ||
    answer.passThrough ||
    rootOf(answer, state.root) !== rootOf(before.answer, before.state.root)
  )
    return undefined
  const { rewrite, ...rest } = state
  const { rewrite: rewriteBefore, ...restBefore } = before.state
  if (JSON.stringify(rest) !== JSON.stringify(restBefore)) return undefined
  if (rewrite === rewriteBefore) return whole
  return rewriteBefore !== undefined || rewrite === undefined || rewrite.includes('{path}') || rewrite === '/'
    ? undefined
    : { ...whole, fallback: rewrite.replace(/^\//, '') }
}

function same(a: Requests, b: Requests): boolean {
  return covers(a, b) && covers(b, a)
}

/**
 * Caddy's `file` matcher does not find the directory `/` itself, so later routes or the fallback answer it, where ours
 * would serve its index.html. So index.html is excluded here.
 */
function withoutIndex(route: TidyRoute): TidyRoute {
  const { answer, existing, fallback = 'index.html', state } = route
  if (answer.kind !== 'files' || answer.passThrough || state.rewrite !== undefined) return route
  if (!existing && fallback === 'index.html') return route
  return { ...route, answer: { ...answer, except: [...new Set(['index.html', ...answer.except])] } }
}
