/** Certificates for the names that sites serve over HTTPS. */
import { isIP } from 'node:net'
import type { Value } from '../../reading.ts'
import type { Notes } from '../notes.ts'
import type { SiteReading } from '../routes/site.ts'
import type { Written } from '../routes/steps.ts'
import { byDns } from './acme.ts'
import { isSecure } from './listeners.ts'
import type { Options } from './options.ts'

/** Names that no public authority signs, so Caddy's internal authority does, and ours. */
const privateNames = /(^|\.)(localhost|local|internal|home\.arpa|test|example|invalid)$/

export function certificatesOf(sites: readonly SiteReading[], options: Options, notes: Notes): readonly Value[] {
  const entries = new Map<string, { domains: string[]; use: Value }>()
  for (const site of sites) {
    const secure = site.addresses.filter((address) => isSecure(site, address, options))
    if (secure.length === 0) continue
    const named = [...new Set(secure.map(({ host }) => host).filter((host) => host !== ''))]
    const open = named.length < secure.length
    const domains = named.length > 0 ? named : namesElsewhere(sites)
    if (named.length === 0)
      notes.changed(
        site.at,
        `the site serves every name; its certificate is for ${domains.join(', ')}: list its hosts in \`certificates\``,
      )
    for (const own of [true, false]) {
      const group = domains.filter((name) => isPrivate(name) === own)
      if (group.length === 0) continue
      const wildcard = group.some((name) => name.startsWith('*.'))
      const use = sourcesOf(site, { options, own, open, wildcard })
      if (wildcard && JSON.stringify(use).includes('./dns-hook') && !(site.tls.acme.dns ?? options.acme.dns))
        notes.changed(
          site.at,
          'a certificate for `*.` needs a DNS challenge: your own program, ./dns-hook, sets the records',
        )
      const key = JSON.stringify(use)
      const entry = entries.get(key) ?? { domains: [], use }
      entries.set(key, entry)
      entry.domains.push(...group.map(bare).filter((name) => !entry.domains.includes(name)))
    }
  }
  return [...entries.values()].map(({ domains, use }) => ({ domains, use }))
}

function namesElsewhere(sites: readonly SiteReading[]): readonly string[] {
  const names = sites.flatMap(({ addresses }) => addresses.map(({ host }) => host)).filter((host) => host !== '')
  return names.length > 0 ? [...new Set(names)] : ['localhost']
}

function bare(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1')
}

function isPrivate(host: string): boolean {
  return isIP(bare(host)) !== 0 || privateNames.test(host)
}

interface SourceContext {
  readonly options: Options
  /** The internal authority must sign. */
  readonly own: boolean
  /** The site serves any name. */
  readonly open: boolean
  readonly wildcard: boolean
}

function sourcesOf({ tls }: SiteReading, { options, own, open, wildcard }: SourceContext): Value {
  if (tls.files) return [{ files: { ...tls.files, ...(open && { anyName: true }) } }]
  if (tls.internal || options.internal || own || !options.certificates) return [{ internal: {} }]
  const acme: Written = { ...options.acme, ...tls.acme }
  if (wildcard && acme.dns === undefined) Object.assign(acme, byDns)
  // Caddy's certificates are used until they are due for renewal.
  return [...(options.storage === undefined ? [] : [{ caddy: { storage: options.storage } }]), { acme }]
}
