/** Changes to header fields on their way through the gateway. */

/**
 * Applies to all fields of one name: a text or a list replaces them, null removes them, and `add` appends to them.
 * Texts may contain placeholders (see placeholders.ts).
 */
export type HeaderRule = string | readonly string[] | null | { readonly add: readonly string[] }

/** By lower-case name. */
export type HeaderRules = Readonly<Record<string, HeaderRule>>

export interface HeadersPlan {
  readonly headers: HeaderRules
}

export interface RequestHeadersPlan extends HeadersPlan {
  /** Lower-case names from trusted-headers.ts that are accepted from any client. */
  readonly keep: readonly string[]
}

/** The rules of a route merged over those of the gateway; a rule that adds keeps what the gateway sets. */
export function mergeRules(gateway: HeaderRules, route: HeaderRules): HeaderRules {
  const merged: Record<string, HeaderRule> = { ...gateway }
  for (const [name, rule] of Object.entries(route)) merged[name] = combine(gateway[name], rule)
  return merged
}

function combine(below: HeaderRule | undefined, rule: HeaderRule): HeaderRule {
  if (!isAddition(rule) || below === undefined) return rule
  if (isAddition(below)) return { add: [...below.add, ...rule.add] }
  return [...(below === null ? [] : [below].flat()), ...rule.add]
}

export function isAddition(rule: HeaderRule | undefined): rule is { readonly add: readonly string[] } {
  return typeof rule === 'object' && rule !== null && 'add' in rule
}

/** The texts that a rule sets or adds. */
export function textsOf(rule: HeaderRule): readonly string[] {
  if (rule === null) return []
  if (typeof rule === 'string') return [rule]
  return isAddition(rule) ? rule.add : rule
}
