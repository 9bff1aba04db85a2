import { validateHeaderName, validateHeaderValue } from 'node:http'
import {
  type HeaderRules as HeaderRulesPlan,
  isAddition,
  type RequestHeadersPlan,
  textsOf,
} from '../../plan/model/headers.ts'
import { compileTemplate, fill, type Template, type TemplateValues } from './template.ts'

/** Changes to the headers of a request or an answer, compiled once per generation. */
export interface HeaderRules {
  /** Lower-case names that are set or removed: the message's own values are dropped. */
  readonly governed: ReadonlySet<string>
  /** Name and value in turn. */
  readonly added: readonly Template[]
  /** Whether no value has a placeholder. */
  readonly constant: boolean
}

/** Changes to the headers of a request. */
export interface RequestRules extends HeaderRules {
  /** Lower-case names that are passed on from all clients, although only trusted proxies may normally set them. */
  readonly kept: ReadonlySet<string>
}

export function compileRequestRules({ headers, keep }: RequestHeadersPlan, reserved: readonly string[]): RequestRules {
  return { ...compileHeaderRules(headers, reserved), kept: new Set(keep) }
}

/**
 * `reserved` are headers that the gateway sets itself: rules cannot set them, and those of an upstream are dropped, so
 * that the client does not get them twice. Throws on a header that cannot be sent, so that the plan fails instead of
 * every request.
 */
export function compileHeaderRules(plan: HeaderRulesPlan, reserved: readonly string[]): HeaderRules {
  const governed = new Set(reserved)
  const added: Template[] = []
  for (const [name, rule] of Object.entries(plan)) {
    validateHeaderName(name)
    if (reserved.includes(name)) continue
    if (!isAddition(rule)) governed.add(name)
    for (const text of textsOf(rule)) {
      validateHeaderValue(name, text)
      added.push(name, compileTemplate(text))
    }
  }
  return { governed, added, constant: added.every((part) => typeof part === 'string') }
}

/** The headers (name and value in turn) with the rules applied. */
export function applyRules(rules: HeaderRules, headers: readonly string[], values: TemplateValues): string[] {
  const kept: string[] = []
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string
    if (!rules.governed.has(name.toLowerCase())) kept.push(name, headers[i + 1] as string)
  }
  pushAdded(kept, values, rules)
  return kept
}

/** Appends the headers that the rules set and add. */
export function pushAdded(headers: string[], values: TemplateValues, rules: HeaderRules): void {
  if (rules.constant) headers.push(...(rules.added as readonly string[]))
  else for (const part of rules.added) headers.push(fill(part, values))
}
