/** The binary with a Redis for its rate limits: what the commands report, and that a reload fixes a wrong password. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { part } from '../parts.ts'
import { runGatehouse, startGatehouse } from './support/gatehouse.ts'
import { startRedis } from './support/redis.ts'

it.skipIf(!part('redis-server'))(
  'a wrong password is reported by status and healthcheck and never shown; a reload with the right one is enough',
  async () => {
    const redis = await startRedis({ password: 'right-one' })
    onTestFinished(() => redis.stop())
    const gatehouse = startGatehouse({
      files: { 'redis.env': 'PASSWORD=wrong-one' },
      config: `
environment: { files: [{ path: redis.env }] }
gateway:
  threads: 2
  listeners: { http: { address: "127.0.0.1:0" } }
  rateLimit: { requests: 3, window: 10m }
  rateLimitStore: { redis: "redis://:\${PASSWORD}@127.0.0.1:${redis.port}/4" }
  routes: [{ redirect: { to: /elsewhere } }]
storage: ./storage
control: { socket: ./control.sock }
`,
    })
    onTestFinished(() => gatehouse.stop().then(() => {}))
    const trouble = `Redis at 127.0.0.1:${redis.port} is unavailable, so this replica counts its rate limits alone: WRONGPASS `
    await gatehouse.waitFor((line) => line.level === 'warn' && line.message.startsWith(trouble))
    await gatehouse.ready()

    const [plan, status, health] = await Promise.all(
      ['plan', 'status', 'healthcheck'].map((verb) => runGatehouse([verb, gatehouse.file])),
    )
    expect(plan?.stdout).toContain(`counted by Redis at  127.0.0.1:${redis.port}  database 4  plain`)
    expect(status?.stdout).toContain(`warning: ${trouble}`)
    expect(status?.stdout).toContain('put the right user and password into `rateLimitStore`')
    expect(health?.stdout).toContain(`healthy (warning: ${trouble}`)
    expect(health?.code).toBe(0)

    const url = await gatehouse.url('http')
    const statuses = async (count: number) => {
      const answers = Array.from({ length: count }, () => fetch(url, { redirect: 'manual' }))
      return (await Promise.all(answers)).map(({ status }) => status).sort()
    }
    expect(await statuses(4)).toEqual([302, 302, 302, 429])
    writeFileSync(join(gatehouse.folder, 'redis.env'), 'PASSWORD=right-one')
    gatehouse.signal('SIGHUP')
    await gatehouse.waitFor({ store: 'back' })
    expect((await runGatehouse(['healthcheck', gatehouse.file])).stdout).toBe('healthy\n')
    const shown = [plan, status, health].map((outcome) => `${outcome?.stdout}${outcome?.stderr}`).join()
    for (const secret of ['wrong-one', 'right-one'])
      expect(shown + JSON.stringify(gatehouse.lines) + gatehouse.stderr).not.toContain(secret)
  },
)
