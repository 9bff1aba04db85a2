/** `header`, `request_header`, and the lines of `reverse_proxy` that change headers. */
import { headerValue } from '../../../config/schema/scalars.ts'
import type { HeaderRules, State, StepAction } from '../routes/steps.ts'
import { accepted } from '../syntax/accepted.ts'
import { type Line, type Reader, type Scope, valueWithPlaceholders } from '../syntax/lines.ts'
import type { Token } from '../syntax/tokens.ts'
import type { MatcherReading } from './matchers.ts'

/** Headers of the connection and of message framing, which the gateway sets itself. */
const ownHeaders = new Set(
  'connection content-length expect keep-alive te trailer transfer-encoding upgrade proxy-connection'.split(' '),
)

export const readHeader: Reader = (line) => headersIn(line, 'response')

export const readRequestHeader: Reader = (line) => headersIn(line, 'request')

function headersIn(line: Line, side: 'request' | 'response'): readonly StepAction[] {
  const lines = [...(line.values.length > 0 ? [line.values] : []), ...line.block.map(({ words }) => words)]
  return lines.flatMap((words): StepAction[] => {
    const [field, value] = words
    if (field === undefined || field.text === 'defer') return []
    if (side === 'response' && field.text.toLowerCase() === 'connection' && value?.text.toLowerCase() === 'close')
      return [{ kind: 'change', change: (state) => ({ ...state, close: true }) }]
    const rule = readRule(words, line.scope, line.matcher)
    return rule ? [{ kind: 'change', change: (state): State => ({ ...state, [side]: rule(state[side]) }) }] : []
  })
}

/** What one line changes in the rules so far; undefined, and reported, if it cannot be translated. */
export function readRule(
  [field, value, replacement]: readonly Token[],
  { notes, requestIds }: Scope,
  matcher?: MatcherReading,
): ((rules: HeaderRules) => HeaderRules) | undefined {
  if (field === undefined) return undefined
  const [, mark = '', name = ''] = /^([-+?>]?)(.*?):?$/.exec(field.text) ?? []
  const key = name.toLowerCase()
  const refuse = (why: string) => notes.untranslated(field.at, `\`${field.text}\`: ${why}`)
  if (!/^[\w!#$%&'.^`|~-]+$/.test(name)) refuse('a rule is for one header, without wildcards')
  else if (ownHeaders.has(key)) refuse('the gateway sets connection and framing headers itself')
  else if (replacement !== undefined) refuse('part of a value cannot be replaced; `response.headers` sets all of it')
  else if (mark === '?') refuse('a header cannot be set only if it is missing; `response.headers` always sets it')
  else if (matcher?.requestId) {
    if (!requestIds.judge(name, value?.text ?? '', matcher.requestId))
      refuse('only its own header can depend on the format of a request id; see `gateway.requestId`')
  } else if (mark === '-') {
    return (rules) => ({ ...rules, [key]: { name, rule: null } })
  } else if (value === undefined) refuse('it has no value')
  else if (value.text === '{http.request.uuid}') requestIds.generate(name, field.at)
  else {
    const text = valueWithPlaceholders(value, notes)
    if (text === undefined) return undefined
    if (!accepted(headerValue, text)) {
      refuse('a header is one line of printable ASCII')
      return undefined
    }
    if (mark === '+') return (rules) => ({ ...rules, [key]: { name, rule: added(rules[key]?.rule, text) } })
    return (rules) => ({ ...rules, [key]: { name, rule: text } })
  }
  return undefined
}

function added(before: HeaderRules[string]['rule'] | undefined, text: string): HeaderRules[string]['rule'] {
  if (typeof before === 'string') return [before, text]
  if (Array.isArray(before)) return [...before, text]
  if (before === null) return text
  return { add: [...(before && 'add' in before ? before.add : []), text] }
}
