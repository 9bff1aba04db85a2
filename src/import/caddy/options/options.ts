/**
 * The global options, in the first block of a Caddyfile; `servers` among them, with limits of connections and trusted
 * proxies.
 */

import { address } from '../../../config/schema/gateway/addresses.ts'
import { addressRanges } from '../../../config/schema/gateway/ranges.ts'
import { rangesOf } from '../directives/matchers.ts'
import type { Notes } from '../notes.ts'
import { orderWith } from '../routes/order.ts'
import type { Written } from '../routes/steps.ts'
import { accepted } from '../syntax/accepted.ts'
import { reportUnsupported } from '../syntax/lines.ts'
import { ourDuration, ourSize, ourText } from '../syntax/texts.ts'
import { argumentsOf, type Directive, directiveName } from '../syntax/tree.ts'
import { readAcme } from './acme.ts'

export interface Options {
  readonly order: readonly string[]
  /** Entries of `gateway`. */
  readonly gateway: Written
  readonly limits: Written
  readonly log: Written
  readonly shutdown: Written
  /** Entries of `acme` in `certificates`. */
  readonly acme: Written
  /** The internal authority issues all certificates. */
  internal: boolean
  /** The directory of Caddy's certificates. */
  storage?: string
  httpPort: string
  httpsPort: string
  redirects: boolean
  certificates: boolean
  proxyProtocol: boolean
}

/** Options without any effect here. */
const needless = new Set([
  'persist_config',
  'skip_install_trust',
  'metrics',
  'ocsp_stapling',
  'ocsp_interval',
  'renew_interval',
  'renewal_window_ratio',
  'storage_clean_interval',
  'storage_check',
])

export function readOptions(directives: readonly Directive[], notes: Notes): Options {
  const orders = directives
    .filter((one) => directiveName(one) === 'order')
    .map((one) => argumentsOf(one).map(({ text }) => text))
  const options: Options = {
    order: orderWith(orders),
    gateway: {},
    limits: {},
    log: {},
    shutdown: {},
    acme: {},
    internal: false,
    httpPort: '80',
    httpsPort: '443',
    redirects: true,
    certificates: true,
    proxyProtocol: false,
  }
  for (const directive of directives) readOption(options, directive, notes)
  return options
}

function readOption(options: Options, directive: Directive, notes: Notes): void {
  const name = directiveName(directive)
  const { at } = directive.words[0]
  const texts = argumentsOf(directive).map(({ text }) => ourText(text).text)
  const [first = ''] = texts
  if (needless.has(name) || readAcme(options.acme, directive, notes)) return
  switch (name) {
    case 'order':
      return
    case 'admin':
      if (first !== 'off')
        notes.changed(at, '`admin`: there is no admin port; commands use the Unix socket `control.socket`')
      return
    case 'debug':
      options.log.level = 'debug'
      return
    case 'local_certs':
      options.internal = true
      return
    case 'http_port':
      if (accepted(address, `:${first}`)) options.httpPort = first
      else reportUnsupported(directive, notes, 'no port')
      return
    case 'https_port':
      if (accepted(address, `:${first}`)) options.httpsPort = first
      else reportUnsupported(directive, notes, 'no port')
      return
    case 'auto_https':
      if (first === 'off' || first === 'disable_redirects') options.redirects = false
      if (first === 'off' || first === 'disable_certs') options.certificates = false
      if (first === 'ignore_loaded_certs')
        notes.untranslated(
          at,
          '`auto_https ignore_loaded_certs`: `use` lists the sources of a certificate; the first usable one serves',
        )
      return
    case 'storage':
      if (first === 'file_system' && texts[1] !== undefined) options.storage = texts[1]
      else if (first === 'file_system' && directive.block?.[0])
        options.storage = ourText(argumentsOf(directive.block[0])[0]?.text ?? '').text
      else notes.untranslated(at, `\`storage ${first}\`: certificates and state are kept in a directory, \`storage\``)
      return
    case 'grace_period':
    case 'shutdown_delay': {
      const time = ourDuration(first)
      if (time === undefined) reportUnsupported(directive, notes, '`shutdown` takes durations such as `30s`')
      else options.shutdown[name === 'grace_period' ? 'budget' : 'deregistrationDelay'] = time
      return
    }
    case 'log':
      readGlobalLog(options.log, directive, notes)
      return
    case 'servers':
      if (first !== '')
        notes.changed(at, `\`servers ${first}\`: limits and trusted proxies are the same on all listeners`)
      for (const option of directive.block ?? []) readServer(options, option, notes)
      return
    case 'default_sni':
      notes.changed(at, '`default_sni`: a client without SNI gets the first certificate')
      return
    default:
      reportUnsupported(directive, notes, 'not supported')
  }
}

