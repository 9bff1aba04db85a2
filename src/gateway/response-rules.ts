import type { ResponsePlan } from '../plan/types.ts'

/** A route's response headers, made ready once per generation. */
export interface ResponseRules {
  /** Lower-case names that the rules set or remove: what the answer itself has under them is dropped. */
  readonly governed: ReadonlySet<string>
  /** Name and value in turn. */
  readonly added: readonly string[]
}

export function compileResponseRules(plan: ResponsePlan): ResponseRules {
  const entries = Object.entries(plan.headers)
  return {
    governed: new Set(entries.map(([name]) => name.toLowerCase())),
    added: entries.flatMap(([name, value]) => (value === null ? [] : [name, value])),
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
