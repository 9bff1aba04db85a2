/** From sites to our file: listeners, routes in order, and shared options under `gateway`. */
import type { Comment, Entries, Fragment, Value } from '../../reading.ts'
import { commonOf } from '../common.ts'
import { passwordVariable } from '../directives/guards.ts'
import { certificatesOf } from '../options/certificates.ts'
import { listenersOf } from '../options/listeners.ts'
import type { Options } from '../options/options.ts'
import type { Scope } from '../syntax/lines.ts'
import { bySpecificity, type Section, sectionsOf } from '../syntax/sections.ts'
import { headerEntries, type RouteWriting, routeEntry } from './routes.ts'
import type { SiteReading } from './site.ts'
import { everyAddress, type ProxyAnswer, type Written } from './steps.ts'
import type { TidyRoute } from './tidy.ts'

export interface Assembled {
  readonly config: Fragment
  readonly comments: readonly Comment[]
}

export function assemble(read: readonly SiteReading[], options: Options, scope: Scope): Assembled {
  const { notes, gathered, requestIds } = scope
  const sites = bySpecificity(read)
  const listeners = listenersOf(sites, options, notes)
  const sections = sectionsOf(sites, { listeners, options, notes })
  const all = sections.flatMap(({ routes }) => routes)
  const common = commonOf(all, new Set(requestIds.names))
  const upstreams = new Map<string, Entries>()
  const routes: Value[] = []
  const comments: Comment[] = []
  for (const section of sections) {
    // All its addresses were refused.
    if (section.listeners.length === 0) continue
    if (section.title !== undefined && section.routes.length > 0)
      comments.push({ path: ['gateway', 'routes', routes.length], text: section.title })
    for (const [index, { state }] of section.routes.entries())
      if (state.deny === everyAddress && (index > 0 || section.title === undefined))
        comments.push({ path: ['gateway', 'routes', routes.length + index], text: 'Rejects all requests: see `deny`' })
    routes.push(
      ...section.routes.map((route) =>
        routeEntry(route, writing(section, { common, upstreams, names: listeners.all.size })),
      ),
    )
  }
  for (const site of sites) reportUnanswered(site, scope)
  reportDefaults(all, sites, scope)
  const requestId = requestIds.entry()
  const limits = { ...(common.requestBody !== undefined && { requestBody: common.requestBody }), ...options.limits }
  const gateway: Written = {
    listeners: Object.fromEntries(listeners.all),
    ...options.gateway,
    ...(requestId && { requestId }),
    ...(Object.keys(limits).length > 0 && { limits }),
    ...(common.rateLimit && { rateLimit: common.rateLimit }),
    ...(gathered.compression && { compression: gathered.compression }),
    ...headerEntries('request', common.request),
    ...headerEntries('response', common.response),
    ...(sites.some(({ plainErrors }) => plainErrors) && { errors: { format: 'plain' } }),
    accessLog: accessLog(sites),
    routes,
  }
  const certificates = certificatesOf(sites, options, notes)
  const users = [...gathered.users].map(([key, name]): [string, Entries] => [
    key,
    { ...(name !== key && { name }), password: `\${${passwordVariable(key)}:-}` },
  ])
  return {
    config: {
      gateway,
      ...(upstreams.size > 0 && { upstreams: Object.fromEntries(upstreams) }),
      ...(users.length > 0 && { users: Object.fromEntries(users) }),
      ...(certificates.length > 0 && { certificates }),
      ...(Object.keys(options.shutdown).length > 0 && { shutdown: options.shutdown }),
      ...(Object.keys(options.log).length > 0 && { log: options.log }),
    },
    comments,
  }
}

function accessLog(sites: readonly SiteReading[]): Value {
  if (!sites.some(({ logged }) => logged)) return false
  const skip = [...new Set(sites.flatMap(({ unlogged }) => unlogged))]
  return skip.length > 0 ? { skip } : true
}

interface Writing {
  readonly common: RouteWriting['common']
  readonly upstreams: Map<string, Entries>
  /** The number of listeners. */
  readonly names: number
}

function writing(section: Section, { common, upstreams, names }: Writing): RouteWriting {
  return {
    common,
    ...(section.listeners.length < names && { listeners: section.listeners }),
    upstreamFor: (answer, route) => upstreamFor(answer, route, upstreams),
  }
}

/** The name of the upstream, added if it is new; undefined: a single target without options needs none. */
function upstreamFor(
  { targets, upstream }: ProxyAnswer,
  route: TidyRoute,
  upstreams: Map<string, Entries>,
): string | undefined {
  if (targets.length === 1 && Object.keys(upstream).length === 0) return undefined
  const entry: Entries = { targets, ...upstream }
  const same = [...upstreams].find(([, other]) => JSON.stringify(other) === JSON.stringify(entry))
  if (same) return same[0]
  const [path = '', host = ''] = [route.requests.paths?.[0], route.requests.hosts?.[0]]
  const words =
    path.split('/').find((word) => /^[a-z0-9][\w-]*$/i.test(word)) ??
    host.split('.').find((word) => /^[a-z0-9][\w-]*$/i.test(word))
  const stem = (words ?? 'upstream').toLowerCase()
  let name = stem
  for (let number = 2; upstreams.has(name); number += 1) name = `${stem}-${number}`
  upstreams.set(name, entry)
  return name
}

function reportUnanswered({ at, open, addresses }: SiteReading, { notes }: Scope): void {
  if (!open) return
  const hosts = addresses.map(({ host }) => host).filter(Boolean)
  const which = hosts.length > 0 ? ` for ${hosts.join(', ')}` : ''
  notes.changed(
    at,
    `requests${which} that no directive answers get 200 without a body from Caddy; here they get the next route that matches, or 404`,
  )
}

function reportDefaults(routes: readonly TidyRoute[], sites: readonly SiteReading[], { notes, gathered }: Scope): void {
  const proxy = routes.find(({ answer }) => answer.kind === 'proxy' && answer.timeouts.response === undefined)
  if (proxy)
    notes.changed(
      proxy.at,
      'Caddy waits for an upstream without limit; here its response must begin within 120s (`timeouts.response`)',
    )
  const unbounded = routes.find(({ answer, state }) => answer.kind === 'proxy' && state.requestBody === undefined)
  if (unbounded) notes.changed(unbounded.at, 'request bodies are now limited to 150MB (`limits.requestBody`)')
  const [first] = sites
  if (first && !gathered.compression)
    notes.note(first.at, 'responses are compressed for clients that accept it; `compression: false` turns it off')
}
