/** One site of a Caddyfile: its listeners, routes and certificates. */

import { stepsOf } from '../directives/directives.ts'
import { readTls, type SiteTls } from '../directives/tls.ts'
import type { Place } from '../notes.ts'
import { readAddress, type SiteAddress } from '../options/addresses.ts'
import { type Options, readGlobalLog } from '../options/options.ts'
import { reportUnsupported, type Scope } from '../syntax/lines.ts'
import { ourText } from '../syntax/texts.ts'
import { argumentsOf, type Directive, directiveName, type Site } from '../syntax/tree.ts'
import { runSteps } from './chain.ts'
import { type TidyRoute, tidy } from './tidy.ts'

export interface SiteReading {
  readonly routes: readonly TidyRoute[]
  readonly at: Place
  readonly addresses: readonly SiteAddress[]
  /** Of `bind`; empty: all. */
  readonly interfaces: readonly string[]
  readonly tls: SiteTls
  readonly logged: boolean
  readonly unlogged: readonly string[]
  /** Some requests match nothing in it. */
  readonly open: boolean
  /** `handle_errors` responds with the status as text. */
  readonly plainErrors: boolean
}

export interface SiteContext {
  readonly scope: Scope
  readonly options: Options
  readonly environment: Readonly<Record<string, string>>
}

export function readSite(site: Site, { scope, options, environment }: SiteContext): SiteReading | undefined {
  const { notes } = scope
  const addresses = site.addresses.flatMap((token) => readAddress(token, options, { environment, notes }) ?? [])
  if (addresses.length === 0) return undefined
  const hosts = addresses.some(({ host }) => host === '') ? undefined : [...new Set(addresses.map(({ host }) => host))]
  const chain = runSteps(stepsOf(site.body, scope), hosts, notes)
  const named = (name: string) => site.body.filter((one) => directiveName(one) === name)
  for (const line of named('bind').flatMap(({ block = [] }) => block))
    reportUnsupported(line, notes, 'every listener supports HTTP/1.1 and h2')
  for (const log of named('log')) readGlobalLog(options.log, log, notes)
  return {
    routes: tidy(chain.routes, notes),
    at: site.at,
    addresses,
    interfaces: named('bind').flatMap((one) => argumentsOf(one).map(({ text }) => ourText(text).text)),
    tls: readTls(named('tls'), notes),
    logged: named('log').length > 0,
    unlogged: chain.unlogged,
    open: chain.open,
    plainErrors: named('handle_errors')
      .map((one) => readErrors(one, scope))
      .some(Boolean),
  }
}

const statusText = /^(<\w+>)*\{(http\.error|err)\.status_code\}( \{(http\.error|err)\.status_text\})?(<\/\w+>)*$/

/** Whether errors are plain, as in `404 Not Found`; anything else is reported. */
function readErrors(directive: Directive, { notes }: Scope): boolean {
  const lines = directive.block ?? []
  let plain = false
  for (const line of lines) {
    const [text] = argumentsOf(line)
    if (directiveName(line) === 'respond' && statusText.test(text?.text ?? '')) plain = true
    else if (directiveName(line) !== 'header' || text?.text !== '-Server')
      notes.untranslated(
        line.words[0].at,
        `\`${directiveName(line)}\` in \`handle_errors\`: the gateway answers errors itself; \`errors.format\` is auto, json or plain`,
      )
  }
  return plain
}
