/** Caddyfile and supervisord files, imported together: one program in the place of two, and it knows more than they did. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { part } from '../parts.ts'
import { ask, basic, seen } from './asking.ts'
import { importTogether, together } from './imported-together.ts'
import { testSite } from './site.ts'

describe('a Caddyfile and supervisord files, imported together', () => {
  it('lose nothing: each line became something, or needs nothing', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gatehouse-together-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const { config, said } = await importTogether(folder, {})
    expect(said).not.toContain('untranslated: ')
    expect(said).toMatch(/\n\d+ routes, 7 processes; 0 untranslated, \d+ changed, \d+ notes\n$/)
    const text = readFileSync(config, 'utf8')
    for (const route of ['to: backend', 'to: rts', 'to: mcp', 'to: keycloak']) expect(text).toContain(route)
    // The web server that was supervised is what now supervises.
    expect(text).not.toContain('caddy.sh')
  })

  describe.skipIf(!part('redis-server'))('and started', () => {
    const site = testSite(together)

    it('lead each route to the process that had its port', async () => {
      const { http, gatehouse } = await site.start()
      for (const [path, upstream] of [
        ['/api/v1/users/me', 'backend'],
        ['/rts/socket.io/', 'rts'],
        ['/mcp', 'mcp'],
        ['/auth/realms/x', 'keycloak'],
      ] as const)
        expect((await seen(http, path)).upstream).toBe(upstream)
      expect(
        await gatehouse.waitFor({ process: 'backend', message: /^java -Xms64m -Xmx256m -Dserver\.port=\d+ -jar/ }),
      ).toBeDefined()
    })

    it('start in the order of their priorities', async () => {
      const { gatehouse } = await site.start()
      const starts = gatehouse.lines
        .filter(({ state, process }) => state === 'starting' && process !== undefined)
        .map(({ process }) => process)
      const order = ['redis', 'mongodb', 'rts', 'mcp', 'backend']
      expect(starts.filter((name) => order.includes(String(name)))).toEqual(order)
    })

    it('show the dashboard to the user of supervisord', async () => {
      const { http } = await site.start()
      expect((await ask(http, '/supervisor/')).status).toBe(401)
      const page = await ask(http, '/supervisor/', basic('appsmith', 'open sesame'))
      expect(page.status).toBe(200)
      expect(page.body).toContain('backend')
    })
  })
})
