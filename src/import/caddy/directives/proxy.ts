/** `reverse_proxy`: who is asked, and how. */
import { origin } from '../../../config/schema/gateway/addresses.ts'
import { socketOrigin, socketPathOf } from '../../../shared/net/socket-origin.ts'
import type { Value } from '../../reading.ts'
import type { Deed, HeaderRules, Written } from '../routes/steps.ts'
import { accepted } from '../syntax/accepted.ts'
import { fixedValue, type Line, leftOut, type Reader } from '../syntax/lines.ts'
import type { Token } from '../syntax/tokens.ts'
import { argumentsOf, type Directive, directiveName } from '../syntax/tree.ts'
import { readRule } from './headers.ts'
import { readHealth, readTransport } from './proxy-options.ts'
import { rewritten } from './rewrites.ts'

/** What the lines of its block add up to. */
export interface Asking {
  readonly targets: string[]
  secure: boolean
  readonly upstream: Written
  readonly health: Written
  readonly tls: Written
  readonly timeouts: Written
  request: HeaderRules
  response: HeaderRules
}

const balances: Readonly<Record<string, string>> = {
  round_robin: 'round-robin',
  random: 'random',
  least_conn: 'least-requests',
  first: 'first',
}

/** Every answer of a stream is passed on as it comes, and what an upstream or client does not take is never piled up. */
const needless = new Set(['flush_interval', 'verbose_logs'])

export const readReverseProxy: Reader = (line) => {
  const proxy: Asking = {
    targets: [],
    secure: false,
    upstream: {},
    health: {},
    tls: {},
    timeouts: {},
    request: {},
    response: {},
  }
  const before: Deed[] = []
  for (const token of line.values) readTarget(proxy, token, line)
  for (const option of line.block) readOption(proxy, option, { line, before })
  if (proxy.targets.length === 0) {
    line.scope.notes.untranslated(
      line.at,
      '`reverse_proxy`: it names nobody whom `to` could ask; these requests go on to the next route',
    )
    return []
  }
  const { health, tls, timeouts, request, response } = proxy
  const targets = [...new Set(proxy.targets)].map((target) =>
    proxy.secure ? target.replace(/^http:/, 'https:') : target,
  )
  if (targets.some((target) => socketPathOf(target) !== undefined) && isUpstream(proxy, targets)) {
    line.scope.notes.untranslated(
      line.at,
      '`reverse_proxy`: a socket in the file system stands alone, without other targets, health checks and TLS; these requests go on to the next route',
    )
    return []
  }
  const upstream: Written = {
    ...proxy.upstream,
    ...(health.http !== undefined && { health }),
    ...(Object.keys(tls).length > 0 && { tls }),
  }
  return [...before, { kind: 'answer', answer: { kind: 'proxy', targets, upstream, timeouts, request, response } }]
}

/** More than one target without options of its own. */
function isUpstream({ upstream, health, tls, secure }: Asking, targets: readonly string[]): boolean {
  const options = [upstream, tls].some((some) => Object.keys(some).length > 0)
  return targets.length > 1 || options || secure || health.http !== undefined
}

function readTarget(proxy: Asking, token: Token, { scope: { notes } }: Line): void {
  const text = fixedValue(token, notes)
  if (text === undefined) return
  const refuse = (why: string) => notes.untranslated(token.at, `\`${token.text}\`: ${why}`)
  const [, socket] = /^unix\/(\/[^:|\s]+)$/.exec(text) ?? []
  if (socket !== undefined) {
    proxy.targets.push(socketOrigin(socket))
    return
  }
  if (text.startsWith('unix/') || text.startsWith('unix+')) {
    refuse('a socket in the file system is asked over HTTP/1.1, by its absolute path')
    return
  }
  const [, scheme = '', rest = ''] = /^([a-z0-9+]+:\/\/)?(.*)$/s.exec(text) ?? []
  if (scheme !== '' && scheme !== 'http://' && scheme !== 'https://') {
    refuse('a target is asked over `http://` or `https://`')
    return
  }
  const [, host = '', port] = /^(\[[^\]]*\]|[^:/$]*|\$\{\w+:-[^}]*\})(?::([^/]+))?\/?$/.exec(rest) ?? []
  const range = /^(\d{1,5})-(\d{1,5})$/.exec(port ?? '')
  if (host === '' && port === undefined) {
    refuse('a target is a host and a port, without a path')
    return
  }
  if (range && Number(range[2]) - Number(range[1]) > 100) {
    refuse('more than 100 ports')
    return
  }
  const ports = range
    ? Array.from({ length: Math.max(0, Number(range[2]) - Number(range[1]) + 1) }, (_, index) =>
        String(Number(range[1]) + index),
      )
    : [port]
  // As in Caddy: no host is this machine, no port is the one of the scheme.
  const start = `${scheme || 'http://'}${host || '127.0.0.1'}`
  const targets = ports.map((one) => (one === undefined ? start : `${start}:${one}`))
  if (targets.every((target) => accepted(origin, target))) proxy.targets.push(...targets)
  else refuse('a target is the name or address of a host, and a port')
}

