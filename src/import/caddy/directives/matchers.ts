/** Which requests a directive is for: named and inline matchers. */
import { addressRanges } from '../../../config/schema/gateway/ranges.ts'
import { headerName, method } from '../../../config/schema/scalars.ts'
import { validateHostPattern } from '../../../plan/patterns/host-pattern.ts'
import { normalPathPattern, validatePathPattern } from '../../../plan/patterns/path-pattern.ts'
import type { Notes, Place } from '../notes.ts'
import type { Condition, Matcher } from '../routes/steps.ts'
import { accepted } from '../syntax/accepted.ts'
import { hasPlaceholder, ourText } from '../syntax/texts.ts'
import type { Token } from '../syntax/tokens.ts'
import { argumentsOf, type Directive, directiveName } from '../syntax/tree.ts'
import { isUuidExpression, translateExpression, translatePath } from './patterns.ts'
import type { HeaderPattern } from './requests.ts'

export interface MatcherReading {
  readonly at: Place
  readonly matcher: Matcher
  /** It matches the client's address, too. */
  readonly clients?: { readonly ranges: readonly string[]; readonly outside: boolean }
  /** It matches whether this header holds a UUID of version 4. */
  readonly requestId?: { readonly header: string; readonly valid: boolean }
  /** Why it cannot be translated. */
  readonly why?: string
  /** The paths as they were written. */
  readonly written: readonly string[]
}

/** A matcher as far as it has been read; all parts must match. */
interface Parts {
  any: Condition[]
  except: Condition[]
  clients?: MatcherReading['clients']
  requestId?: MatcherReading['requestId']
  why?: string
  written: string[]
}

/** `@name ...`, in one line or with a block. */
export function readMatcher(definition: Directive, notes: Notes): MatcherReading {
  const parts: Parts = { any: [{}], except: [], written: [] }
  const line = argumentsOf(definition)
  // `@name file { ... }` and `@name not { ... }`: the block is that of the one matcher in the line.
  if (line.length > 0) readPart(parts, { words: line, ...(definition.block && { block: definition.block }) }, notes)
  else for (const part of definition.block ?? []) readPart(parts, part, notes)
  const { any, except, clients, requestId, why, written } = parts
  return {
    at: definition.words[0].at,
    matcher: { any, except },
    ...(clients && { clients }),
    ...(requestId && { requestId }),
    ...(why !== undefined && { why }),
    written,
  }
}

/** An inline path matcher. */
export function pathMatcher(token: Token, notes: Notes): MatcherReading {
  const parts: Parts = { any: [{}], except: [], written: [] }
  readPart(parts, { words: [{ ...token, text: 'path' }, token] }, notes)
  return {
    at: token.at,
    matcher: { any: parts.any, except: [] },
    ...(parts.why !== undefined && { why: parts.why }),
    written: [token.text],
  }
}

interface Part {
  readonly words: readonly Token[]
  readonly block?: readonly Directive[]
}

function readPart(parts: Parts, { words, block }: Part, notes: Notes): void {
  const [name, ...values] = words
  if (name === undefined) return
  const texts = values.map(({ text }) => ourText(text).text)
  if (!['expression', 'file'].includes(name.text) && !name.quoted && values.some(({ text }) => hasPlaceholder(text))) {
    parts.why ??= `\`${name.text}\` uses a value that is known only per request`
    return
  }
  switch (name.text) {
    case 'path':
      parts.written.push(...values.map(({ text }) => text))
      every(parts, [{ paths: values.flatMap((token) => pathsOf(token, parts, notes)) }])
      return
    case 'path_regexp':
      readExpression(parts, texts)
      return
    case 'method':
      if (!texts.every((text) => accepted(method, text)))
        parts.why ??= `\`method ${texts.join(' ')}\`: not an HTTP method`
      else every(parts, [{ methods: methodsOf(name, texts, notes) }])
      return
    case 'host':
      readHosts(parts, texts)
      return
    case 'header':
      readHeader(parts, texts)
      return
    case 'file':
      readFile(parts, texts, block)
      return
    case 'not':
      readNot(parts, { words: values, block: block ?? [] }, notes)
      return
    case 'remote_ip':
    case 'client_ip':
      readClients(parts, texts)
      return
    case 'protocol':
      parts.why ??= '`protocol`: set `listener` on the route'
      return
    case 'expression':
      readProgram(parts, values.map(({ text }) => text).join(' '))
      return
    default:
      if (name.quoted) {
        readProgram(parts, name.text)
        return
      }
      parts.why ??= `\`${name.text}\` is not supported: routes match by host, path, method and header`
  }
}

/** Combines each alternative so far with each of these. As in Caddy, two lists of the same kind become one. */
function every(parts: Parts, alternatives: readonly Condition[]): void {
  parts.any = parts.any.flatMap((one) => alternatives.map((other) => joined(one, other)))
}

function joined(one: Condition, other: Condition): Condition {
  const list = (key: 'paths' | 'methods' | 'hosts') => {
    const all = [...(one[key] ?? []), ...(other[key] ?? [])]
    return all.length > 0 ? { [key]: all } : {}
  }
  const headers = { ...one.headers, ...other.headers }
  return {
    ...one,
    ...other,
    ...list('paths'),
    ...list('methods'),
    ...list('hosts'),
    ...(Object.keys(headers).length > 0 && { headers }),
  }
}

