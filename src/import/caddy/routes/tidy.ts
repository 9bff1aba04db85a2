/** Routes that belong together become one: our routes for files know existing files, fallbacks and 404 themselves. */

import { covers, type Requests } from '../directives/requests.ts'
import type { Notes } from '../notes.ts'
import { type Drawn, everyAddress, type FilesAnswer, type StatusAnswer } from './steps.ts'

/** A route, with what its own kind of answer adds. */
export interface Tidy extends Drawn {
  /** Requests for other files go on. */
  readonly existing: boolean
  /** A file relative to the root. */
  readonly fallback?: string
}

/** Those that cannot be said are told and left out. */
export function tidy(drawn: readonly Drawn[], notes: Notes): readonly Tidy[] {
  const routes: Tidy[] = []
  for (const [index, one] of drawn.entries()) {
    if (one.state.close && one.answer.kind !== 'redirect') notes.untranslated(one.at, closes)
    if (joinToLast(routes, one)) continue
    if (one.answer.kind === 'status') {
      if (!one.requests.file) {
        if (saysMoreThanNothing(one.answer) || index < drawn.length - 1) routes.push({ ...one, existing: false })
      } else if (one.answer.status < 400 || one.answer.status >= 500) notes.untranslated(one.at, maintenance)
      else routes.push(denied(one, notes))
    } else if (one.state.users && one.state.forward) {
      notes.untranslated(one.at, 'a route has one `auth`, a password or a service that is asked: nobody passes here')
      routes.push(denied(one, notes))
    } else {
      const problem = flawOf(one)
      if (problem === undefined && one.requests.file?.path === '{path}') notes.note(one.at, folders)
      if (problem === undefined)
        routes.push({ ...one, existing: one.requests.file !== undefined || passesThrough(one) })
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

const folders = 'a folder below the root that is asked for with its slash counts as a file if it has an index.html'
/** It keeps nobody out who may not come in. */
const maintenance =
  'whether a file exists decides only what `files` serves; these requests go on to the next route as if it did not'
const closes = '`Connection`: the gateway decides what becomes of a connection; `close` is an option of `redirect`'

/** What was kept from clients is kept from them, and from more of them if need be. */
function denied(route: Drawn, notes: Notes): Tidy {
  const { file, ...requests } = route.requests
  if (file) notes.changed(route.at, 'whether a file exists decides only what `files` serves: nobody passes here')
  return {
    ...route,
    requests,
    state: { response: route.state.response, request: {}, deny: everyAddress },
    answer: { kind: 'status', status: 403 },
    existing: false,
  }
}

/** Behind all routes everything is 404 by itself. */
function saysMoreThanNothing({ status, body }: StatusAnswer): boolean {
  return status !== 404 || body !== undefined
}

/** What an existing file decides only files can answer, by the same root and path. */
function flawOf({ requests: { file }, answer, state }: Drawn): string | undefined {
  if (!file) return undefined
  if (answer.kind !== 'files') return 'a file that exists decides only whether `files` answers, with `only: existing`'
  if (rootOf(answer, state.root) !== file.root)
    return `the file is looked for in ${file.root}, and served from ${rootOf(answer, state.root)}`
  if ((state.rewrite ?? '{path}') !== file.path)
    return `\`${file.path}\` is looked for, and \`${state.rewrite ?? 'the path'}\` served`
  return undefined
}

export function rootOf(answer: FilesAnswer, root: string | undefined): string {
  return answer.root ?? root ?? '.'
}

function passesThrough({ answer }: Drawn): boolean {
  return answer.kind === 'files' && answer.passThrough
}

/** One joined to the last route may join that to the one in front of it. */
function joinToLast(routes: Tidy[], one: Drawn): boolean {
  let next: Drawn = one
  let joined: Tidy | undefined
  for (let before = routes.at(-1); before; before = routes.at(-1)) {
    const both = join(before, next)
    if (!both) break
    routes.pop()
    next = joined = both
  }
  if (joined) routes.push(joined)
  return joined !== undefined
}

/** Files that exist, and behind them the same files, one file for all others, or 404. */
function join(before: Tidy, { requests, answer, state }: Drawn): Tidy | undefined {
  if (!before.existing || before.answer.kind !== 'files') return undefined
  const { file: _, ...alike } = before.requests
  if (requests.file || !same(alike, requests) || passesThrough(before)) return undefined
  const whole: Tidy = { ...before, requests: alike, existing: false }
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
 * Caddy's `file` does not find the folder `/` itself, so it is left to the routes behind or to the fallback; ours would
 * serve its index.html. By its own name that is left to them, too.
 */
function withoutIndex(route: Tidy): Tidy {
  const { answer, existing, fallback = 'index.html', state } = route
  if (answer.kind !== 'files' || answer.passThrough || state.rewrite !== undefined) return route
  if (!existing && fallback === 'index.html') return route
  return { ...route, answer: { ...answer, except: [...new Set(['index.html', ...answer.except])] } }
}
