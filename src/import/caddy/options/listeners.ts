/** Listeners for the addresses of sites: one for each interface, port and scheme. */
import { address as addressSchema } from '../../../config/schema/gateway/addresses.ts'
import type { Notes } from '../notes.ts'
import type { SiteReading } from '../routes/site.ts'
import type { Written } from '../routes/steps.ts'
import { accepted } from '../syntax/accepted.ts'
import type { Options } from './options.ts'

/** `of`: the names of the listeners of each site. */
export interface Listeners {
  readonly all: Map<string, Written>
  readonly of: ReadonlyMap<SiteReading, readonly string[]>
}

export function isSecure(
  { tls }: SiteReading,
  { scheme, port }: SiteReading['addresses'][number],
  options: Options,
): boolean {
  return scheme === 'https' || (tls.wanted && port !== options.httpPort)
}

export function listenersOf(sites: readonly SiteReading[], options: Options, notes: Notes): Listeners {
  const found = new Map<string, { listener: Written; tls: boolean; port: string; sites: Set<SiteReading> }>()
  for (const site of sites)
    for (const address of site.addresses)
      for (const host of site.interfaces.length > 0 ? site.interfaces : ['']) {
        const tls = isSecure(site, address, options)
        const where = `${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${address.port}`
        if (!accepted(addressSchema, where)) {
          notes.untranslated(address.at, `\`bind ${host}\`: a listener needs an address of this machine`)
          continue
        }
        const there = found.get(where)
        if (there && there.tls !== tls)
          notes.untranslated(
            address.at,
            `${where} serves ${there.tls ? 'HTTPS' : 'HTTP'} for another site: a listener serves either HTTP or HTTPS`,
          )
        const entry = there ?? { listener: {}, tls, port: address.port, sites: new Set() }
        found.set(where, entry)
        entry.sites.add(site)
        entry.listener.address = where
        if (entry.tls) entry.listener.tls = true
        if (options.proxyProtocol) entry.listener.proxyProtocol = 'any'
        if (site.tls.clientCertificates && entry.tls) entry.listener.clientCertificates = site.tls.clientCertificates
      }
  const all = new Map<string, Written>()
  const of = new Map<SiteReading, string[]>()
  for (const { listener, tls, port, sites: its } of found.values()) {
    const name = freeName(all, tls ? 'https' : 'http', { port, usual: tls ? options.httpsPort : options.httpPort })
    all.set(name, listener)
    for (const site of its) of.set(site, [...(of.get(site) ?? []), name])
  }
  return { all, of }
}

function freeName(
  taken: ReadonlyMap<string, unknown>,
  scheme: string,
  { port, usual }: { port: string; usual: string },
): string {
  const number = /\d+/.exec(port)?.[0] ?? ''
  const wanted = port === usual || port.includes('${') ? scheme : `${scheme}-${number}`
  const names = [wanted, `${scheme}-${number}`, ...Array.from({ length: 100 }, (_, index) => `${scheme}-${index + 2}`)]
  return names.find((name) => !taken.has(name)) ?? wanted
}
