import { isIP } from 'node:net'
import { acmeDirectories } from '../../config/schema/acme.ts'
import { type Check, quotedValue, valuePosition } from '../resolve/plan-context.ts'

/** CAs accept only DNS challenges for wildcards (RFC 8555 §7.1.3 leaves it to them). */
export const acmeWildcards: Check = (context, report) => {
  for (const [index, { domains, use }] of context.config.certificates.entries()) {
    const wildcard = domains.findIndex((domain) => domain.startsWith('*.'))
    if (wildcard === -1) continue
    for (const { acme } of use) {
      if (!acme || acme.dns) continue
      report({
        code: 'contradiction',
        at: valuePosition(context, ['certificates', index, 'domains', wildcard]),
        message: 'a wildcard certificate from an ACME server needs a DNS challenge',
        hint: 'add `dns: { run: [./dns-hook] }` to its source, or list the hosts one by one',
      })
    }
  }
}

/**
 * Names that no public CA knows (RFC 6761, RFC 6762, CA/Browser Forum Baseline Requirements 4.2.2); a private one may.
 */
export const acmePrivateNames: Check = (context, report) => {
  for (const [index, { domains, use }] of context.config.certificates.entries()) {
    if (!use.some(({ acme }) => acme !== undefined && isPublic(acme.directory))) continue
    for (const [place, domain] of domains.entries()) {
      const why = reasonNotPublic(
        domain,
        use.every(({ acme }) => acme?.profile !== 'shortlived'),
      )
      if (why === undefined) continue
      report({
        severity: 'warning',
        code: 'contradiction',
        at: valuePosition(context, ['certificates', index, 'domains', place]),
        message: `no public CA issues a certificate for ${quotedValue(context, ['certificates', index, 'domains', place])}, ${why}`,
        hint: 'use `internal` for it in an entry of its own, or a private CA with `directory: https://...`',
      })
    }
  }
}

function isPublic(directory: string): boolean {
  return Object.entries(acmeDirectories).some(
    ([name, { url, staging }]) => directory === name || directory === url || directory === staging,
  )
}

const privateEndings =
  /(?:^|\.)(?:localhost|local|internal|intranet|lan|home|corp|private|home\.arpa|test|invalid|onion)$/

const privateAddresses = /^(?:10\.|127\.|192\.168\.|169\.254\.|172\.(?:1[6-9]|2\d|3[01])\.|::1$|f[cd]|fe80:)/

/** `onlyNames`: no source asks for a profile under which Let's Encrypt certifies public addresses. */
function reasonNotPublic(domain: string, onlyNames: boolean): string | undefined {
  if (isIP(domain) !== 0) {
    if (privateAddresses.test(domain)) return 'a private address'
    return onlyNames ? 'an IP address, unless with `profile: shortlived`' : undefined
  }
  const name = domain.replace(/^\*\./, '')
  if (privateEndings.test(name)) return 'which is not in the public DNS'
  return name.includes('.') ? undefined : 'a name without a dot'
}