const levels: Readonly<Record<string, string>> = {
  debug: 'debug',
  info: 'info',
  warn: 'warn',
  error: 'error',
  panic: 'error',
  fatal: 'error',
}

export function readGlobalLog(log: Written, directive: Directive, notes: Notes): void {
  for (const line of directive.block ?? []) {
    const [value] = argumentsOf(line)
    const text = value?.text ?? ''
    switch (directiveName(line)) {
      case 'level': {
        const level = levels[text.toLowerCase()]
        if (level === undefined) reportUnsupported(line, notes, '`log.level` is debug, info, warn or error')
        else log.level = level
        break
      }
      case 'format':
        if (text === 'console') log.format = 'text'
        else if (text === 'json') log.format = 'json'
        else reportUnsupported(line, notes, '`log.format` is auto, json or text')
        break
      case 'output':
        if (text !== 'stdout' && text !== 'stderr')
          reportUnsupported(
            line,
            notes,
            'everything is logged on stdout; `log.directory` is for the output of processes',
          )
        break
      default:
        reportUnsupported(line, notes, 'there is one log, on stdout, with `level` and `format`')
    }
  }
}

/** Reads one line of `servers`. */
function readServer(options: Options, directive: Directive, notes: Notes): void {
  const name = directiveName(directive)
  const { at } = directive.words[0]
  const texts = argumentsOf(directive).map(({ text }) => ourText(text).text)
  if (name === 'metrics' || name === 'keepalive_interval') return
  switch (name) {
    case 'trusted_proxies':
      readTrusted(options, directive, notes)
      return
    case 'trusted_proxies_strict':
    case 'strict_sni_host':
      return
    case 'client_ip_headers':
      if (texts.join().toLowerCase() !== 'x-forwarded-for')
        reportUnsupported(directive, notes, 'the client address comes from X-Forwarded-For of trusted proxies')
      return
    case 'max_header_size': {
      const size = ourSize(texts[0] ?? '')
      if (size === undefined) reportUnsupported(directive, notes, '`limits.requestHeaders` takes a size such as `16KB`')
      else options.limits.requestHeaders = size
      return
    }
    case 'timeouts':
      for (const line of directive.block ?? []) readTimeout(options.limits, line, notes)
      return
    case 'protocols':
      notes.changed(at, '`protocols`: HTTP/1.1 and h2 are supported; h3 and h2c are not')
      return
    case 'listener_wrappers':
      for (const wrapper of directive.block ?? []) {
        if (directiveName(wrapper) === 'proxy_protocol') options.proxyProtocol = true
        else if (directiveName(wrapper) !== 'tls')
          reportUnsupported(wrapper, notes, 'only `proxy_protocol` is supported, as `proxyProtocol`')
      }
      return
    default:
      reportUnsupported(directive, notes, 'see `gateway.limits`')
  }
}

function readTrusted(options: Options, directive: Directive, notes: Notes): void {
  const [source, ...ranges] = argumentsOf(directive).map(({ text }) => ourText(text).text)
  if (source !== 'static') {
    reportUnsupported(directive, notes, '`trustedProxies` is a list of addresses')
    return
  }
  const wrong = rangesOf(ranges).find((range) => !accepted(addressRanges, range))
  if (wrong !== undefined) {
    reportUnsupported(directive, notes, `\`${wrong}\` is not an address or range, so no proxy is trusted`)
    return
  }
  const narrowed = rangesOf(ranges).filter((range) => !/\/0$/.test(range))
  if (narrowed.length < rangesOf(ranges).length) {
    narrowed.push('loopback', 'private')
    notes.changed(
      directive.words[0].at,
      '`trusted_proxies` trusts everyone, so any client could forge its address: replaced by `loopback` and `private`',
    )
  }
  options.gateway.trustedProxies = [...new Set(narrowed)]
}

const timeouts: Readonly<Record<string, string>> = {
  read_header: 'headerTimeout',
  idle: 'idleTimeout',
  read_body: 'stallTimeout',
}

function readTimeout(limits: Written, line: Directive, notes: Notes): void {
  const key = timeouts[directiveName(line)]
  const time = ourDuration(argumentsOf(line)[0]?.text ?? '')
  if (key === undefined || time === undefined || time === '0') {
    reportUnsupported(line, notes, '`limits.stallTimeout` ends stalled transfers')
    return
  }
  limits[key] = time
  if (key === 'stallTimeout')
    notes.changed(line.words[0].at, '`read_body`: counted from the last byte, not from the first')
}