/** `GET` matches HEAD too in Gatehouse, but not in Caddy. */
function methodsOf({ at }: Token, texts: readonly string[], notes: Notes): readonly string[] {
  const methods = texts.map((text) => text.toUpperCase())
  if (methods.includes('GET') && !methods.includes('HEAD'))
    notes.changed(at, '`method GET`: HEAD matches too, and is guarded and answered like GET')
  return methods
}

function pathsOf(token: Token, parts: Parts, notes: Notes): readonly string[] {
  const { patterns, but } = translatePath(ourText(token.text).text)
  const refusal = patterns?.map(refusalOf).find((one) => one !== undefined)
  if (!patterns || refusal) parts.why ??= `\`${token.text}\`: ${refusal?.hint ?? but}`
  else if (but !== undefined) notes.changed(token.at, but)
  return patterns?.map((pattern) => (hasVariables(pattern) ? pattern : normalPathPattern(pattern))) ?? []
}

function hasVariables(text: string): boolean {
  return /(?<!\$)\$\{/.test(text)
}

/** Why our routes refuse a pattern; one with variables cannot be checked yet. */
function refusalOf(pattern: string): { readonly hint: string } | undefined {
  return hasVariables(pattern) ? undefined : validatePathPattern(pattern)
}

/** `path_regexp [name] expression` */
function readExpression(parts: Parts, texts: readonly string[]): void {
  const { patterns, but } = translateExpression(texts.at(-1) ?? '')
  if (patterns && !patterns.some(refusalOf)) every(parts, [{ paths: patterns }])
  else parts.why ??= `\`path_regexp\`: ${but}`
}

function readHosts(parts: Parts, texts: readonly string[]): void {
  const wrong = texts.find((text) => !hasVariables(text) && validateHostPattern(text))
  if (wrong !== undefined) parts.why ??= `\`${wrong}\`: ${validateHostPattern(wrong)?.hint}`
  else every(parts, [{ hosts: texts.map((text) => text.toLowerCase()) }])
}

/** `header Name value`, `header Name`, `header !Name`; several values of one name are alternatives. */
function readHeader(parts: Parts, [field = '', ...values]: readonly string[]): void {
  const absent = field.startsWith('!')
  const name = absent ? field.slice(1) : field
  const key = name.toLowerCase()
  const patterns = values.length > 0 ? values : ['*']
  const alternatives = patterns.map(
    (pattern): Condition => ({ headers: { [key]: { name, pattern } satisfies HeaderPattern } }),
  )
  if (!headerName.safeParse(name).success) parts.why ??= `\`header ${name}\`: not a header name`
  else if (absent) parts.except.push(...alternatives)
  else if (parts.any.some(({ headers }) => headers?.[key]))
    parts.why ??= `\`header ${name}\` appears twice: write both values in one line`
  else every(parts, alternatives)
}

function readFile(parts: Parts, texts: readonly string[], block: readonly Directive[] = []): void {
  let root: string | undefined
  let paths: readonly string[] = texts.length > 0 ? texts : ['{path}']
  for (const line of block) {
    const values = argumentsOf(line).map(({ text }) => ourText(text).text)
    if (directiveName(line) === 'try_files') paths = values
    else if (directiveName(line) === 'root') root = values[0]
    else parts.why ??= `\`file\` with \`${directiveName(line)}\``
  }
  const odd = paths.find((path) => !path.startsWith('/') && !path.startsWith('{path}'))
  if (odd !== undefined) parts.why ??= `\`file\` with \`${odd}\``
  every(parts, [{ file: { ...(root !== undefined && { root }), paths } }])
}

function readNot(parts: Parts, { words, block = [] }: Part, notes: Notes): void {
  const inner: Parts = { any: [{}], except: [], written: [] }
  for (const part of [{ words, block }, ...block])
    if (part.words !== words || words.length > 0) readPart(inner, part, notes)
  if (inner.why !== undefined) parts.why ??= inner.why
  else if (inner.except.length > 0) parts.why ??= '`not` in a `not`'
  else if (inner.requestId) parts.requestId = { ...inner.requestId, valid: !inner.requestId.valid }
  else if (inner.clients) {
    if (inner.any.some((one) => Object.keys(one).length > 0)) parts.why ??= '`not` with an address and something else'
    else parts.clients = { ...inner.clients, outside: !inner.clients.outside }
  } else parts.except.push(...inner.any)
}

const privateRanges = ['loopback', 'private']

/** Addresses and ranges as our file writes them. */
export function rangesOf(texts: readonly string[]): readonly string[] {
  return texts
    .filter((text) => text !== 'forwarded')
    .flatMap((text) => (text === 'private_ranges' ? privateRanges : [text]))
}

function readClients(parts: Parts, texts: readonly string[]): void {
  if (!rangesOf(texts).every((range) => accepted(addressRanges, range)))
    parts.why ??= '`remote_ip`: not an address or range'
  else if (parts.clients) parts.why ??= 'it matches the client address twice'
  else parts.clients = { ranges: rangesOf(texts), outside: false }
}

/** The one supported expression: whether the client's request id is a UUID. */
function readProgram(parts: Parts, program: string): void {
  const [, negated, header, expression] =
    /^(!?)\{(?:http\.request\.)?header\.([\w-]+)\}\.matches\(["'`](.*)["'`]\)$/.exec(program.trim()) ?? []
  if (header !== undefined && expression !== undefined && isUuidExpression(expression))
    parts.requestId = { header, valid: negated === '' }
  else parts.why ??= 'expressions are not supported: routes match by host, path, method and header'
}
