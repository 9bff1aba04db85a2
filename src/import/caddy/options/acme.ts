/** ACME options of the global block, of `tls` and of an `issuer`, each with its own names for the same options. */
import { acmeSchema } from '../../../config/schema/acme.ts'
import type { Value } from '../../reading.ts'
import type { Notes } from '../notes.ts'
import type { Written } from '../routes/steps.ts'
import { reportUnsupported } from '../syntax/lines.ts'
import { ourText } from '../syntax/texts.ts'
import { argumentsOf, type Directive, directiveName } from '../syntax/tree.ts'

/** Reads one line into the entries of `acme`. Returns whether the line is about ACME. */
export function readAcme(acme: Written, line: Directive, notes: Notes): boolean {
  const [text = ''] = argumentsOf(line).map((token) => ourText(token.text).text)
  switch (directiveName(line)) {
    case 'email':
      acme.email = text
      return true
    case 'acme_ca':
    case 'ca':
    case 'dir':
      if (isDirectory(text)) acme.directory = directoryOf(text)
      else reportUnsupported(line, notes, 'a directory is an `https://` URL')
      return true
    case 'acme_ca_root':
    case 'ca_root':
    case 'trusted_roots':
      acme.trust = text
      return true
    case 'acme_eab':
    case 'eab':
      acme.externalAccount = externalAccount(line, notes)
      return true
    case 'key_type':
      readKeyType(acme, line, notes)
      return true
    case 'acme_dns':
    case 'dns':
      Object.assign(acme, byDns)
      notes.changed(
        line.words[0].at,
        `\`${directiveName(line)} ${text}\`: your own program, ./dns-hook, sets the records`,
      )
      return true
    default:
      return false
  }
}

/** What `acme` needs for DNS challenges; the user has to write the program. */
export const byDns = { challenges: ['dns-01'], dns: { run: ['./dns-hook'] } } as const

export function isDirectory(url: string): boolean {
  return /(?<!\$)\$\{/.test(url) || acmeSchema.safeParse({ directory: directoryOf(url) }).success
}

/** Well-known directories by their short names. */
export function directoryOf(url: string): string {
  if (url === 'https://acme-v02.api.letsencrypt.org/directory') return 'letsencrypt'
  if (url === 'https://acme-staging-v02.api.letsencrypt.org/directory') return 'letsencrypt-staging'
  if (url.startsWith('https://acme.zerossl.com/v2/DV90')) return 'zerossl'
  return url
}

/** `key_id` and `mac_key` as lines of a block, or both on the line itself. */
function externalAccount(line: Directive, notes: Notes): Value {
  const of = (name: string) => line.block?.find((one) => directiveName(one) === name)
  const [first, second] = argumentsOf(line)
  const keyId = first ?? of('key_id')?.words[1]
  const mac = second ?? of('mac_key')?.words[1]
  for (const other of line.block ?? [])
    if (!/^(key_id|mac_key)$/.test(directiveName(other)))
      reportUnsupported(other, notes, 'an account has `keyId` and `hmac`')
  const isVariable = mac !== undefined && /^\{(\$|env\.)/.test(mac.text)
  if (mac && !isVariable) notes.changed(mac.at, '`mac_key`: a secret; set ACME_EAB_HMAC')
  return {
    ...(keyId && { keyId: ourText(keyId.text).text }),
    // A key in plain text must not end up in a file that may be shared.
    ...(mac && { hmac: isVariable ? ourText(mac.text).text : '${ACME_EAB_HMAC:-}' }),
  }
}

const keyTypes: Readonly<Record<string, string>> = {
  p256: 'ecdsa-p256',
  p384: 'ecdsa-p384',
  rsa2048: 'rsa-2048',
  rsa4096: 'rsa-4096',
}

function readKeyType(acme: Written, line: Directive, notes: Notes): void {
  const key = keyTypes[argumentsOf(line)[0]?.text ?? '']
  if (key !== undefined) acme.key = key
  else reportUnsupported(line, notes, '`key` is ecdsa-p256, ecdsa-p384, rsa-2048 or rsa-4096')
}
