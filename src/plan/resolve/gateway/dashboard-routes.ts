/** The routes to the dashboard, which come from `control.dashboard` instead of `gateway.routes`. */
import type { Config } from '../../../config/schema/config.ts'
import type { RouteConfig } from '../../../config/schema/gateway/route.ts'
import { socketOrigin } from '../../../shared/net/socket-origin.ts'
import type { ActiveRoute } from './active-routes.ts'

/** The path below which the control socket serves the dashboard and nothing else. */
const servedBelow = '/dashboard'

/**
 * The only headers of every response below its path: those that the site sets, adds or removes could weaken or break it
 * (another policy, `Cache-Control`, `Content-Disposition`). The page runs no script, loads nothing and cannot be
 * framed, so that no other page can steal a click.
 */
const pageHeaders = {
  'Content-Security-Policy':
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Frame-Options': 'DENY',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
}

/**
 * `routes` with those to the dashboard added: after the redirects at the top, which lead to HTTPS before a password is
 * asked for, and before all others, one of which may match everything. `socket`: absolute path.
 */
export function withDashboard(
  routes: readonly ActiveRoute[],
  { dashboard }: Config['control'],
  socket: string,
): readonly ActiveRoute[] {
  if (!dashboard) return routes
  const { path, auth } = dashboard
  const below = { path: [`${path}/*`], auth }
  const own: readonly RouteConfig[] = [
    { path: [path], redirect: { to: `${path}/`, status: 302, close: false }, response: { headers: pageHeaders } },
    {
      ...below,
      methods: ['GET', 'HEAD'],
      stripPrefix: path,
      rewrite: { path: `${servedBelow}{path}` },
      response: { headers: pageHeaders },
      to: { origin: socketOrigin(socket) },
    },
    // Other methods end here too: no other route may see the password that a form or a script sends.
    {
      ...below,
      response: { headers: { ...pageHeaders, Allow: 'GET, HEAD' } },
      respond: { status: 405, body: '405 Method Not Allowed\n' },
    },
  ]
  const behind = routes.findIndex(({ route }) => !route.redirect)
  const at = behind === -1 ? routes.length : behind
  const added = own.map((route) => ({ route, path: ['control', 'dashboard'], ownHeaders: true as const }))
  return [...routes.slice(0, at), ...added, ...routes.slice(at)]
}
