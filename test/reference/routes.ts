/**
 * The routes of the reference deployment, row by row, against any config file that claims to serve them:
 *
 *     import { routeTests } from './routes.ts'
 *     describe('my config', () => routeTests({ async start(site, env) { … return { gatehouse, http, https } } }))
 *
 * `start` is called once for each set of variables that a row needs, such as `{ APPSMITH_RATE_LIMIT: '5' }`; it starts Gatehouse
 * (`startGatehouse`) on free ports with `{ ...site.environment(), ...env }`, its routes leading to `site.upstreams` or to
 * programs that answer as `makeUpstream` does, and resolves when it answers. sidecar.ts is the shortest example.
 *
 * One row has no test yet: the boot page, which comes with state-aware operation.
 */
import { beforeAll, describe, expect, it } from 'vitest'
import { exchangeMessage, openWebSocket } from '../e2e/support/clients.ts'
import { ask, basic, seen } from './asking.ts'
import { expectDashboardsHeaders, expectEveryAnswersHeaders, headerTests } from './headers.ts'
import { limitTests } from './limits.ts'
import { type Deployment, type Site, testSite } from './site.ts'

/** Registers the tests; to be called inside a `describe`. */
export function routeTests(deployment: Deployment): void {
  const site = testSite(deployment)
  beforeAll(() => site.start())
  describe('its routes', () => {
    fileRows(site)
    upstreamRows(site)
    pageRows(site, deployment)
    supervisorRows(site, deployment)
  })
  describe('its headers', () => headerTests(site))
  describe('its limits', () => limitTests(site))
}

function fileRows(site: Site): void {
  it('a file of the editor is answered as it is; hidden files are nowhere', async () => {
    const { http } = await site.start()
    expect(await ask(http, '/favicon.ico')).toMatchObject({ status: 200, body: 'icon' })
    expect(await ask(http, '/favicon.ico', { method: 'HEAD' })).toMatchObject({ status: 200, body: '' })
    expect((await ask(http, '/.secret')).body).not.toContain('hidden')
  })

  it('what is under /static never changes; what is missing there is 404, never the page, and without Cache-Control', async () => {
    const { http } = await site.start()
    const found = await ask(http, '/static/js/main.1a2b.js')
    expect(found).toMatchObject({ status: 200, body: expect.stringMatching(/^console\.log/) })
    expect(found.headers['cache-control']).toBe('public, max-age=31536000, immutable')
    const missing = await ask(http, '/static/js/gone.js')
    expect(missing.status).toBe(404)
    expect(missing.headers['cache-control']).toBeUndefined()
    // `HEAD` and a folder are no way around.
    expect((await ask(http, '/static/js/gone.js', { method: 'HEAD' })).status).toBe(404)
    expect((await ask(http, '/static/js/')).status).toBe(404)
  })

  it('/info is info.json', async () => {
    const { http } = await site.start()
    const info = await ask(http, '/info')
    expect(JSON.parse(info.body)).toMatchObject({
      version: 'v1.2.3',
      commitSha: '0badcafe',
      imageBuiltAt: '2026-01-02',
    })
    expect(info.headers['content-type']).toMatch(/^application\/json/)
  })
}

function upstreamRows(site: Site): void {
  it.each([
    ['/api/v1/users/me?x=%2F1', 'backend'],
    ['/oauth2/authorization/google', 'backend'],
    ['/login/oauth2/code/google', 'backend'],
    ['/rts/socket.io/?EIO=4', 'rts'],
    ['/mcp', 'mcp'],
    ['/mcp?session=1', 'mcp'],
    ['/mcp/health', 'mcp'],
    ['/auth/realms/x', 'keycloak'],
  ])('%s goes to %s, path and query untouched', async (path, upstream) => {
    const { http } = await site.start()
    expect(await seen(http, path, { method: 'POST', body: '{}' })).toMatchObject({
      upstream,
      method: 'POST',
      url: path,
    })
  })

  it('a WebSocket under /rts is a tunnel to it', async () => {
    const { http } = await site.start()
    const socket = await openWebSocket(`http://127.0.0.1:${http}`, '/rts/socket.io/?EIO=4&transport=websocket')
    expect(await exchangeMessage(socket, 'hello')).toBe('rts /rts/socket.io/?EIO=4&transport=websocket hello')
    socket.close()
  })
}

function pageRows(site: Site, { withoutKeycloak }: Deployment): void {
  const page = /^<title>Acme &#60;Inc&#62;\|\|<\/title>/

  it.each(['/', '/index.html', '/app/page-1', '/api', '/mcp/other', '/rts', '/login', '/applications?x=1'])(
    'everything else, such as %s, is the page of the app',
    async (path) => {
      const { http } = await site.start()
      const { status, headers, body } = await ask(http, path)
      expect({ status, type: headers['content-type'] }).toEqual({ status: 200, type: 'text/html; charset=utf-8' })
      expect(body).toMatch(page)
    },
  )

  it('pages show variables of the deployment, what info.json says and the name of the host, and no other variable', async () => {
    const { http } = await site.start()
    expect((await ask(http, '/')).body).toMatch(page)
    const lost = await ask(http, '/404.html')
    expect(lost.body).toBe('<title>lost: Acme &#60;Inc&#62; v1.2.3 0badcafe 2026-01-02 host-1</title>')
    expect(lost.headers['content-type']).toBe('text/html; charset=utf-8')
  })

  // What was imported has Keycloak always.
  if (!withoutKeycloak) return
  it('without Keycloak /auth is a page of the app', async () => {
    const { http } = await site.start(withoutKeycloak)
    expect(await ask(http, '/auth/realms/x')).toMatchObject({ status: 200, body: expect.stringMatching(page) })
  })
}

function supervisorRows(site: Site, { supervisor }: Deployment): void {
  it('the dashboard is behind user and password, without its prefix, and does not see them', async () => {
    const { http } = await site.start({ APPSMITH_SUPERVISOR_PASSWORD: 'open sesame' })
    const redirect = await ask(http, '/supervisor')
    expect(redirect).toMatchObject({ status: 302, headers: { location: '/supervisor/' } })
    const refused = await ask(http, '/supervisor/')
    expect(refused).toMatchObject({ status: 401, headers: { 'www-authenticate': expect.stringMatching(/^Basic /) } })
    const expectHeaders = supervisor === 'upstream' ? expectEveryAnswersHeaders : expectDashboardsHeaders
    for (const { headers } of [redirect, refused]) expectHeaders(headers)
    expect((await ask(http, '/supervisor/', basic('appsmith', 'wrong'))).status).toBe(401)
    const passed = basic('appsmith', 'open sesame')
    if (supervisor === 'upstream') {
      const { upstream, url, headers } = await seen(http, '/supervisor/tail.html?process=backend', passed)
      expect({ upstream, url }).toEqual({ upstream: 'supervisor', url: '/tail.html?process=backend' })
      expect(headers.authorization).toBeUndefined()
    } else {
      const page = await ask(http, '/supervisor/', passed)
      expect(page).toMatchObject({ status: 200, headers: { 'content-type': expect.stringMatching(/^text\/html/) } })
      expect(page.body).not.toContain('Acme')
    }
  })

  it('the user of the dashboard can have another name', async () => {
    const { http } = await site.start({ APPSMITH_SUPERVISOR_USER: 'ops', APPSMITH_SUPERVISOR_PASSWORD: 'open' })
    expect((await ask(http, '/supervisor/', basic('appsmith', 'open'))).status).toBe(401)
    expect((await ask(http, '/supervisor/', basic('ops', 'open'))).status).toBe(200)
  })
}
