/** What all routes have in common is said once, for the gateway. */
import type { Entries } from '../reading.ts'
import type { Common } from './routes/routes.ts'
import type { HeaderRules } from './routes/steps.ts'
import type { Tidy } from './routes/tidy.ts'

export function commonOf(routes: readonly Tidy[], decided: ReadonlySet<string>): Common {
  // A redirect shows no page: what it lacks need not keep the others apart.
  const telling = routes.filter(({ answer }) => answer.kind !== 'redirect')
  const asking = routes.filter(({ answer }) => answer.kind === 'proxy')
  const response = shared(telling.map(({ state }) => state.response))
  const request = shared(
    asking.map(({ state, answer }) => ({ ...state.request, ...(answer.kind === 'proxy' && answer.request) })),
  )
  const requestBody = sharedValue(asking.map(({ state }) => state.requestBody))
  // One zone counts for all routes, and so does the limit of the gateway; what is not counted says so.
  const limits = telling.map(({ state }) => state.rateLimit).filter((limit) => limit !== undefined)
  const isOfOne = limits.length === 1 && telling.length > 1
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
