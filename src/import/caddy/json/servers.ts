/** Servers of Caddy's JSON as sites, and what they share as global options. */
import type { Token } from '../syntax/tokens.ts'
import type { Directive, Site, Tree } from '../syntax/tree.ts'
import { duration, line, type Placed, size, word } from './lines.ts'
import { routeLines } from './routes.ts'
import { entriesOf, entry, isTrue, itemsOf, type Json, textOf } from './tree.ts'

/** The whole file as the tree of a Caddyfile. */
export function caddyfileTree(whole: Json): Tree {
  const servers = entriesOf(whole, 'apps', 'http', 'servers')
  return {
    options: [...globalLines(whole), ...servers.flatMap(([, server]) => serverLines(server))],
    sites: servers.flatMap(([, server]) => sitesOf(server, whole)),
  }
}

function sitesOf(server: Json, whole: Json): readonly Site[] {
  const alike = [...logLines(server), ...errorLines(server)]
  const sites: Site[] = []
  let others: Json[] = []
  const addOthers = () => {
    const [first] = others
    if (first)
      sites.push({ at: first.at, addresses: addressesOf(server, whole, []), body: [inOrder(first, others), ...alike] })
    others = []
  }
  for (const route of itemsOf(server, 'routes')) {
    const hosts = hostsOf(route)
    if (hosts.length === 0) {
      others.push(route)
      continue
    }
    addOthers()
    const [handler] = itemsOf(route, 'handle')
    const addresses = addressesOf(server, whole, hosts)
    sites.push({
      at: route.at,
      addresses,
      body: [inOrder(route, itemsOf(handler, 'routes')), ...tlsLines(whole, hosts), ...alike],
    })
  }
  addOthers()
  return sites
}

/** The hosts of a route that is a whole site: it is terminal and matches only the host. */
function hostsOf(route: Json): readonly Json[] {
  const sets = itemsOf(route, 'match')
  const handlers = itemsOf(route, 'handle')
  const whole = isTrue(route, 'terminal') && handlers.length === 1 && textOf(handlers[0], 'handler') === 'subroute'
  return whole && sets.length === 1 && sets[0]?.entries?.size === 1 ? itemsOf(sets[0], 'host') : []
}

function inOrder(at: Json, routes: readonly Json[]): Directive {
  return line(word(at, 'route'), [], routeLines(routes))
}

function addressesOf(server: Json, whole: Json, hosts: readonly Json[]): readonly Token[] {
  const httpPort = textOf(whole, 'apps', 'http', 'http_port') ?? '80'
  const httpsPort = textOf(whole, 'apps', 'http', 'https_port') ?? '443'
  const off = isTrue(server, 'automatic_https', 'disable')
  // Routes already name the hosts, so `match` counts as read; anything else in a policy is reported.
  for (const policy of itemsOf(server, 'tls_connection_policies')) entry(policy, 'match')
  return itemsOf(server, 'listen').flatMap((listen): Token[] => {
    const [, port = ''] = /:(\d+)$/.exec(listen.text ?? '') ?? []
    const asked = entry(server, 'tls_connection_policies') !== undefined || port === httpsPort
    const names: readonly (Json | Placed)[] = hosts.length > 0 ? hosts : [word(listen, '')]
    return names.map((name) => {
      const secure = asked || (hosts.length > 0 && port !== httpPort && !off)
      const text = `${secure ? 'https' : 'http'}://${name.text}:${port}`
      return { text, at: name.at, first: true, quoted: false }
    })
  })
}

function logLines(server: Json): readonly Directive[] {
  const logs = entry(server, 'logs')
  return logs ? [line(word(logs, 'log'))] : []
}

function errorLines(server: Json): readonly Directive[] {
  const routes = itemsOf(server, 'errors', 'routes')
  const handlers = handlersIn(routes).filter((handler) => textOf(handler, 'handler') !== 'subroute')
  const [first] = routes
  if (!first) return []
  return [
    line(
      word(first, 'handle_errors'),
      [],
      handlers.map((handler) => {
        const kind = textOf(handler, 'handler') ?? 'a handler without a name'
        return kind === 'static_response'
          ? line(word(handler, 'respond'), [entry(handler, 'body')])
          : line(word(handler, kind))
      }),
    ),
  ]
}

