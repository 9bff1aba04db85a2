/** The routes of all sites in matching order: the most specific host first. */

import type { Notes } from '../notes.ts'
import type { Listeners } from '../options/listeners.ts'
import { isSecure } from '../options/listeners.ts'
import type { Options } from '../options/options.ts'
import type { SiteReading } from '../routes/site.ts'
import { initialState } from '../routes/steps.ts'
import type { TidyRoute } from '../routes/tidy.ts'

/** Consecutive routes on the same listeners. */
export interface Section {
  readonly title?: string
  readonly listeners: readonly string[]
  readonly hosts?: readonly string[]
  readonly routes: readonly TidyRoute[]
}

interface SectionContext {
  readonly listeners: Listeners
  readonly options: Options
  readonly notes: Notes
}

/** As Caddy sorts them: exact names, then wildcards, then all names; longer ones first. */
export function bySpecificity(sites: readonly SiteReading[]): readonly SiteReading[] {
  const longest = ({ addresses }: SiteReading) =>
    Math.max(...addresses.map(({ host }) => host.replaceAll('*', '').length))
  const wild = ({ addresses }: SiteReading) => addresses.some(({ host }) => host === '' || host.includes('*'))
  return [...sites].sort((a, b) => {
    if (longest(a) === 0 || longest(b) === 0) return Math.sign(longest(b)) - Math.sign(longest(a))
    return Number(wild(a)) - Number(wild(b)) || longest(b) - longest(a)
  })
}

const mergedNote =
  'merged with a site that answers the same for all hosts; over TLS only the names of certificates get in'

export function sectionsOf(
  sites: readonly SiteReading[],
  { listeners, options, notes }: SectionContext,
): readonly Section[] {
  const sections: Section[] = []
  for (const site of sites) {
    const names = listeners.of.get(site) ?? []
    const twin = sections.findIndex((other) => alike(other.routes, site.routes) && apart(other.listeners, names))
    const other = sections[twin]
    const hosts = site.addresses.map(({ host }) => host)
    if (other) {
      sections[twin] = together(other, { listeners: names, routes: site.routes, hosts })
      const lifted = sections[twin].hosts === undefined && (other.hosts !== undefined || !hosts.includes(''))
      if (lifted) notes.note(site.at, mergedNote)
      continue
    }
    sections.push({ title: title(site), listeners: names, ...(!hosts.includes('') && { hosts }), routes: site.routes })
  }
  const first = sections.findIndex(({ hosts }) => hosts === undefined)
  const redirect = options.redirects ? toHttps(sites, { listeners, options, notes }) : undefined
  if (redirect) sections.splice(first === -1 ? sections.length : first, 0, redirect)
  // A site for all hosts comes last, even if it was merged with one for some.
  return [...sections.filter(({ hosts }) => hosts), ...sections.filter(({ hosts }) => !hosts)]
}

function title({ addresses, at }: SiteReading): string {
  const names = addresses.map(({ scheme, host, port }) =>
    host === '' ? `:${port}` : `${scheme}://${host}${/^(80|443)$/.test(port) ? '' : `:${port}`}`,
  )
  return `${names.join(', ')} (${at.file}, line ${at.line})`
}

/** Whether routes are the same except for their hosts. */
function alike(a: readonly TidyRoute[], b: readonly TidyRoute[]): boolean {
  const written = (routes: readonly TidyRoute[]) =>
    JSON.stringify(routes.map(({ requests: { hosts: _, ...requests }, at: __, ...route }) => ({ ...route, requests })))
  return written(a) === written(b)
}

function apart(a: readonly string[], b: readonly string[]): boolean {
  return !a.some((name) => b.includes(name))
}

/**
 * Merges a site that answers the same over HTTP and HTTPS. If one of the two is for all hosts, so is the result: over
 * TLS only the names of certificates get in.
 */
function together(one: Section, other: Section): Section {
  const hosts =
    one.hosts && !other.hosts?.includes('') ? [...new Set([...one.hosts, ...(other.hosts ?? [])])] : undefined
  const routes = hosts
    ? one.routes.map((route) => ({ ...route, requests: { ...route.requests, hosts } }))
    : one.routes.map(({ requests: { hosts: _, ...requests }, ...route }) => ({ ...route, requests }))
  return {
    ...(one.title !== undefined && { title: one.title }),
    listeners: [...one.listeners, ...other.listeners],
    ...(hosts && { hosts }),
    routes,
  }
}

/** Redirects HTTP to HTTPS for the hosts that no HTTP site answers. */
function toHttps(sites: readonly SiteReading[], { listeners, options }: SectionContext): Section | undefined {
  const secure = new Map<string, string>()
  const plain = new Set<string>()
  for (const site of sites)
    for (const address of site.addresses)
      if (!isSecure(site, address, options)) plain.add(address.host)
      else if (!secure.has(address.host)) secure.set(address.host, address.port)
  const hosts = [...secure.keys()].filter((host) => host !== '' && !plain.has(host))
  const [at] = sites.map((site) => site.at)
  if (hosts.length === 0 || !at) return undefined
  const address = `:${options.httpPort}`
  const there = [...listeners.all].find(([, other]) => other.address === address && other.tls === undefined)?.[0]
  const name = there ?? 'http'
  if (there === undefined) listeners.all.set(name, { address })
  const routes = [...new Set(hosts.map((host) => secure.get(host) ?? ''))].map((port): TidyRoute => {
    const to = `https://{host}${port === '443' ? '' : `:${port}`}{uri}`
    return {
      requests: { hosts: hosts.filter((host) => secure.get(host) === port) },
      state: { ...initialState, close: true },
      answer: { kind: 'redirect', to, status: 308 },
      at,
      existing: false,
    }
  })
  return { title: 'To HTTPS', listeners: [name], hosts, routes }
}