interface Around {
  readonly line: Line
  readonly before: Deed[]
}

function readOption(proxy: Asking, option: Directive, { line, before }: Around): void {
  const { scope } = line
  const { notes } = scope
  const name = directiveName(option)
  const words = argumentsOf(option)
  if (needless.has(name)) return
  if (readHealth(proxy.health, option, notes)) return
  switch (name) {
    case 'to':
      for (const word of words) readTarget(proxy, word, line)
      return
    case 'lb_policy':
      readBalance(proxy.upstream, option, line)
      return
    case 'transport':
      if (words[0]?.text !== 'http') {
        leftOut(option, notes, 'targets are asked by HTTP')
        return
      }
      for (const part of option.block ?? []) readTransport(proxy, part, notes)
      return
    case 'header_up':
      readHeaderUp(proxy, words, line)
      return
    case 'header_down': {
      const rule = readRule(words, scope)
      if (rule) proxy.response = rule(proxy.response)
      return
    }
    case 'rewrite': {
      const path = words[0] && fixedValue(words[0], notes)
      if (path?.startsWith('/') && !/[?#{]/.test(path))
        before.push({ kind: 'change', change: (state) => rewritten(state, path) })
      else leftOut(option, notes, '`rewrite` takes a path that is written out')
      return
    }
    case 'lb_try_duration':
    case 'lb_try_interval':
    case 'lb_retries':
    case 'lb_retry_match':
      leftOut(option, notes, 'a request is tried again as long as nothing of it was sent, on each target once')
      return
    case 'trusted_proxies':
      leftOut(option, notes, 'whose X-Forwarded-* are believed is said once for all, by `gateway.trustedProxies`')
      return
    case 'stream_timeout':
    case 'stream_close_delay':
      leftOut(option, notes, 'a stream goes on as long as bytes are sent; one that stands still is ended')
      return
    default:
      leftOut(option, notes, 'nothing of ours does this; see docs/proxy.md')
  }
}

function readBalance(upstream: Written, option: Directive, { scope: { notes } }: Line): void {
  const policy = argumentsOf(option)[0]?.text ?? ''
  const ours = balances[policy]
  if (ours !== undefined) upstream.balance = ours
  else leftOut(option, notes, `${policy}: there are round-robin, random, least-requests and first`)
}

/** What these hold without being asked for. */
const asForwarded: Readonly<Record<string, RegExp>> = {
  'x-forwarded-for': /^\{(http\.request\.)?(remote|remote_host|client_ip|remote\.host|header\.x-forwarded-for)\}$/i,
  'x-forwarded-proto': /^\{(http\.request\.)?(scheme|header\.x-forwarded-proto)\}$/i,
  'x-forwarded-host': /^\{(http\.request\.)?(host|hostport|header\.x-forwarded-host)\}$/i,
}

/** Host and X-Forwarded-* are set without being asked for, unless they are to be something else. */
function readHeaderUp(proxy: Asking, words: readonly Token[], line: Line): void {
  const [field, value] = words
  const name = field?.text.toLowerCase() ?? ''
  if (asForwarded[name]?.test(value?.text ?? '') && words.length === 2) return
  if (name === 'host' && /^\{(http\.request\.)?(host|hostport)\}$/.test(value?.text ?? '')) return
  if (name === 'host' && field && /^\{(http\.reverse_proxy\.)?upstream(_|\.)hostport\}$/.test(value?.text ?? '')) {
    const rule: Value = (proxy.targets[0] ?? '').replace(/^https?:\/\//, '')
    if (new Set(proxy.targets).size === 1) proxy.request = { ...proxy.request, host: { name: 'Host', rule } }
    else
      line.scope.notes.untranslated(field.at, '`header_up Host`: with several targets the Host of the client is kept')
    return
  }
  const rule = readRule(words, line.scope)
  if (rule) proxy.request = rule(proxy.request)
}
