/** The routes to the dashboard, which `control.dashboard` asks for instead of `gateway.routes`. */
import type { Config } from '../config/schema/config.ts'
import type { RouteConfig } from '../config/schema/route.ts'
import { socketOrigin } from '../shared/socket-origin.ts'
import type { AskedRoute } from './asked.ts'

/** Under which the control socket serves the dashboard, and nothing else. */
const servedBelow = '/dashboard'

/**
 * `routes` with those to the dashboard in them: behind the redirects at the top, which send to HTTPS before a password is
 * asked for, and in front of all others, one of which may well match everything. `socket`: absolute path.
 */
export function withDashboard(
  routes: readonly AskedRoute[],
  { dashboard }: Config['control'],
  socket: string,
): readonly AskedRoute[] {
  if (!dashboard) return routes
  const { path, auth } = dashboard
  const own: readonly RouteConfig[] = [
    { path: [path], redirect: { to: `${path}/`, status: 302, close: false } },
    {
      path: [`${path}/*`],
      methods: ['GET', 'HEAD'],
      auth,
      stripPrefix: path,
      rewrite: { path: `${servedBelow}{path}` },
      to: { origin: socketOrigin(socket) },
    },
  ]
  const behind = routes.findIndex(({ route }) => !route.redirect)
  const at = behind === -1 ? routes.length : behind
  const asked = own.map((route) => ({ route, path: ['control', 'dashboard'] }))
  return [...routes.slice(0, at), ...asked, ...routes.slice(at)]
}
