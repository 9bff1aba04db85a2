/** Options that all routes share are written once, under `gateway`. */
import type { Entries } from '../reading.ts'
import type { Common } from './routes/routes.ts'
import type { HeaderRules } from './routes/steps.ts'
import type { TidyRoute } from './routes/tidy.ts'

export function commonOf(routes: readonly TidyRoute[], decided: ReadonlySet<string>): Common {
  // A redirect shows no page, so a header that it lacks can still be shared by the others.
  const answering = routes.filter(({ answer }) => answer.kind !== 'redirect')
  const proxied = routes.filter(({ answer }) => answer.kind === 'proxy')
  const response = shared(answering.map(({ state }) => state.response))
  const request = shared(
    proxied.map(({ state, answer }) => ({ ...state.request, ...(answer.kind === 'proxy' && answer.request) })),
  )
  const requestBody = sharedValue(proxied.map(({ state }) => state.requestBody))
  // A zone counts over all routes, as the limit of the gateway does; routes without it turn it off.
  const limits = answering.map(({ state }) => state.rateLimit).filter((limit) => limit !== undefined)
  const isOfOne = limits.length === 1 && answering.length > 1
  const rateLimit = isOfOne ? undefined : sharedValue<Entries>(limits)
  return {
    decided,
    response: allowed(response, decided),
    request: allowed(request, decided),
    ...(requestBody !== undefined && { requestBody }),
    ...(rateLimit !== undefined && { rateLimit }),
  }
}

function shared(all: readonly HeaderRules[]): HeaderRules {
  const [first, ...others] = all
  if (!first) return {}
  return Object.fromEntries(
    Object.entries(first).filter(([key, { rule }]) =>
      others.every((rules) => JSON.stringify(rules[key]?.rule) === JSON.stringify(rule)),
    ),
  )
}

function sharedValue<T>(all: readonly (T | undefined)[]): T | undefined {
  const [first, ...others] = all
  return others.every((other) => JSON.stringify(other) === JSON.stringify(first)) ? first : undefined
}

function allowed(rules: HeaderRules, decided: ReadonlySet<string>): HeaderRules {
  return Object.fromEntries(Object.entries(rules).filter(([key]) => !decided.has(key)))
}
