/** Addresses of sites: `example.com`, `:8080`, `http://*.example.com:{$PORT:80}`. */
import { address, domain } from '../../../config/schema/gateway/addresses.ts'
import { validateHostPattern } from '../../../plan/patterns/host-pattern.ts'
import type { Notes, Place } from '../notes.ts'
import { accepted } from '../syntax/accepted.ts'
import { required } from '../syntax/lines.ts'
import { ourText, textNow } from '../syntax/texts.ts'
import type { Token } from '../syntax/tokens.ts'
import type { Options } from './options.ts'

export interface SiteAddress {
  /** In lower case, as our file writes it; empty: all hosts. */
  readonly host: string
  readonly port: string
  readonly scheme: 'http' | 'https'
  readonly at: Place
}

type Environment = Readonly<Record<string, string>>

/** Undefined, and reported, if it is not an address. */
export function readAddress(
  token: Token,
  options: Options,
  { environment, notes }: { environment: Environment; notes: Notes },
): SiteAddress | undefined {
  const text = structural(token.text, environment) ? textNow(token.text, environment) : token.text
  if (text !== token.text)
    notes.changed(
      token.at,
      `\`${token.text}\`: the variable holds more than a host or a port, so the new file has its current value`,
    )
  // An empty host would match every host.
  const ours = required(ourText(text).text)
  const masked = ours.replaceAll(/\$\{[^}]*\}/g, (variable) => 'v'.repeat(variable.length))
  const found = /^(https?:\/\/)?(\[[^\]]*\]|[^:/]*)(?::([^/:]+))?(\/.*)?$/d.exec(masked)
  const part = (index: number) => {
    const range = found?.indices?.[index]
    return range ? ours.slice(...range) : undefined
  }
  const path = part(4)
  if (!found || (path !== undefined && path !== '/' && path !== '/*')) {
    notes.untranslated(token.at, `\`${token.text}\`: a site has a host and a port; a path belongs in its routes`)
    return undefined
  }
  const scheme = part(1)?.slice(0, -3)
  const host = (part(2) ?? '').replace(/^\*$/, '')
  const written = part(3)
  const port = written ?? (scheme === 'http' ? options.httpPort : options.httpsPort)
  const isHost =
    host === '' || (accepted(domain, bareHost(host)) && (/(?<!\$)\$\{/.test(host) || !validateHostPattern(host)))
  if (!isHost || !accepted(address, `:${port}`)) {
    notes.untranslated(token.at, `\`${token.text}\`: a site has a host and a port; this is not a valid host or port`)
    return undefined
  }
  return {
    host: host.includes('${') ? host : host.toLowerCase(),
    port,
    scheme: schemeOf({ scheme, host, written }, options),
    at: token.at,
  }
}

function bareHost(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1')
}

/** As in Caddy: a host without `http://` and without the HTTP port uses HTTPS. */
function schemeOf(
  { scheme, host, written }: { scheme: string | undefined; host: string; written: string | undefined },
  { httpPort, httpsPort }: Options,
): 'http' | 'https' {
  if (scheme === 'http' || scheme === 'https') return scheme
  if (written === httpPort) return 'http'
  if (written === httpsPort) return 'https'
  return host === '' ? 'http' : 'https'
}

function structural(text: string, environment: Environment): boolean {
  return [...text.matchAll(/\{\$[^}]*\}/g)].some(([variable]) => /[:/\s,]/.test(textNow(variable, environment)))
}