function handlersIn(routes: readonly Json[]): readonly Json[] {
  return routes
    .flatMap((route) => itemsOf(route, 'handle'))
    .flatMap((handler) => [handler, ...handlersIn(itemsOf(handler, 'routes'))])
}

function tlsLines(whole: Json, hosts: readonly Json[]): readonly Directive[] {
  const policy = itemsOf(whole, 'apps', 'tls', 'automation', 'policies').find((one) => {
    const subjects = itemsOf(one, 'subjects').map(({ text }) => text)
    return hosts.some(({ text }) => subjects.includes(text))
  })
  const [issuer] = itemsOf(policy, 'issuers')
  const [pair] = itemsOf(whole, 'apps', 'tls', 'certificates', 'load_files')
  const found: Directive[] = []
  if (pair) found.push(line(word(pair, 'tls'), [entry(pair, 'certificate'), entry(pair, 'key')]))
  if (issuer) found.push(line(word(issuer, 'tls'), [], [issuerLine(issuer)]))
  return found
}

function issuerLine(issuer: Json): Directive {
  const kind = word(issuer, textOf(issuer, 'module') ?? 'acme')
  const [root] = itemsOf(issuer, 'trusted_roots_pem_files')
  const one = (name: string, value: Json | undefined) => (value ? [line(word(value, name), [value])] : [])
  return line(
    word(issuer, 'issuer'),
    [kind],
    [...one('dir', entry(issuer, 'ca')), ...one('email', entry(issuer, 'email')), ...one('trusted_roots', root)],
  )
}

function globalLines(whole: Json): readonly Directive[] {
  const http = entry(whole, 'apps', 'http')
  const one = (name: string, value: Placed | Json | undefined) =>
    value?.text ? [line(word(value, name), [value])] : []
  const storage = entry(whole, 'storage')
  return [
    ...one('http_port', entry(http, 'http_port')),
    ...one('https_port', entry(http, 'https_port')),
    ...one('grace_period', duration(entry(http, 'grace_period'))),
    ...one('shutdown_delay', duration(entry(http, 'shutdown_delay'))),
    ...one('admin', entry(whole, 'admin', 'listen')),
    ...(storage ? [line(word(storage, 'storage'), [entry(storage, 'module'), entry(storage, 'root')])] : []),
    ...entriesOf(http, 'servers').flatMap(([, server]) => automaticLines(server)),
  ]
}

function automaticLines(server: Json): readonly Directive[] {
  const automatic = entry(server, 'automatic_https')
  if (!automatic) return []
  if (isTrue(automatic, 'disable')) return [line(word(automatic, 'auto_https'), [word(automatic, 'off')])]
  return isTrue(automatic, 'disable_redirects')
    ? [line(word(automatic, 'auto_https'), [word(automatic, 'disable_redirects')])]
    : []
}

function serverLines(server: Json): readonly Directive[] {
  const trusted = entry(server, 'trusted_proxies')
  const times = (['read_timeout', 'read_header_timeout', 'write_timeout', 'idle_timeout'] as const).flatMap((key) => {
    const time = duration(entry(server, key))
    return time ? [line(word(time, key.replace('read_timeout', 'read_body').replace('_timeout', '')), [time])] : []
  })
  const bytes = size(entry(server, 'max_header_bytes'))
  const lines = [
    ...(trusted
      ? [line(word(trusted, 'trusted_proxies'), [entry(trusted, 'source'), ...itemsOf(trusted, 'ranges')])]
      : []),
    ...(times.length > 0 ? [line(word(server, 'timeouts'), [], times)] : []),
    ...(bytes ? [line(word(bytes, 'max_header_size'), [bytes])] : []),
    ...itemsOf(server, 'listener_wrappers').map((wrapper) =>
      line(word(wrapper, 'listener_wrappers'), [], [line(word(wrapper, textOf(wrapper, 'wrapper') ?? ''))]),
    ),
  ]
  return lines.length > 0 ? [line(word(server, 'servers'), [], lines)] : []
}
