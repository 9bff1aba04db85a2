/** Guards: `basic_auth`, `forward_auth`, `rate_limit`, `request_body`; and `encode`. */
import { headerName } from '../../../config/schema/scalars.ts'
import type { Entries } from '../../reading.ts'
import type { Notes } from '../notes.ts'
import { everyAddress, everything, type Step, type StepAction, type Written } from '../routes/steps.ts'
import { accepted } from '../syntax/accepted.ts'
import { fixedValue, type Reader, reportUnsupported } from '../syntax/lines.ts'
import { ourDuration, ourSize, ourText } from '../syntax/texts.ts'
import { argumentsOf, type Directive, directiveName } from '../syntax/tree.ts'
import { readMatcher } from './matchers.ts'

/** The environment variable for the password of a user. */
export function passwordVariable(key: string): string {
  return `${key
    .toUpperCase()
    .replace(/\W+/g, '_')
    .replace(/^(?=\d)/, '_')}_PASSWORD`
}

export const readBasicAuth: Reader = ({ at, values, block, scope }) => {
  const realm = values[1]
  if (realm) scope.notes.changed(realm.at, '`basic_auth`: clients do not see the realm')
  const users = block.map((line) => {
    const name = ourText(directiveName(line)).text
    // A key cannot hold a variable; `name` can.
    const key = /^\$\{(\w+)/.exec(name)?.[1]?.toLowerCase() ?? name
    scope.gathered.users.set(key, name)
    const hash = argumentsOf(line)[0]?.text ?? ''
    if ((scope.gathered.hashes.get(key) ?? hash) !== hash)
      scope.notes.changed(
        line.words[0].at,
        `\`${name}\`: has another password elsewhere; it becomes one user with one password`,
      )
    scope.gathered.hashes.set(key, hash)
    const variable = passwordVariable(key)
    const message = `\`${name}\`: a password cannot be recovered from its hash: set ${variable}, or one is generated and shown at startup`
    scope.notes.changed(line.words[0].at, message)
    return key
  })
  const odd = users.length === 0 || users.some((key) => !/^[ -9;-~]+$/.test(key) || key.includes('${'))
  if (!odd) return [{ kind: 'change', change: (state) => ({ ...state, users }) }]
  for (const key of users) scope.gathered.users.delete(key)
  scope.notes.untranslated(
    at,
    '`basic_auth`: it names no user that `users` can hold; until you add one, all requests are rejected',
  )
  return [{ kind: 'change', change: (state) => ({ ...state, deny: everyAddress }) }]
}

export const readForwardAuth: Reader = ({ at, values, block, scope }) => {
  const { notes } = scope
  const origin = values[0] && fixedValue(values[0], notes)
  let path = '/'
  const copy: string[] = []
  for (const line of block) {
    const words = argumentsOf(line)
    if (directiveName(line) === 'uri') path = (words[0] && fixedValue(words[0], notes)) ?? path
    else if (directiveName(line) === 'copy_headers')
      for (const word of [...words, ...(line.block ?? []).flatMap((inner) => inner.words)]) {
        if (!accepted(headerName, word.text))
          notes.untranslated(word.at, `\`${word.text}\`: \`copy\` takes header names`)
        else copy.push(word.text)
      }
    else if (directiveName(line) !== 'header_up')
      reportUnsupported(line, notes, '`auth` has `forward`, `copy` and `timeout`')
    else if (!/^X-Forwarded-/i.test(words[0]?.text ?? ''))
      reportUnsupported(line, notes, 'the service gets the headers that an upstream would get')
  }
  const url = `${origin?.includes('://') ? '' : 'http://'}${origin}${path}`
  const asked = url.replaceAll(/(?<!\$)\$\{\w+(:-[^{}]*)?\}/g, '1')
  if (
    origin === undefined ||
    origin.startsWith('unix/') ||
    !/^https?:$/.test(URL.parse(asked)?.protocol ?? '') ||
    asked.includes('#')
  ) {
    notes.untranslated(
      at,
      '`forward_auth`: the service needs a URL, `auth: { forward: URL }`; until you set it, all requests are rejected',
    )
    return [{ kind: 'change', change: (state) => ({ ...state, deny: everyAddress }) }]
  }
  const forward: Entries = {
    forward: `${origin.includes('://') ? '' : 'http://'}${origin}${path}`,
    ...(copy.length > 0 && { copy }),
  }
  return [{ kind: 'change', change: (state) => ({ ...state, forward }) }]
}

/** The zones of the plugin `rate_limit` (mholt/caddy-ratelimit). */
export const readRateLimit: Reader = ({ at, block, scope }) => {
  const actions: StepAction[] = []
  for (const line of block) {
    if (directiveName(line) !== 'zone') {
      reportUnsupported(
        line,
        scope.notes,
        'each instance counts for itself; for a limit over a fleet, use `rateLimit` with a store',
      )
      continue
    }
    const limit = readZone(line, scope.notes)
    if (!limit) continue
    if (actions.length > 0) scope.notes.untranslated(line.words[0].at, 'a second `zone`: a route has one `rateLimit`')
    else actions.push(limited(line, limit, scope.notes))
  }
  if (actions.length === 0) scope.notes.untranslated(at, '`rate_limit`: no valid zone; see `rateLimit`')
  return actions
}

/** A zone may be for some requests only. */
function limited(zone: Directive, limit: Written, notes: Notes): StepAction {
  const action: StepAction = { kind: 'change', change: (state) => ({ ...state, rateLimit: limit }) }
  const match = zone.block?.find((line) => directiveName(line) === 'match')
  if (!match) return action
  const { at, matcher, why } = readMatcher(match, notes)
  if (why !== undefined) notes.changed(at, `\`match\`: ${why}; here the limit is for all requests`)
  const step: Step = { name: 'rate_limit', at, matcher: why === undefined ? matcher : everything, action: action }
  return { kind: 'steps', steps: [step] }
}

function readZone(zone: Directive, notes: Notes): Written | undefined {
  const limit: Written = {}
  for (const line of zone.block ?? []) {
    const value = argumentsOf(line)[0]
    const text = value?.text ?? ''
    if (directiveName(line) === 'match') continue
    switch (directiveName(line)) {
      case 'events':
        if (/^[1-9]\d{0,5}$|^\{\$\w+(:[1-9]\d{0,5})?\}$/.test(text)) limit.requests = numberOrText(ourText(text).text)
        else reportUnsupported(line, notes, '`requests` is a number of 1 or more')
        break
      case 'window': {
        const window = text.includes('{$') ? ourText(text).text : ourDuration(text)
        if (window === undefined) reportUnsupported(line, notes, `${text} is not a duration`)
        else limit.window = window
        break
      }
      case 'key': {
        const [, header, cookie] = /^\{http\.request\.(?:header\.([\w-]+)|cookie\.([\w-]+))\}$/.exec(text) ?? []
        const [, short] = /^\{header\.([\w-]+)\}$/.exec(text) ?? []
        if (header ?? short) limit.by = { header: header ?? short ?? '' }
        else if (cookie) limit.by = { cookie }
        else if (
          /^\{(remote_host|client_ip|http\.request\.(remote\.host|remote_ip|remote|client_ip)|http\.vars\.client_ip)\}$/.test(
            text,
          )
        ) {
          limit.by = 'client'
        } else {
          limit.by = 'client'
          notes.changed(
            line.words[0].at,
            `\`key ${text}\`: requests are counted by client, header or cookie; by client here`,
          )
        }
        break
      }
      default:
        reportUnsupported(line, notes, '`rateLimit` has `requests`, `window` and `by`')
    }
  }
  if (limit.requests === undefined || limit.window === undefined) return undefined
  return { requests: limit.requests, window: limit.window, by: limit.by ?? 'client' }
}

function numberOrText(text: string): string | number {
  return /^\d+$/.test(text) ? Number(text) : text
}

export const readRequestBody: Reader = ({ block, scope }) => {
  const sizes = block.flatMap((line) => {
    const size = directiveName(line) === 'max_size' ? ourSize(argumentsOf(line)[0]?.text ?? '') : undefined
    if (size === undefined) reportUnsupported(line, scope.notes, '`limits.requestBody` takes a size such as `150MB`')
    return size ?? []
  })
  const requestBody = sizes.at(-1)
  return requestBody === undefined ? [] : [{ kind: 'change', change: (state) => ({ ...state, requestBody }) }]
}

const encodings = ['zstd', 'br', 'gzip']

export const readEncode: Reader = ({ at, values, block, matcher, scope }) => {
  const { notes, gathered } = scope
  const named = [...values.map(({ text }) => text), ...block.map(directiveName)].filter((name) =>
    encodings.includes(name),
  )
  for (const { text, at: place } of values)
    if (!encodings.includes(text)) notes.untranslated(place, `\`encode ${text}\`: the encodings are zstd, br and gzip`)
  for (const line of block)
    if (!encodings.includes(directiveName(line)))
      reportUnsupported(
        line,
        notes,
        'responses of 512 bytes or more are compressed if that makes them smaller; `compression` names the encodings',
      )
  if (matcher) notes.changed(at, '`encode`: `compression` is for the whole gateway')
  const wanted = named.length > 0 ? named : ['zstd', 'gzip']
  gathered.compression ??= wanted
  if (gathered.compression.join() !== wanted.join())
    notes.changed(
      at,
      `\`encode ${wanted.join(' ')}\`: \`compression\` is for the whole gateway; the first \`encode\` of the file decides`,
    )
  return []
}
