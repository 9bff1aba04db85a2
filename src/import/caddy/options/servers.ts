/** The global option `servers`: limits of connections, and who is believed. */
import { addressRanges } from '../../../config/schema/gateway/ranges.ts'
import { rangesOf } from '../directives/matchers.ts'
import type { Notes } from '../notes.ts'
import type { Written } from '../routes/steps.ts'
import { accepted } from '../syntax/accepted.ts'
import { leftOut } from '../syntax/lines.ts'
import { ourDuration, ourSize, ourText } from '../syntax/texts.ts'
import { argumentsOf, type Directive, directiveName } from '../syntax/tree.ts'
import type { Options } from './options.ts'

/** One line of `servers`. */
export function readServer(options: Options, directive: Directive, notes: Notes): void {
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
        leftOut(directive, notes, 'the client is read from X-Forwarded-For of trusted proxies')
      return
    case 'max_header_size': {
      const size = ourSize(texts[0] ?? '')
      if (size === undefined) leftOut(directive, notes, '`limits.requestHeaders` takes a size such as `16KB`')
      else options.limits.requestHeaders = size
      return
    }
    case 'timeouts':
      for (const line of directive.block ?? []) readTimeout(options.limits, line, notes)
      return
    case 'protocols':
      notes.changed(at, '`protocols`: HTTP/1.1 and h2 are spoken; h3 and h2c are not')
      return
    case 'listener_wrappers':
      for (const wrapper of directive.block ?? []) {
        if (directiveName(wrapper) === 'proxy_protocol') options.proxyProtocol = true
        else if (directiveName(wrapper) !== 'tls') leftOut(wrapper, notes, '`proxyProtocol` is the only one of these')
      }
      return
    default:
      leftOut(directive, notes, 'see `gateway.limits`')
  }
}

function readTrusted(options: Options, directive: Directive, notes: Notes): void {
  const [source, ...ranges] = argumentsOf(directive).map(({ text }) => ourText(text).text)
  if (source !== 'static') {
    leftOut(directive, notes, '`trustedProxies` is a list of addresses')
    return
  }
  const wrong = rangesOf(ranges).find((range) => !accepted(addressRanges, range))
  if (wrong !== undefined) {
    leftOut(directive, notes, `\`${wrong}\` is no address or range, and nobody is trusted`)
    return
  }
  const narrowed = rangesOf(ranges).filter((range) => !/\/0$/.test(range))
  if (narrowed.length < rangesOf(ranges).length) {
    narrowed.push('loopback', 'private')
    notes.changed(
      directive.words[0].at,
      '`trusted_proxies` named everybody, so any client could give itself any address: `loopback` and `private` in its place',
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
    leftOut(line, notes, 'what stands still is ended by `limits.stallTimeout`')
    return
  }
  limits[key] = time
  if (key === 'stallTimeout')
    notes.changed(line.words[0].at, '`read_body`: counted from the last byte, not from the first')
}
