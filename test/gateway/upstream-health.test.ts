/** Active checks against real targets, and what the gateway makes of them. */
import { afterEach, describe, expect, it } from 'vitest'
import { createHealthChecks, type HealthChecks } from '../../src/health/health-checks.ts'
import type { HealthCheckPlan, UpstreamPlan } from '../../src/plan/model/upstreams.ts'
import { refusingPort } from '../support/refusing-port.ts'
import { ask } from './clients.ts'
import { cleanUp, startGateway, whenOver } from './support.ts'
import { toUpstream, upstreamPlan } from './upstream-plans.ts'
import { rawUpstream, type Upstream, upstream } from './upstreams.ts'

afterEach(cleanUp)

const health: HealthCheckPlan = { http: '/health?deep=yes', every: 20, timeout: 200, failures: 2, successes: 2 }

interface Watched {
  readonly checks: HealthChecks
  readonly said: readonly string[]
  /** Resolves as soon as this is what the checks say, in the order of the targets. */
  until(...up: boolean[]): Promise<void>
}

function watch(plan: UpstreamPlan, changed: (checks: HealthChecks) => void = () => {}): Watched {
  const said: string[] = []
  let look = () => {}
  const say = (message: string) => void said.push(message)
  const checks = createHealthChecks({ info: say, warn: say, error: say }, () => {
    changed(checks)
    look()
  })
  whenOver(() => checks.close())
  checks.apply([plan])
  return {
    checks,
    said,
    until: (...up) =>
      new Promise((resolve) => {
        look = () => {
          if (Object.values(checks.states()).every(({ ready }, index) => ready === up[index])) resolve()
        }
        look()
      }),
  }
}

interface Patient {
  readonly behind: Upstream
  status: number
  readonly urls: string[]
}

async function patient(): Promise<Patient> {
  const urls: string[] = []
  const behind = await upstream((request, response) => {
    if (request.url !== '/') urls.push(`${request.method} ${request.url} ${request.headers['user-agent']}`)
    response.writeHead(request.url === '/' ? 200 : self.status).end(String(behind.port))
  })
  const self: Patient = { behind, status: 200, urls }
  return self
}

describe('a target that is checked', () => {
  it('counts as up until it has failed so many times in a row, and gets requests again when it is well', async () => {
    const [a, b] = await Promise.all([patient(), patient()])
    const plan = upstreamPlan([a.behind.port, b.behind.port], { health })
    const gateway = await startGateway({ routes: [toUpstream], upstreams: [plan] })
    const { checks, until, said } = watch(plan, ({ states }) => gateway.gateway.setTargets(states()))
    const answered = async () => {
      const answers = await Promise.all(Array.from({ length: 6 }, () => ask(gateway, 'h1')))
      return new Set(answers.map(({ body }) => Number(body)))
    }
    expect(Object.values(checks.states()).map(({ ready }) => ready)).toEqual([true, true])
    expect(await answered()).toEqual(new Set([a.behind.port, b.behind.port]))
    a.status = 500
    await until(false, true)
    expect(await answered()).toEqual(new Set([b.behind.port]))
    b.status = 404
    await until(false, false)
    expect(await ask(gateway, 'h1')).toMatchObject({ status: 503, headers: { 'retry-after': '2' } })
    a.status = 302
    await until(true, false)
    expect(await answered()).toEqual(new Set([a.behind.port]))
    const name = `upstream behind: http://127.0.0.1:${a.behind.port}`
    expect(said[0]).toBe(`${name} is down: /health?deep=yes answered 500`)
    expect(said.at(-1)).toBe(`${name} is up again`)
    expect(new Set(a.urls)).toEqual(new Set(['GET /health?deep=yes gatehouse-health']))
  })

  it('is not taken out by one failure among successes', async () => {
    let asked = 0
    const enough = Promise.withResolvers<void>()
    const behind = await upstream((_request, response) => {
      asked += 1
      if (asked === 20) enough.resolve()
      response.writeHead(asked % 2 === 0 ? 500 : 200).end()
    })
    const { checks, said } = watch(upstreamPlan([behind.port], { health }))
    await enough.promise
    expect(Object.values(checks.states()).map(({ ready }) => ready)).toEqual([true])
    expect(said).toEqual([])
  })

  it('is down if it refuses, is silent, or speaks no HTTP', async () => {
    const silent = await rawUpstream(() => {})
    const odd = await rawUpstream((socket) => socket.end('hello\r\n\r\n'))
    const { until, said } = watch(upstreamPlan([await refusingPort(), silent.port, odd.port], { health }))
    await until(false, false, false)
    expect(said.toSorted().map((line) => line.replace(/^.* is down: /, ''))).toEqual(
      expect.arrayContaining([expect.stringContaining('ECONNREFUSED'), 'no answer within 200 ms']),
    )
    await silent.abandoned()
  })

  it('keeps what is known of it over a reload, and is checked no more when it is gone from the plan', async () => {
    const a = await patient()
    a.status = 500
    const plan = upstreamPlan([a.behind.port], { health })
    const { checks, until } = watch(plan)
    await until(false)
    checks.apply([plan])
    await until(false)
    checks.apply([{ ...plan, health: { ...health, every: 10 } }])
    await until(false)
    checks.apply([])
    expect(checks.states()).toEqual({})
    await a.behind.abandoned()
    const asked = a.urls.length
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(a.urls).toHaveLength(asked)
  })
})
