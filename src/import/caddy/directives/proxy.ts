/** `reverse_proxy`: its targets and options. */
import { origin } from '../../../config/schema/gateway/addresses.ts'
import { socketOrigin, socketPathOf } from '../../../shared/net/socket-origin.ts'
import type { Value } from '../../reading.ts'
import type { StepAction, Written } from '../routes/steps.ts'
import { accepted } from '../syntax/accepted.ts'
import { fixedValue, type Line, type Reader, reportUnsupported } from '../syntax/lines.ts'
import type { Token } from '../syntax/tokens.ts'
import { argumentsOf, type Directive, directiveName } from '../syntax/tree.ts'
import { readRule } from './headers.ts'
import { type ProxyOptions, readHealth, readTransport } from './proxy-options.ts'
import { rewritten } from './rewrites.ts'

const balances: Readonly<Record<string, string>> = {
  round_robin: 'round-robin',
  random: 'random',
  least_conn: 'least-requests',
  first: 'first',
}

/** Streams are always flushed at once, with backpressure in both directions. */
const needless = new Set(['flush_interval', 'verbose_logs'])

export const readReverseProxy: Reader = (line) => {
  const proxy: ProxyOptions = {
    targets: [],
    secure: false,
    upstream: {},
    health: {},
    tls: {},
    timeouts: {},
    request: {},
    response: {},
  }
  const before: StepAction[] = []
  for (const token of line.values) readTarget(proxy, token, line)
  for (const option of line.block) readOption(proxy, option, { line, before })
  if (proxy.targets.length === 0) {
    line.scope.notes.untranslated(
      line.at,
      '`reverse_proxy`: it names no target that `to` can take; these requests fall through to the next route',
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
      '`reverse_proxy`: a Unix socket must be the only target, without health checks and TLS; these requests fall through to the next route',
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

/** It needs an entry in `upstreams`: several targets, or options. */
function isUpstream({ upstream, health, tls, secure }: ProxyOptions, targets: readonly string[]): boolean {
  const options = [upstream, tls].some((some) => Object.keys(some).length > 0)
  return targets.length > 1 || options || secure || health.http !== undefined
}

function readTarget(proxy: ProxyOptions, token: Token, { scope: { notes } }: Line): void {
  const text = fixedValue(token, notes)
  if (text === undefined) return
  const refuse = (why: string) => notes.untranslated(token.at, `\`${token.text}\`: ${why}`)
  const [, socket] = /^unix\/(\/[^:|\s]+)$/.exec(text) ?? []
  if (socket !== undefined) {
    proxy.targets.push(socketOrigin(socket))
    return
  }
  if (text.startsWith('unix/') || text.startsWith('unix+')) {
    refuse('a Unix socket takes HTTP/1.1 and an absolute path')
    return
  }
  const [, scheme = '', rest = ''] = /^([a-z0-9+]+:\/\/)?(.*)$/s.exec(text) ?? []
  if (!['', 'http://', 'https://', 'h2c://'].includes(scheme)) {
    refuse('a target uses `http://`, `https://` or `h2c://`')
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
  // As in Caddy: without a host this machine, without a port that of the scheme.
  const start = `${scheme || 'http://'}${host || '127.0.0.1'}`
  const targets = ports.map((one) => (one === undefined ? start : `${start}:${one}`))
  if (targets.every((target) => accepted(origin, target))) proxy.targets.push(...targets)
  else refuse('a target is the name or address of a host, and a port')
}

interface LineContext {
  readonly line: Line
  readonly before: StepAction[]
}

function readOption(proxy: ProxyOptions, option: Directive, { line, before }: LineContext): void {
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
        reportUnsupported(option, notes, 'only the `http` transport is supported')
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
      else reportUnsupported(option, notes, '`rewrite` takes a literal path')
      return
    }
    case 'lb_try_duration':
    case 'lb_try_interval':
    case 'lb_retries':
    case 'lb_retry_match':
      reportUnsupported(option, notes, 'a request is retried once on each target, as long as nothing of it was sent')
      return
    case 'trusted_proxies':
      reportUnsupported(
        option,
        notes,
        '`gateway.trustedProxies` decides for all routes whose X-Forwarded-* headers are trusted',
      )
      return
    case 'stream_timeout':
    case 'stream_close_delay':
      reportUnsupported(option, notes, 'a stream stays open as long as bytes flow; a stalled one is closed')
      return
    default:
      reportUnsupported(option, notes, 'not supported; see docs/proxy.md')
  }
}

function readBalance(upstream: Written, option: Directive, { scope: { notes } }: Line): void {
  const policy = argumentsOf(option)[0]?.text ?? ''
  const ours = balances[policy]
  if (ours !== undefined) upstream.balance = ours
  else reportUnsupported(option, notes, `${policy}: the policies are round-robin, random, least-requests and first`)
}

/** The values that these headers have by default. */
const asForwarded: Readonly<Record<string, RegExp>> = {
  'x-forwarded-for': /^\{(http\.request\.)?(remote|remote_host|client_ip|remote\.host|header\.x-forwarded-for)\}$/i,
  'x-forwarded-proto': /^\{(http\.request\.)?(scheme|header\.x-forwarded-proto)\}$/i,
  'x-forwarded-host': /^\{(http\.request\.)?(host|hostport|header\.x-forwarded-host)\}$/i,
}

/** Host and X-Forwarded-* have these values by default, so only others need a rule. */
function readHeaderUp(proxy: ProxyOptions, words: readonly Token[], line: Line): void {
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
