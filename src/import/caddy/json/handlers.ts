/** Handlers of Caddy's JSON as directives. */
import type { Directive } from '../syntax/tree.ts'
import { duration, headerLines, line, type Placed, size, word } from './lines.ts'
import { matcherLines } from './matchers.ts'
import { proxyLine } from './proxy.ts'
import { entriesOf, entry, isTrue, itemsOf, type Json, textOf } from './tree.ts'

export function handlerLines(
  handler: Json,
  routeLines: (routes: readonly Json[]) => readonly Directive[],
): readonly Directive[] {
  const kind = textOf(handler, 'handler') ?? 'a handler without a name'
  const named = (name: string) => word(handler, name)
  switch (kind) {
    case 'subroute':
      return [line(named('route'), [], routeLines(itemsOf(handler, 'routes')))]
    case 'vars':
      return varsLines(handler)
    case 'headers':
      return [
        ...headerLines('header', entry(handler, 'response')),
        ...headerLines('request_header', entry(handler, 'request')),
      ]
    case 'rewrite':
      return rewriteLines(handler)
    case 'static_response':
      return [responseLine(handler)]
    case 'error':
      return [line(named('error'), [entry(handler, 'status_code') ?? word(handler, '500')])]
    case 'file_server':
      return [line(named('file_server'), [], fileLines(handler))]
    case 'reverse_proxy':
      return [proxyLine(handler)]
    case 'encode': {
      const preferred = itemsOf(handler, 'prefer')
      const listed = entriesOf(handler, 'encodings').map(([name, json]) => word(json, name))
      return [line(named('encode'), preferred.length > 0 ? preferred : listed)]
    }
    case 'authentication': {
      const accounts = itemsOf(handler, 'providers', 'http_basic', 'accounts')
      if (accounts.length === 0) return [line(named('forward_auth'), [word(handler, 'unix//')])]
      return [
        line(
          named('basic_auth'),
          [],
          accounts.map((account) =>
            line(word(account, textOf(account, 'username') ?? ''), [entry(account, 'password')]),
          ),
        ),
      ]
    }
    case 'request_body':
      return [line(named('request_body'), [], [line(named('max_size'), [size(entry(handler, 'max_size'))])])]
    case 'rate_limit':
      return [line(named('rate_limit'), [], entriesOf(handler, 'rate_limits').map(zoneLine))]
    default:
      // Reported by its name; everything in it counts as read.
      entriesOf(handler)
      return [line(named(kind))]
  }
}

function varsLines(handler: Json): readonly Directive[] {
  return entriesOf(handler).flatMap(([name, value]): Directive[] => {
    if (name === 'handler') return []
    if (name === 'root') return [line(word(value, 'root'), [word(value, '*'), value])]
    return [line(word(value, 'vars'), [word(value, name)])]
  })
}

function rewriteLines(handler: Json): readonly Directive[] {
  return entriesOf(handler).flatMap(([name, value]): Directive[] => {
    if (name === 'handler') return []
    if (name === 'uri') return [line(word(value, 'rewrite'), [word(value, '*'), value])]
    if (name === 'strip_path_prefix') return [line(word(value, 'uri'), [word(value, 'strip_prefix'), value])]
    return [line(word(value, name === 'method' ? 'method' : 'uri'), [word(value, name)])]
  })
}

function responseLine(handler: Json): Directive {
  const status = entry(handler, 'status_code') ?? word(handler, '200')
  const [location] = itemsOf(handler, 'headers', 'Location')
  if (isTrue(handler, 'abort')) return line(word(handler, 'abort'))
  if (location && /^3\d\d$/.test(status.text ?? ''))
    return line(word(handler, 'redir'), [word(handler, '*'), location, status])
  return line(word(handler, 'respond'), [word(handler, '*'), entry(handler, 'body'), status])
}

function fileLines(handler: Json): readonly Directive[] {
  return entriesOf(handler).flatMap(([name, value]): Directive[] => {
    if (name === 'root' || name === 'hide') {
      // Caddy hides its own Caddyfile.
      const words = (value.items ?? [value]).filter(({ text }) => !/^\.\/|caddyfile$/i.test(text ?? ''))
      return words.length > 0 ? [line(word(value, name), words)] : []
    }
    if (name === 'pass_thru' || name === 'browse') return [line(word(value, name))]
    if (name === 'index_names') return [line(word(value, 'index'), value.items)]
    if (name === 'canonical_uris') return [line(word(value, 'disable_canonical_uris'))]
    return /^(handler|precompressed(_order)?)$/.test(name) ? [] : [line(word(value, name))]
  })
}

function zoneLine([name, zone]: readonly [string, Json]): Directive {
  const [match] = itemsOf(zone, 'match')
  const one = (key: string, value: Placed | Json | undefined) => (value ? [line(word(zone, key), [value])] : [])
  return line(
    word(zone, 'zone'),
    [word(zone, name)],
    [
      ...one('key', entry(zone, 'key')),
      ...one('events', entry(zone, 'max_events')),
      ...one('window', duration(entry(zone, 'window'))),
      ...(match ? [line(word(match, 'match'), [], matcherLines(match))] : []),
    ],
  )
}
