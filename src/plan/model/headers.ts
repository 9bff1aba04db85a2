/** What is done to header fields on their way through the gateway. */

/**
 * To the fields of one name: a text or a list of them is set in their place, null removes them, and `add` puts more beside
 * them. Texts may hold placeholders (see placeholders.ts).
 */
export type HeaderRule = string | readonly string[] | null | { readonly add: readonly string[] }

/** By lower-case name. */
export type HeaderRules = Readonly<Record<string, HeaderRule>>

export interface HeadersPlan {
  readonly headers: HeaderRules
}

export interface RequestHeadersPlan extends HeadersPlan {
  /** In lower case: names of trusted-headers.ts that pass from anybody. */
  readonly keep: readonly string[]
}

/** The rules of a route laid over those of the gateway: one that adds keeps what the gateway sets. */
export function layOver(gateway: HeaderRules, route: HeaderRules): HeaderRules {
  const laid: Record<string, HeaderRule> = { ...gateway }
  for (const [name, rule] of Object.entries(route)) laid[name] = combine(gateway[name], rule)
  return laid
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
