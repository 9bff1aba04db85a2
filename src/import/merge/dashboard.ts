/** The web page of a foreign supervisor becomes `control.dashboard`, at its route or else at its listener. */

import type { Page } from '../placed.ts'
import type { Entries, Finding, Value } from '../reading.ts'
import { localPort } from './join-ports.ts'
import type { Merged } from './merge.ts'

/** Removes the route to the page: the dashboard has its own. */
export function withDashboard(merged: Merged, page: Page): Merged {
  const { config, findings } = merged
  const routes: readonly Value[] = Array.isArray(config.gateway?.routes) ? config.gateway.routes : []
  const index = routes.findIndex((route) => localPort(route) === page.port)
  const route = index === -1 ? {} : (routes[index] as Entries)
  const finding: Finding = {
    ...page.at,
    severity: 'changed',
    message: 'this page becomes `control.dashboard`, which shows the state of everything but starts and stops nothing',
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
    comments: index === -1 ? merged.comments : withoutRoute(merged.comments, index),
    places: index === -1 ? merged.places : withoutRoute(merged.places, index),
    findings: [...findings, finding],
  }
}

/** Removes the proxy's user for the page: the dashboard uses the page's own user, whose password is known. */
function withoutUnused(users: Entries | undefined, route: Entries, gateway: Entries): Entries | undefined {
  const name =
    typeof route.auth === 'object' && route.auth !== null && 'basic' in route.auth ? route.auth.basic : undefined
  if (!users || typeof name !== 'string' || JSON.stringify(gateway).includes(`"basic":"${name}"`)) return users
  return Object.fromEntries(Object.entries(users).filter(([user]) => user !== name))
}

/** The prefix of a pattern such as `/supervisor/*`. */
function pathOf({ path }: Entries): string {
  const [first] = Array.isArray(path) ? path : [path]
  const [, prefix] = typeof first === 'string' ? (/^(\/.+?)\/?\*?$/.exec(first) ?? []) : []
  return prefix ?? '/supervisor'
}

/** Moves the parts of later routes up by one. */
function withoutRoute<T extends { readonly path: readonly (string | number)[] }>(
  parts: readonly T[],
  gone: number,
): T[] {
  return parts.flatMap((part) => {
    const [section, key, index, ...rest] = part.path
    if (section !== 'gateway' || key !== 'routes' || typeof index !== 'number' || index < gone) return [part]
    return index === gone ? [] : [{ ...part, path: [section, key, index - 1, ...rest] }]
  })
}
