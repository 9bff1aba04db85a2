/** The routes to the dashboard, which `control.dashboard` asks for instead of `gateway.routes`. */
import type { Config } from '../../../config/schema/config.ts'
import type { RouteConfig } from '../../../config/schema/gateway/route.ts'
import { socketOrigin } from '../../../shared/net/socket-origin.ts'
import type { ActiveRoute } from './active-routes.ts'

/** Under which the control socket serves the dashboard, and nothing else. */
const servedBelow = '/dashboard'

/**
 * Of the page and of every other answer below its path, and all that it gets: what the site sets, adds or removes could strip or break
 * it (a policy of its own, `Cache-Control`, `Content-Disposition`). It runs no script, asks nobody for anything but its own style, and stands
 * in no frame, where a click on it could be somebody else's.
 */
const pageHeaders = {
  'Content-Security-Policy':
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Frame-Options': 'DENY',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
}

/**
 * `routes` with those to the dashboard in them: behind the redirects at the top, which send to HTTPS before a password is
 * asked for, and in front of all others, one of which may well match everything. `socket`: absolute path.
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
    // Its path is its own whatever the method: no other route shall see the password that a form or a script sends there.
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
