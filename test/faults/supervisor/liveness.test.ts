import { describe, expect, it } from 'vitest'
import type { LivenessProbe, ProcessPlan, ReadinessProbe } from '../../../src/plan/model/plan.ts'
import { freePorts } from '../../e2e/support/free-ports.ts'
import { part } from '../../parts.ts'
import {
  always,
  planFor,
  survivors,
  type TestSupervisor,
  testSupervisor,
  transitions,
} from '../../supervisor/test-supervisor.ts'

const timing = { every: 50, timeout: 200 }

/**
 * An HTTP server that answers for ever, unless it is stopped with SIGSTOP: then the kernel accepts connections, but no
 * answer comes.
 */
function server(name: string, port: number, more: Partial<ProcessPlan> = {}): ProcessPlan {
  const url = `http://127.0.0.1:${port}/`
  const alive: LivenessProbe = { kind: 'http', url, ...timing, failures: 3 }
  const ready: ReadinessProbe = { kind: 'http', url, ...timing, deadline: 10_000 }
  return planFor(name, {
    program: 'slow-ready.js',
    environment: { PORT: String(port), REFUSALS: '0' },
    ready,
    alive,
    stop: { signal: 'SIGTERM', grace: 50 },
    ...more,
  })
}

/** Says of each process what became of it: its states and, while it runs, whether it was ready. */
function statesOf({ events }: TestSupervisor, name: string): string[] {
  return transitions(events)
    .filter(({ process }) => process === name)
    .map(({ to, ready }) => (to === 'running' ? `running${ready ? '' : ', not ready'}` : to))
}

describe('a process that hangs', () => {
  it('is ended with its group after so many failed checks in a row, and judged like a crash', async () => {
    const [port = 0] = await freePorts(1)
    const shop = testSupervisor([server('web', port)])
    const { supervisor, untilState, until, status } = shop
    supervisor.start()
    const { pid = 0 } = await untilState('web', 'running')
    process.kill(pid, 'SIGSTOP')
    await until(() => statesOf(shop, 'web').filter((state) => state === 'running').length === 2)
    expect(status('web').pid).not.toBe(pid)
    expect(status('web')).toMatchObject({ restarts: 1, ready: true })
    expect(survivors().map((one) => one.pid)).toEqual([status('web').pid])
    expect(statesOf(shop, 'web').slice(2)).toEqual(['running', 'stopping', 'backoff', 'waiting', 'starting', 'running'])
    const [, backoff] = transitions(shop.events).filter(({ to }) => to === 'stopping' || to === 'backoff')
    expect(backoff?.reason).toBe('failed its alive check 3 times: no answer within 200ms')
  })

  it('is fatal by the same count as one that crashes, and exits with 1 if it is essential', async () => {
    const [port = 0] = await freePorts(1)
    const plan = server('web', port, { essential: true, restart: always({ failures: 1 }) })
    const { supervisor, untilState, events } = testSupervisor([plan])
    supervisor.start()
    process.kill((await untilState('web', 'running')).pid ?? 0, 'SIGSTOP')
    const { reason } = await untilState('web', 'fatal')
    expect(reason).toMatch(/^it failed once; the last time it failed its alive check 3 times: /)
    expect(events).toContainEqual(expect.objectContaining({ type: 'essential-failed', exitCode: 1 }))
  })

  it('for a moment only is left alone: failures count in a row', async () => {
    const [port = 0] = await freePorts(1)
    const shop = testSupervisor([
      server('web', port, { alive: { kind: 'http', url: `http://127.0.0.1:${port}/`, ...timing, failures: 40 } }),
    ])
    const { supervisor, untilState, status, logs } = shop
    supervisor.start()
    const { pid = 0 } = await untilState('web', 'running')
    for (let stop = 0; stop < 3; stop += 1) {
      process.kill(pid, 'SIGSTOP')
      const answer = fetch(`http://127.0.0.1:${port}/`)
      process.kill(pid, 'SIGCONT')
      await (await answer).arrayBuffer()
    }
    expect(status('web')).toMatchObject({ state: 'running', ready: true, pid, restarts: 0 })
    expect(logs.filter(({ level }) => level !== 'info')).toEqual([])
  })
})

