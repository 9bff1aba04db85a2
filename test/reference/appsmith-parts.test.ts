/** What config/appsmith.yaml runs by itself and what it leaves to others, and its default paths. */
import { describe, expect, it } from 'vitest'
import type { Plan } from '../../src/plan/model/plan.ts'
import { part } from '../parts.ts'
import { planWith } from './image-plan.ts'
import { singleContainer } from './single-container.ts'
import { testSite, type Variables } from './site.ts'

function namesOf({ processes }: Plan): string[] {
  return processes.map(({ name }) => name)
}

describe('config/appsmith.yaml', () => {
  it('has the ports and folders of the image', () => {
    const plan = planWith({ APPSMITH_CUSTOM_DOMAIN: 'app.example' })
    expect(plan.gateway?.listeners.map(({ name, port }) => ({ name, port }))).toEqual([
      { name: 'http', port: 80 },
      { name: 'https', port: 443 },
    ])
    const ports = Object.fromEntries(
      plan.processes.flatMap(({ name, port }) => (port === undefined ? [] : [[name, port]])),
    )
    expect(ports).toEqual({
      ...{ redis: 6379, mongodb: 27017, postgres: 5432, temporal: 7233, keycloak: 8081 },
      ...{ rts: 8091, mcp: 8092, backend: 8080 },
    })
    expect(plan.log.files?.directory).toBe('/appsmith-stacks/logs')
  })

  it('runs all that it needs by default', () => {
    expect(namesOf(planWith({}))).toEqual(
      expect.arrayContaining(['redis', 'mongodb', 'postgres', 'temporal', 'keycloak', 'rts', 'mcp', 'backend']),
    )
  })

  it.each<[string, Variables, RegExp]>([
    ['another MongoDB', { APPSMITH_DB_URL: 'mongodb://user:secret@db.example/appsmith' }, /^mongodb/],
    ['another MongoDB by its old name', { APPSMITH_MONGODB_URI: 'mongodb+srv://u:p@db.example/a' }, /^mongodb/],
    ['another Redis', { APPSMITH_REDIS_URL: 'rediss://cache.example:6380' }, /^redis/],
    ['no embedded PostgreSQL', { APPSMITH_ENABLE_EMBEDDED_DB: '0' }, /postgres|temporal|keycloak/],
  ])('%s: its own is not run, and nothing waits for it', (_, env, absent) => {
    const names = namesOf(planWith(env))
    expect(names.filter((name) => absent.test(name))).toEqual([])
    expect(names).toEqual(expect.arrayContaining(namesOf(planWith({})).filter((name) => !absent.test(name))))
  })

  it.each([
    { APPSMITH_DB_URL: 'mongodb://user:secret@127.0.0.1:27017/appsmith', APPSMITH_REDIS_URL: 'redis://localhost:6379' },
    { APPSMITH_DB_URL: 'mongodb://user:secret@localhost/appsmith', APPSMITH_REDIS_URL: 'redis://127.0.0.1:6379' },
  ])('databases of this machine are its own: %o', (env) => {
    expect(namesOf(planWith(env))).toEqual(expect.arrayContaining(['mongodb', 'mongodb-setup', 'redis']))
  })

  it('databases are critical; Redis can be built again, unless Git is held in it', () => {
    const of = (env: Variables) => {
      const { processes } = planWith(env)
      return Object.fromEntries(processes.map(({ name, criticality }) => [name, criticality]))
    }
    expect(of({})).toMatchObject({
      mongodb: 'critical',
      postgres: 'critical',
      redis: 'rebuildable',
      backend: 'important',
    })
    expect(of({ APPSMITH_REDIS_GIT_URL: 'redis://127.0.0.1:6379' })).toMatchObject({ redis: 'important' })
  })

  it('MongoDB is the replica set mr1 on this machine alone; Redis saves every 15 s', () => {
    const { processes } = planWith({})
    const words = (name: string) => processes.find((process) => process.name === name)?.command.join(' ')
    expect(words('mongodb')).toMatch(/--bind_ip localhost .*--replSet mr1 .*--keyFile /)
    expect(words('redis')).toMatch(/--bind 127\.0\.0\.1 .*--save 15 1\b/)
  })
})

describe.skipIf(!part('postgres') || !part('redis-server'))('config/appsmith.yaml with everything', () => {
  const site = testSite(singleContainer)

  it('sets up what workflows need of Temporal: schemas, the namespace for two days, one search attribute', async () => {
    const { gatehouse } = await site.start(singleContainer.shared)
    const said = (process: string) =>
      gatehouse.lines.flatMap((line) => (line.process === process && 'stream' in line ? [line.message] : []))
    await gatehouse.waitFor({ process: 'temporal-setup', state: 'exited' })
    expect(said('temporal-schema').filter((line) => line.includes('update-schema'))).toHaveLength(2)
    expect(said('temporal-setup')).toEqual([
      expect.stringMatching(/namespace create --retention 2d default$/),
      expect.stringMatching(/search-attribute create --namespace default --name \w+ --type Text$/),
    ])
  })
})
