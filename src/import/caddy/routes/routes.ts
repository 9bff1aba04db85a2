/** Routes as entries of our file. */
import type { Entries, Value } from '../../reading.ts'
import type { HeaderRules, ProxyAnswer, State, Written } from './steps.ts'
import { rootOf, type TidyRoute } from './tidy.ts'

/** Options of the whole gateway, which routes do not repeat. */
export interface Common {
  readonly request: HeaderRules
  readonly response: HeaderRules
  readonly requestBody?: string
  readonly rateLimit?: Entries
  /** Lower-case names of headers that other options set. */
  readonly decided: ReadonlySet<string>
}

export interface RouteWriting {
  readonly listeners?: readonly string[]
  readonly common: Common
  /** The name of the upstream for this answer; undefined: a URL is enough. */
  upstreamFor(answer: ProxyAnswer, route: TidyRoute): string | undefined
}

const immutable = 'public, max-age=31536000, immutable'

export function routeEntry(route: TidyRoute, writing: RouteWriting): Entries {
  return {
    ...matchEntries(route, writing.listeners),
    ...guardEntries(route, writing.common),
    ...answerEntries(route, writing),
  }
}

function matchEntries({ requests }: TidyRoute, listeners: readonly string[] | undefined): Written {
  const { hosts, paths, methods, headers } = requests
  return {
    ...(listeners && { listener: oneOrMany(listeners) }),
    ...(hosts && { host: oneOrMany(hosts) }),
    ...(paths && { path: oneOrMany(paths) }),
    ...(methods && { methods }),
    ...(headers && { headers: Object.fromEntries(Object.values(headers).map(({ name, pattern }) => [name, pattern])) }),
  }
}

function guardEntries({ answer, state }: TidyRoute, common: Common): Written {
  const { users, forward, allow, deny, requestBody, rateLimit } = state
  return {
    ...(allow && { allow }),
    ...(deny && { deny }),
    ...(users && { auth: { basic: oneOrMany(users) } }),
    ...(forward && { auth: forward }),
    ...(requestBody !== undefined && requestBody !== common.requestBody && { limits: { requestBody } }),
    ...(rateLimit && JSON.stringify(rateLimit) !== JSON.stringify(common.rateLimit) && { rateLimit }),
    ...(!rateLimit && common.rateLimit && answer.kind !== 'redirect' && { rateLimit: false }),
  }
}

function answerEntries(route: TidyRoute, { common, upstreamFor }: RouteWriting): Written {
  const { answer, state } = route
  const response = without(
    answer.kind === 'proxy' ? { ...state.response, ...answer.response } : state.response,
    common,
    'response',
  )
  switch (answer.kind) {
    case 'redirect':
      return {
        redirect: { to: answer.to, status: answer.status, ...(state.close && { close: true }) },
        ...headerEntries('response', response),
      }
    case 'proxy': {
      const request = without({ ...state.request, ...answer.request }, common, 'request')
      return {
        to: upstreamFor(answer, route) ?? answer.targets[0] ?? '',
        ...pathEntries(state),
        ...headerEntries('request', request),
        ...headerEntries('response', response),
        ...(Object.keys(answer.timeouts).length > 0 && { timeouts: answer.timeouts }),
      }
    }
    case 'files':
      return filesEntries(route, response)
    case 'status': {
      const { status, body } = answer
      return {
        respond: { ...(status !== 200 && { status }), ...(body !== undefined && { body }) },
        ...headerEntries('response', response),
      }
    }
  }
}

function filesEntries(route: TidyRoute, response: HeaderRules): Written {
  const { answer, state, existing, fallback } = route
  if (answer.kind !== 'files') return {}
  const root = rootOf(answer, state.root)
  const { 'cache-control': cache, ...others } = response
  const cacheControl = typeof cache?.rule === 'string' ? cache.rule : undefined
  const headers = headerEntries('response', cacheControl === undefined ? response : others)
  const fixed = state.rewrite !== undefined && !state.rewrite.includes('{path}')
  if (fixed && !existing)
    return { file: `${root.replace(/\/$/, '')}${state.rewrite}`, ...headerEntries('response', response) }
  const files: Written = {
    root,
    ...(existing && { only: 'existing' }),
    ...(answer.except.length > 0 && { except: answer.except }),
    ...(fallback !== undefined && { fallback }),
    ...(cacheControl !== undefined && { cacheControl: cacheControl === immutable ? 'immutable' : cacheControl }),
  }
  return { files, ...pathEntries(state), ...headers }
}

function pathEntries({ stripPrefix, rewrite }: State): Written {
  const fixed = rewrite !== undefined && !rewrite.includes('{path}')
  return {
    ...(stripPrefix !== undefined && !fixed && { stripPrefix }),
    ...(rewrite !== undefined && { rewrite: { path: rewrite } }),
  }
}

export function headerEntries(side: 'request' | 'response', rules: HeaderRules): Written {
  const entries = Object.values(rules).map(({ name, rule }): [string, Value] => [name, rule])
  return entries.length > 0 ? { [side]: { headers: Object.fromEntries(entries) } } : {}
}

function without(rules: HeaderRules, common: Common, side: 'request' | 'response'): HeaderRules {
  const said = common[side]
  return Object.fromEntries(
    Object.entries(rules).filter(
      ([key, { rule }]) => !common.decided.has(key) && JSON.stringify(said[key]?.rule) !== JSON.stringify(rule),
    ),
  )
}

export function oneOrMany(values: readonly string[]): Value {
  return values.length === 1 ? (values[0] ?? '') : values
}
