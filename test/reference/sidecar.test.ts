/** config/sidecar.yaml has every route of the reference deployment, and reads its environment. */
import { describe, expect, it } from 'vitest'
import { readPlan } from '../../src/plan/read-plan.ts'
import { ask, basic, seen } from './asking.ts'
import { environmentTests } from './environment.ts'
import { routeTests } from './routes.ts'
import { sidecar, sidecarFile } from './sidecar.ts'
import { testSite } from './site.ts'

describe('config/sidecar.yaml', () => {
  routeTests(sidecar)
  environmentTests(sidecar)

  describe('what only it has', () => {
    const site = testSite(sidecar)

    it('without a password for the dashboard one is generated, and printed once', async () => {
      const { gatehouse, http } = await site.start({ APPSMITH_SUPERVISOR_USER: 'ops' })
      const { message } = await gatehouse.waitFor({ message: /^user ops has the password/ })
      const [, password = ''] = /password (\S+) /.exec(message) ?? []
      expect((await seen(http, '/supervisor/', basic('ops', password))).upstream).toBe('supervisor')
      expect(gatehouse.lines.filter((line) => JSON.stringify(line).includes(password))).toHaveLength(1)
    })

    it('no privilege is needed for HTTP: the port is 8000 by default', () => {
      const { plan, diagnostics } = readPlan(sidecarFile, {
        ...site.environment(),
        APPSMITH_CUSTOM_DOMAIN: 'app.example',
      })
      expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([])
      expect(plan?.gateway?.listeners.map(({ name, port }) => ({ name, port }))).toEqual([
        { name: 'http', port: 8000 },
        { name: 'https', port: 443 },
      ])
    })

    it('health endpoints for the load balancer, which are not logged', async () => {
      const { gatehouse, http } = await site.start()
      for (const path of ['/healthz', '/readyz']) expect((await ask(http, path)).status).toBe(200)
      await ask(http, '/after-health')
      await gatehouse.waitFor({ path: '/after-health' })
      expect(gatehouse.lines.filter(({ path }) => path === '/healthz' || path === '/readyz')).toEqual([])
    })
  })
})
