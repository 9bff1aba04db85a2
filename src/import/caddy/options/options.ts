/** The global options, in the first block of a Caddyfile. */

import { address } from '../../../config/schema/gateway/addresses.ts'
import type { Notes } from '../notes.ts'
import { orderWith } from '../routes/order.ts'
import type { Written } from '../routes/steps.ts'
import { accepted } from '../syntax/accepted.ts'
import { leftOut } from '../syntax/lines.ts'
import { ourDuration, ourText } from '../syntax/texts.ts'
import { argumentsOf, type Directive, directiveName } from '../syntax/tree.ts'
import { readAcme } from './acme.ts'
import { readServer } from './servers.ts'

export interface Options {
  readonly order: readonly string[]
  /** Of `gateway`, for all. */
  readonly gateway: Written
  readonly limits: Written
  readonly log: Written
  readonly shutdown: Written
  /** Of `acme` in sources of certificates. */
  readonly acme: Written
  /** Certificates come from our own authority. */
  internal: boolean
  /** The folder in which Caddy keeps its certificates. */
  storage?: string
  httpPort: string
  httpsPort: string
  redirects: boolean
  certificates: boolean
  proxyProtocol: boolean
}

/** What needs no option here, or is nothing that a gateway without these parts could do. */
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
        notes.changed(at, '`admin`: there is no port for orders; they come over the Unix socket `control.socket`')
      return
    case 'debug':
      options.log.level = 'debug'
      return
    case 'local_certs':
      options.internal = true
      return
    case 'http_port':
      if (accepted(address, `:${first}`)) options.httpPort = first
      else leftOut(directive, notes, 'no port')
      return
    case 'https_port':
      if (accepted(address, `:${first}`)) options.httpsPort = first
      else leftOut(directive, notes, 'no port')
      return
    case 'auto_https':
      if (first === 'off' || first === 'disable_redirects') options.redirects = false
      if (first === 'off' || first === 'disable_certs') options.certificates = false
      if (first === 'ignore_loaded_certs')
        notes.untranslated(
          at,
          '`auto_https ignore_loaded_certs`: the sources of a certificate stand in `use`, the first that can serve does',
        )
      return
    case 'storage':
      if (first === 'file_system' && texts[1] !== undefined) options.storage = texts[1]
      else if (first === 'file_system' && directive.block?.[0])
        options.storage = ourText(argumentsOf(directive.block[0])[0]?.text ?? '').text
      else notes.untranslated(at, `\`storage ${first}\`: certificates and state are kept in a folder, \`storage\``)
      return
    case 'grace_period':
    case 'shutdown_delay': {
      const time = ourDuration(first)
      if (time === undefined) leftOut(directive, notes, '`shutdown` takes durations such as `30s`')
      else options.shutdown[name === 'grace_period' ? 'budget' : 'deregistrationDelay'] = time
      return
    }
    case 'log':
      readGlobalLog(options.log, directive, notes)
      return
    case 'servers':
      if (first !== '')
        notes.changed(at, `\`servers ${first}\`: limits and proxies that are believed are the same on all listeners`)
      for (const option of directive.block ?? []) readServer(options, option, notes)
      return
    case 'default_sni':
      notes.changed(at, '`default_sni`: a client that names no host is shown the first certificate')
      return
    default:
      leftOut(directive, notes, 'no option of ours does this')
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
        if (level === undefined) leftOut(line, notes, '`log.level` is debug, info, warn or error')
        else log.level = level
        break
      }
      case 'format':
        if (text === 'console') log.format = 'text'
        else if (text === 'json') log.format = 'json'
        else leftOut(line, notes, '`log.format` is auto, json or text')
        break
      case 'output':
        if (text !== 'stdout' && text !== 'stderr')
          leftOut(line, notes, 'everything is logged on stdout; `log.directory` is for what processes write')
        break
      default:
        leftOut(line, notes, 'there is one log, on stdout, with `level` and `format`')
    }
  }
}
