/** Whether the sidecar's replicas share their rate limit, by the URL of the deployment's Redis. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { readPlan } from '../../src/plan/read-plan.ts'
import { projectFolder } from '../e2e/support/gatehouse.ts'

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-shared-limit-'))
afterAll(() => rmSync(folder, { recursive: true }))
for (const file of ['index.html', '404.html', 'info.json']) writeFileSync(join(folder, file), '{}')

function storeFor(environment: Readonly<Record<string, string>>) {
  const { plan, diagnostics } = readPlan(`${projectFolder}/config/sidecar.yaml`, {
    GATEHOUSE_EDITOR: folder,
    GATEHOUSE_INFO: join(folder, 'info.json'),
    GATEHOUSE_STACKS: folder,
    ...environment,
  })
  expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([])
  return plan?.gateway.rateLimitStore
}

it.each([
  ['redis://cache.internal:6380', { host: 'cache.internal', port: 6_380, tls: false, database: 0 }],
  ['redis://:pa55@cache/2', { host: 'cache', port: 6_379, tls: false, database: 2, password: 'pa55' }],
  ['rediss://gate:p%40@cache', { host: 'cache', port: 6_379, tls: true, database: 0, user: 'gate', password: 'p@' }],
  ['redis-cluster://cache:7000', { host: 'cache', port: 7_000, tls: false, database: 0 }],
  ['redis://localhost-of-others', { host: 'localhost-of-others', port: 6_379, tls: false, database: 0 }],
])('counted for all in %s', (url, store) => {
  expect(storeFor({ APPSMITH_REDIS_URL: url })).toEqual(store)
})

it.each([
  'redis://localhost:6379',
  'redis://127.0.0.1',
  'redis://:pa55@127.0.0.1:6379/1',
  'redis://[::1]:6379',
  'redis-sentinel://cache:26379',
  'redis://cache:6379/0?timeout=1s',
  '',
])('counted by each replica where the Redis is its own, or one that Gatehouse does not ask: %s', (url) => {
  expect(storeFor({ APPSMITH_REDIS_URL: url })).toBeUndefined()
})

it('not asked where nothing is limited', () => {
  expect(storeFor({ APPSMITH_REDIS_URL: 'redis://cache', APPSMITH_RATE_LIMIT: 'disabled' })).toBeUndefined()
})
