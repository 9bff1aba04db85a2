/** The web page of a foreign supervisor becomes `control.dashboard`: where a route led to it, or else where it listened. */

import type { Page } from '../placed.ts'
import type { Entries, Finding, Value } from '../reading.ts'
import { localPort } from './join-ports.ts'
import type { Merged } from './merge.ts'

/** Without the route to the page: the dashboard brings its own. */
export function withDashboard(merged: Merged, page: Page): Merged {
  const { config, findings } = merged
  const routes: readonly Value[] = Array.isArray(config.gateway?.routes) ? config.gateway.routes : []
  const index = routes.findIndex((route) => localPort(route) === page.port)
  const route = index === -1 ? {} : (routes[index] as Entries)
  const told: Finding = {
    ...page.at,
    severity: 'changed',
    message: 'this page is `control.dashboard` now, which shows how everything is, and starts or stops nothing',
  }
  const gateway: Entries = {
    ...(config.gateway?.listeners === undefined && { listeners: { dashboard: { address: page.address } } }),
    ...config.gateway,
    ...(index !== -1 && { routes: routes.toSpliced(index, 1) }),
  }
  const dashboard: Entries = { path: pathOf(route), auth: { basic: page.user } }
  const users = withoutUnused(config.users, route, gateway)
  return {
    ...merged,
    config: { ...config, gateway, ...(users && { users }), control: { ...config.control, dashboard } },
    comments: index === -1 ? merged.comments : closedUp(merged.comments, index),
    places: index === -1 ? merged.places : closedUp(merged.places, index),
    findings: [...findings, told],
  }
}

/** The proxy's own user for the page has nothing to do any more: the page's is asked for, whose password is known. */
function withoutUnused(users: Entries | undefined, route: Entries, gateway: Entries): Entries | undefined {
  const name =
    typeof route.auth === 'object' && route.auth !== null && 'basic' in route.auth ? route.auth.basic : undefined
  if (!users || typeof name !== 'string' || JSON.stringify(gateway).includes(`"basic":"${name}"`)) return users
  return Object.fromEntries(Object.entries(users).filter(([user]) => user !== name))
}

/** Of `/supervisor/*` the part that everything below it begins with. */
function pathOf({ path }: Entries): string {
  const [first] = Array.isArray(path) ? path : [path]
  const [, prefix] = typeof first === 'string' ? (/^(\/.+?)\/?\*?$/.exec(first) ?? []) : []
  return prefix ?? '/supervisor'
}

/** The routes behind the one that is gone moved up. */
function closedUp<T extends { readonly path: readonly (string | number)[] }>(parts: readonly T[], gone: number): T[] {
  return parts.flatMap((part) => {
    const [section, key, index, ...rest] = part.path
    if (section !== 'gateway' || key !== 'routes' || typeof index !== 'number' || index < gone) return [part]
    return index === gone ? [] : [{ ...part, path: [section, key, index - 1, ...rest] }]
  })
}
