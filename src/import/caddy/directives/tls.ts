/** The directive `tls`: certificates of the site and of its clients. */

import type { Notes } from '../notes.ts'
import { directoryOf, isDirectory, readAcme } from '../options/acme.ts'
import type { Written } from '../routes/steps.ts'
import { reportUnsupported } from '../syntax/lines.ts'
import { ourText } from '../syntax/texts.ts'
import { argumentsOf, type Directive, directiveName } from '../syntax/tree.ts'

export interface SiteTls {
  /** The site has the directive, so it uses TLS regardless of its address. */
  readonly wanted: boolean
  readonly files?: { readonly certificate: string; readonly key: string }
  readonly internal: boolean
  /** For `acme`, on top of the global ones. */
  readonly acme: Written
  /** For the listener. */
  readonly clientCertificates?: Written
}

interface Parts {
  files?: NonNullable<SiteTls['files']>
  internal: boolean
  acme: Written
  clientCertificates?: Written
}

export function readTls(directives: readonly Directive[], notes: Notes): SiteTls {
  const parts: Parts = { internal: false, acme: {} }
  for (const directive of directives) {
    const [first, second] = argumentsOf(directive).map(({ text }) => ourText(text).text)
    if (first === 'internal') parts.internal = true
    else if (first !== undefined && second !== undefined) {
      if (parts.files)
        notes.untranslated(
          directive.words[0].at,
          '`tls`: a second certificate; give it its own entry in `certificates`',
        )
      else parts.files = { certificate: first, key: second }
    } else if (first === 'off')
      notes.untranslated(directive.words[0].at, '`tls off`: write the address of the site with `http://`')
    else if (first !== undefined && first !== 'force_automate') parts.acme.email = first
    for (const option of directive.block ?? []) readOption(parts, option, notes)
  }
  return { wanted: directives.length > 0, ...parts }
}

function readOption(parts: Parts, option: Directive, notes: Notes): void {
  const texts = argumentsOf(option).map(({ text }) => ourText(text).text)
  const [first = ''] = texts
  if (readAcme(parts.acme, option, notes)) return
  switch (directiveName(option)) {
    case 'protocols':
      if (first !== 'tls1.2' || (texts[1] ?? 'tls1.3') !== 'tls1.3')
        notes.changed(option.words[0].at, '`protocols`: TLS 1.2 with forward secrecy and TLS 1.3 are supported')
      return
    case 'ciphers':
    case 'curves':
    case 'alpn':
      reportUnsupported(option, notes, 'not configurable: TLS 1.2 with forward secrecy and TLS 1.3, h2 and HTTP/1.1')
      return
    case 'issuer':
      readIssuer(parts, option, notes)
      return
    case 'client_auth':
      readClients(parts, option, notes)
      return
    case 'on_demand':
      reportUnsupported(option, notes, 'certificates are only for names listed in `domains`')
      return
    default:
      reportUnsupported(option, notes, 'see `certificates` and docs/tls.md')
  }
}

function readIssuer(parts: Parts, option: Directive, notes: Notes): void {
  const [kind, value] = argumentsOf(option).map(({ text }) => ourText(text).text)
  if (kind === 'internal') parts.internal = true
  else if (kind === 'acme') {
    if (value !== undefined && isDirectory(value)) parts.acme.directory = directoryOf(value)
    for (const line of option.block ?? []) {
      const text = ourText(argumentsOf(line)[0]?.text ?? '').text
      if (readAcme(parts.acme, line, notes)) continue
      if (directiveName(line) === 'profile') parts.acme.profile = text
      else reportUnsupported(line, notes, 'see `acme` in `certificates`')
    }
  } else
    reportUnsupported(option, notes, 'the issuers are `acme` and `internal`; ZeroSSL is `acme: { directory: zerossl }`')
}

const modes: Readonly<Record<string, string>> = { require_and_verify: 'required', verify_if_given: 'requested' }

function readClients(parts: Parts, option: Directive, notes: Notes): void {
  let ca: string | undefined
  let mode = 'required'
  for (const line of option.block ?? []) {
    const texts = argumentsOf(line).map(({ text }) => ourText(text).text)
    const name = directiveName(line)
    if (name === 'trusted_ca_cert_file') ca = texts[0]
    else if (name === 'trust_pool' && texts[0] === 'file')
      ca = texts[1] ?? ourText(argumentsOf(line.block?.[0] ?? line)[0]?.text ?? '').text
    else if (name === 'mode' && modes[texts[0] ?? '']) mode = modes[texts[0] ?? ''] ?? mode
    else reportUnsupported(line, notes, '`clientCertificates` has `ca`, a file, and `mode`, required or requested')
  }
  if (ca === undefined)
    notes.untranslated(option.words[0].at, '`client_auth`: `clientCertificates.ca` needs a file with the authorities')
  else parts.clientCertificates = { ca, mode }
}