describe.skipIf(!part('redis-server'))('a database that is gone', () => {
  const redisProgram = part('redis-server') ?? ''

  /** Redis, what needs it, what needs that, and what needs neither. */
  async function shopOf({ timeout = 100 } = {}) {
    const [redisPort = 0, apiPort = 0, webPort = 0, loneport = 0] = await freePorts(4)
    const ping = ['sh', '-c', `test "$(redis-cli -p ${redisPort} ping)" = PONG`]
    const needing = (name: string, port: number, on: string) =>
      server(name, port, {
        command: planFor(name, { program: 'needs-redis.js' }).command,
        environment: {
          PATH: '/usr/bin:/bin',
          ...planFor(name).environment,
          PORT: String(port),
          REDIS_PORT: String(redisPort),
        },
        dependsOn: [{ process: on, condition: 'ready' }],
      })
    const shop = testSupervisor([
      planFor('redis', {
        command: [redisProgram, '--port', String(redisPort), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'],
        ready: { kind: 'exec', command: ping, every: 50, timeout, deadline: 10_000, failures: 2 },
        restart: { ...always(), backoff: { first: 1_500, next: 10, max: 1_000 } },
      }),
      needing('api', apiPort, 'redis'),
      needing('web', webPort, 'api'),
      server('lone', loneport),
    ])
    shop.supervisor.start()
    await shop.until(() => shop.supervisor.status().every(({ ready }) => ready))
    const pids = Object.fromEntries(shop.supervisor.status().map(({ name, pid }) => [name, pid ?? 0]))
    return { shop, pids }
  }

  it('that hangs restarts none of its dependants: they are parked, say for what, and come back with it', async () => {
    const { shop, pids } = await shopOf()
    const { until, untilState, status, logs } = shop
    process.kill(pids.redis ?? 0, 'SIGSTOP')
    await untilState('api', 'parked')
    await untilState('web', 'parked')
    expect(status('redis')).toMatchObject({ state: 'running', ready: false, pid: pids.redis })
    expect(status('api')).toMatchObject({ ready: false, pid: pids.api, waitingFor: ['redis'] })
    expect(status('api').reason).toBe('failed its alive check 3 times: no answer within 200ms')
    // Of all on the way down, the nearest first.
    expect(status('web')).toMatchObject({ ready: false, pid: pids.web, waitingFor: ['api', 'redis'] })
    process.kill(pids.redis ?? 0, 'SIGCONT')
    await until(() => shop.supervisor.status().every(({ ready }) => ready))
    for (const { name, pid, restarts } of shop.supervisor.status())
      expect([name, pid, restarts]).toEqual([name, pids[name], 0])
    expect(statesOf(shop, 'lone')).toEqual(['waiting', 'starting', 'running'])
    const said = logs.filter(({ fields }) => fields.process === 'api' && fields.state === 'parked')
    expect(said.map(({ level, message }) => [level, message])).toEqual([
      ['warn', 'failed its alive check 3 times: no answer within 200ms; left running until redis is ready again'],
    ])
  })

  it('that is killed and comes back is found by dependants that were never restarted', async () => {
    const { shop, pids } = await shopOf()
    const { until, untilState, status } = shop
    process.kill(pids.redis ?? 0, 'SIGKILL')
    const parked = await untilState('api', 'parked')
    expect(parked.reason).toMatch(/failed its alive check 3 times: http:.* answered 503$/)
    await until(() => shop.supervisor.status().every(({ ready }) => ready))
    expect(status('redis').restarts).toBe(1)
    expect([status('api').pid, status('web').pid]).toEqual([pids.api, pids.web])
  })

  it('does not save a dependant that hangs by itself while the database is well', async () => {
    // A busy machine must not make the database look ill.
    const { shop, pids } = await shopOf({ timeout: 5_000 })
    const { until, status } = shop
    process.kill(pids.api ?? 0, 'SIGSTOP')
    await until(() => status('api').restarts === 1 && status('api').ready)
    expect(statesOf(shop, 'api')).not.toContain('parked')
    expect([status('redis').pid, status('lone').pid]).toEqual([pids.redis, pids.lone])
  })

  it('parks what depends on it; parked processes are stopped like all others', async () => {
    const { shop, pids } = await shopOf()
    process.kill(pids.redis ?? 0, 'SIGSTOP')
    await shop.untilState('web', 'parked')
    process.kill(pids.redis ?? 0, 'SIGCONT')
    await shop.supervisor.stop({ budget: 5_000 })
    expect(shop.supervisor.status().map(({ state }) => state)).toEqual(['stopped', 'stopped', 'stopped', 'stopped'])
    expect(survivors()).toEqual([])
  })
})
