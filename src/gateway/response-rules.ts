import { validateHeaderName, validateHeaderValue } from 'node:http'
import type { ResponsePlan } from '../plan/types.ts'

/** A route's response headers, made ready once per generation. */
export interface ResponseRules {
  /** Lower-case names that the rules set or remove: what the answer itself has under them is dropped. */
  readonly governed: ReadonlySet<string>
  /** Name and value in turn. */
  readonly added: readonly string[]
}

/**
 * `requestIdHeader` is governed as well: an upstream that echoes the id must not make the client read it twice.
 * Throws on a header that cannot be sent, so that such a plan never serves, rather than failing with each request.
 */
export function compileResponseRules(plan: ResponsePlan, requestIdHeader: string): ResponseRules {
  const entries = Object.entries(plan.headers)
  for (const [name, value] of entries) {
    validateHeaderName(name)
    if (value !== null) validateHeaderValue(name, value)
  }
  return {
    governed: new Set([requestIdHeader, ...entries.map(([name]) => name.toLowerCase())]),
    added: entries.flatMap(([name, value]) => (value === null || name === requestIdHeader ? [] : [name, value])),
  }
}

/** The headers of an answer (name and value in turn) with the rules obeyed. */
export function applyRules(rules: ResponseRules, headers: readonly string[]): string[] {
  const kept: string[] = []
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string
    if (!rules.governed.has(name.toLowerCase())) kept.push(name, headers[i + 1] as string)
  }
  kept.push(...rules.added)
  return kept
}
