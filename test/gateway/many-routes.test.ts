import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { createRouter } from '../../src/gateway/route/router.ts'
import type { RouteMatch } from '../../src/plan/model/plan.ts'
import type { RouteCost } from './cost-of-routes.ts'
import { planOf } from './support.ts'

const program = fileURLToPath(new URL('cost-of-routes.ts', import.meta.url))

describe('a route among 2,000', () => {
  const printed = execFileSync(process.execPath, ['--expose-gc', program], { encoding: 'utf8' })
  const costs = JSON.parse(printed) as Record<string, RouteCost>

  it.each(Object.entries(costs))('costs a thread 5 KB and 50 µs at most: %s', (_kind, { bytes, microseconds }) => {
    expect(bytes).toBeLessThan(5_000)
    expect(microseconds).toBeLessThan(50)
  })
})

describe('the index of routes', () => {
  it('does not multiply routes of their own hosts by routes of any host', () => {
    const matches: readonly RouteMatch[] = Array.from({ length: 2_000 }, (_, index) =>
      index % 2 === 0 ? { hosts: [`h${index}.example`] } : { paths: [`/p${index}/*`] },
    )
    const { routes } = planOf({ routes: matches.map((match) => ({ kind: 'file', path: '/', match })) }, [])
    const before = process.threadCpuUsage()
    const router = createRouter(routes)
    const { user, system } = process.threadCpuUsage(before)
    // The product of the two took seconds and hundreds of megabytes.
    expect((user + system) / 2_000).toBeLessThan(50)
    const query = {
      listener: 'http',
      host: 'h1998.example',
      key: '/p1999/',
      method: 'GET',
      headers: {},
      rawHeaders: [],
    }
    expect(router.match(query, -1)).toBe(1_998)
    expect(router.match(query, 1_998)).toBe(1_999)
  })
})
