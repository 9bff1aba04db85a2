/** The options of `reverse_proxy` about the health of targets and the way to them. */

import type { Notes } from '../notes.ts'
import type { HeaderRules, Written } from '../routes/steps.ts'
import { reportUnsupported } from '../syntax/lines.ts'
import { ourDuration, ourText } from '../syntax/texts.ts'
import { argumentsOf, type Directive, directiveName } from '../syntax/tree.ts'

/** A `reverse_proxy` as far as its block has been read. */
export interface ProxyOptions {
  readonly targets: string[]
  secure: boolean
  readonly upstream: Written
  readonly health: Written
  readonly tls: Written
  readonly timeouts: Written
  request: HeaderRules
  response: HeaderRules
}

const checks: Readonly<Record<string, string>> = { health_interval: 'every', health_timeout: 'timeout' }
const counts: Readonly<Record<string, string>> = { health_fails: 'failures', health_passes: 'successes' }

const passive = 'three failures in a row take a target out for 10 s by default'

/** Returns whether the option is about health. */
export function readHealth(health: Written, option: Directive, notes: Notes): boolean {
  const name = directiveName(option)
  const text = argumentsOf(option)[0]?.text ?? ''
  if (name === 'health_uri' || name === 'health_path') {
    if (/^\/[\x21-\x7e]*$/.test(text)) health.http = ourText(text).text
    else reportUnsupported(option, notes, '`health.http` takes a path such as `/health`')
  } else if (checks[name] !== undefined) duration(health, checks[name], { option, notes })
  else if (counts[name] !== undefined) health[counts[name]] = Number(text) || 1
  else if (name === 'health_status') {
    if (text === '2xx') notes.changed(option.words[0].at, '`health_status`: a target is up at 3xx, too')
    else reportUnsupported(option, notes, 'a target is up at any status from 200 to 399')
  } else if (name.startsWith('health_'))
    reportUnsupported(
      option,
      notes,
      'targets are checked by GET on their own port, and are up at any status from 200 to 399',
    )
  else if (/^(fail_duration|max_fails|unhealthy_)/.test(name))
    notes.changed(option.words[0].at, `\`${name}\`: ${passive}`)
  else return false
  return true
}

interface OptionContext {
  readonly option: Directive
  readonly notes: Notes
}

function duration(entries: Written, key: string, { option, notes }: OptionContext): void {
  const text = argumentsOf(option)[0]?.text ?? ''
  const ours = text.includes('{$') ? ourText(text).text : ourDuration(text)
  if (ours === undefined || ours === '0')
    reportUnsupported(option, notes, `\`${key}\` takes a duration such as \`30s\``)
  else entries[key] = ours
}

/** One line of `transport http`. */
export function readTransport(proxy: ProxyOptions, option: Directive, notes: Notes): void {
  const words = argumentsOf(option)
  const text = ourText(words[0]?.text ?? '').text
  switch (directiveName(option)) {
    case 'dial_timeout':
      duration(proxy.timeouts, 'connect', { option, notes })
      return
    case 'response_header_timeout':
      duration(proxy.timeouts, 'response', { option, notes })
      return
    case 'tls':
      proxy.secure = true
      return
    case 'tls_insecure_skip_verify':
      proxy.secure = true
      proxy.tls.verify = false
      return
    case 'tls_trusted_ca_certs':
      proxy.secure = true
      proxy.tls.ca = text
      if (words.length > 1) reportUnsupported(option, notes, '`ca` is one file; it may hold several authorities')
      return
    case 'tls_server_name':
      proxy.secure = true
      proxy.tls.serverName = text
      return
    case 'read_timeout':
    case 'write_timeout':
      notes.changed(
        option.words[0].at,
        `\`${directiveName(option)}\`: \`limits.stallTimeout\` ends stalled transfers, after 60s by default`,
      )
      return
    case 'keepalive':
    case 'keepalive_idle_conns':
    case 'keepalive_idle_conns_per_host':
    case 'keepalive_interval':
    case 'read_buffer':
    case 'write_buffer':
    case 'max_conns_per_host':
      notes.note(option.words[0].at, `\`${directiveName(option)}\`: the gateway manages connections to targets itself`)
      return
    case 'compression':
      if (text === 'off') return
      reportUnsupported(option, notes, 'upstreams get the `Accept-Encoding` of the client')
      return
    case 'versions':
      if (text.startsWith('1')) return
      reportUnsupported(option, notes, 'requests to targets use HTTP/1.1')
      return
    default:
      reportUnsupported(option, notes, '`timeouts` has `connect` and `response`; `upstreams` has `tls`')
  }
}
