import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { describe, expect, it } from 'vitest'
import type { ProbeCheck, ReadinessProbe } from '../../src/plan/model/plan.ts'
import { freePorts } from '../e2e/support/free-ports.ts'
import { always, planFor, survivors, testSupervisor, untilNoSurvivors } from './test-supervisor.ts'

function probe(check: ProbeCheck, deadline = 10_000): ReadinessProbe {
  return { ...check, every: 20, timeout: 500, deadline }
}

/** A server on a port that was free, and what depends on it. */
function pair(port: number, ready: ReadinessProbe, environment: Record<string, string> = {}) {
  return testSupervisor([
    planFor('db', { program: 'slow-ready.js', environment: { ...environment, PORT: String(port) }, ready }),
    planFor('api', { dependsOn: [{ process: 'db', condition: 'ready' }] }),
  ])
}

describe('readiness', () => {
  it('by http comes with a good status; a refused connection and 503 are not yet ready', async () => {
    const [port = 0] = await freePorts(1)
    const { supervisor, story, untilState, status, logs } = pair(
      port,
      probe({ kind: 'http', url: `http://127.0.0.1:${port}/` }),
    )
    supervisor.start()
    expect(status('db')).toMatchObject({ state: 'starting', ready: false })
    await untilState('api', 'running')
    expect(status('db')).toMatchObject({ state: 'running', ready: true })
    expect(story()).toEqual(['db:waiting', 'db:starting', 'api:waiting', 'db:running', 'api:starting', 'api:running'])
    const said = logs.filter(({ fields }) => fields.process === 'db').map(({ message }) => message)
    expect(said).toEqual(['started', expect.stringMatching(/^ready after \d/)])
    const next = await fetch(`http://127.0.0.1:${port}/`)
    expect(await next.text()).toBe(String(status('db').pid))
  })

  it('by http follows no redirect: where it points does not matter', async () => {
    const [port = 0] = await freePorts(1)
    const { supervisor, untilState } = pair(port, probe({ kind: 'http', url: `http://127.0.0.1:${port}/moved` }))
    supervisor.start()
    await untilState('db', 'running')
  })

  it('by http uses no connection twice', async () => {
    const ports: (number | undefined)[] = []
    const server = createHttpServer((request, response) => {
      ports.push(request.socket.remotePort)
      response.writeHead(ports.length < 3 ? 503 : 204).end()
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as { port: number }).port}/`
    const { supervisor, untilState } = testSupervisor([planFor('a', { ready: probe({ kind: 'http', url }) })])
    supervisor.start()
    await untilState('a', 'running')
    server.close()
    expect(new Set(ports).size).toBe(3)
  })

  it('by http gives up an answer that does not come and asks again', async () => {
    let requests = 0
    const server = createHttpServer((_, response) => {
      requests += 1
      if (requests > 1) response.end()
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as { port: number }).port}/`
    const ready = { ...probe({ kind: 'http', url }), timeout: 100 }
    const { supervisor, untilState } = testSupervisor([planFor('a', { ready })])
    supervisor.start()
    await untilState('a', 'running')
    server.closeAllConnections()
    server.close()
    expect(requests).toBe(2)
  })

  it('by tcp comes with the first connection that is accepted', async () => {
    const [port = 0] = await freePorts(1)
    const { supervisor, untilState, lines } = pair(port, probe({ kind: 'tcp', host: '127.0.0.1', port }))
    supervisor.start()
    await untilState('api', 'running')
    // What it says comes by a pipe of its own, and may be read later.
    await expect.poll(() => lines[0]?.text).toBe(`listening on ${port}`)
  })

  it('by exec comes with exit code 0; the command sees the environment of the process', async () => {
    const [port = 0] = await freePorts(1)
    const script = 'fetch(`http://127.0.0.1:${process.env.PORT}`).then(({ ok }) => process.exit(ok ? 0 : 1))'
    const command = [process.execPath, '-e', script]
    const { supervisor, untilState } = pair(port, { ...probe({ kind: 'exec', command }), timeout: 5_000 })
    supervisor.start()
    await untilState('api', 'running')
  })

  it('by exec kills a command that takes too long, with its children', async () => {
    const command = ['/bin/sh', '-c', 'sleep 60 & sleep 60']
    const ready = { ...probe({ kind: 'exec', command }, 400), timeout: 100 }
    const { supervisor, until, status } = testSupervisor([planFor('a', { ready, restart: always({ failures: 1 }) })])
    supervisor.start()
    const fatal = await until(() => status('a').state === 'fatal' && status('a'))
    expect(fatal.reason).toContain('no answer within 100ms')
    await untilNoSurvivors()
  })

  it('by log comes with a matching line of stdout or stderr', async () => {
    const ready = (pattern: string) => probe({ kind: 'log', pattern })
    const { supervisor, untilState } = testSupervisor([
      planFor('out', { ready: ready('^up$') }),
      planFor('err', { program: 'closes-stdout.js', ready: ready('clos(ed|ing)') }),
      planFor('never', { ready: ready('this is not said') }),
    ])
    supervisor.start()
    await untilState('out', 'running')
    await untilState('err', 'running')
    await untilState('never', 'starting')
  })

  it('that does not come before the deadline is a crash: the group is ended, then the policy decides', async () => {
    // Two programs start by then, and the last words of the second try are looked for.
    const ready = probe({ kind: 'log', pattern: 'this is not said' }, 2_000)
    const words = ['--grandchild']
    const { supervisor, untilState, story, events, status } = testSupervisor([
      planFor('slow', {
        program: 'ignores-sigterm.js',
        words,
        ready,
        essential: true,
        restart: always({ failures: 2 }),
        stop: { signal: 'SIGTERM', grace: 50 },
      }),
      planFor('api', { dependsOn: [{ process: 'slow', condition: 'ready' }] }),
    ])
    supervisor.start()
    const fatal = await untilState('slow', 'fatal')
    expect(fatal).toMatchObject({
      restarts: 1,
      reason: 'it failed 2 times within 1m; the last time it was not ready within 2s',
    })
    expect(fatal.lastOutput).toEqual(expect.arrayContaining(['ready']))
    expect(survivors()).toEqual([])
    expect(events).toContainEqual(expect.objectContaining({ type: 'essential-failed', exitCode: 1 }))
    expect(story().filter((step) => step === 'slow:backoff')).toHaveLength(1)
    expect(status('api')).toMatchObject({ state: 'waiting', waitingFor: ['slow'] })
  })

  it('says in the reason what the probe found last', async () => {
    const [port = 0] = await freePorts(1)
    const ready = probe({ kind: 'http', url: `http://127.0.0.1:${port}/` }, 1_500)
    const { supervisor, untilState } = testSupervisor([
      planFor('db', {
        program: 'slow-ready.js',
        environment: { PORT: String(port), REFUSALS: '1000000' },
        ready,
        restart: always({ failures: 1 }),
      }),
    ])
    supervisor.start()
    expect((await untilState('db', 'fatal')).reason).toContain(`(http://127.0.0.1:${port}/ answered 503)`)
  })
})
