import { type Check, valueAt } from '../asked.ts'

/** No CA takes another proof for a wildcard (RFC 8555 §7.1.3 leaves it to them, and all of them decided so). */
export const acmeWildcards: Check = (asked, report) => {
  for (const [index, { domains, use }] of asked.config.certificates.entries()) {
    const wildcard = domains.findIndex((domain) => domain.startsWith('*.'))
    if (wildcard === -1) continue
    for (const { acme } of use) {
      if (!acme || acme.dns) continue
      report({
        code: 'contradiction',
        at: valueAt(asked, ['certificates', index, 'domains', wildcard]),
        message: 'an ACME server issues a wildcard only for what is proved in the DNS',
        mend: 'add `dns: { run: [./dns-hook] }` to its source, or name the hosts one by one',
      })
    }
  }
}
