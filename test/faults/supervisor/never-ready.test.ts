import { describe, expect, it } from 'vitest'
import { freePorts } from '../../e2e/support/free-ports.ts'
import { always, planFor, survivors, testSupervisor } from '../../supervisor/test-supervisor.ts'

describe('a process that never becomes ready', () => {
  it('has crashed when its time is over; what depends on it keeps waiting and says for what, and the rest keeps running', async () => {
    const [port = 0] = await freePorts(1)
    const ready = { kind: 'grpc', port, service: '', every: 50, timeout: 500, deadline: 1_000 } as const
    const { supervisor, untilState, status, story, logs, until } = testSupervisor([
      planFor('temporal', {
        program: 'grpc-health.js',
        environment: { PORT: String(port), REFUSALS: '1000000' },
        ready,
        restart: always({ failures: 2 }),
      }),
      planFor('workflows', { dependsOn: [{ process: 'temporal', condition: 'ready' }] }),
      planFor('reports', { dependsOn: [{ process: 'workflows', condition: 'started' }] }),
      planFor('web'),
    ])
    supervisor.start()
    await untilState('temporal', 'backoff')
    expect(status('temporal').reason).toBe(`was not ready within 1s (gRPC health on port ${port} answered NOT_SERVING)`)
    const fatal = await untilState('temporal', 'fatal')
    expect(fatal.reason).toContain('it failed 2 times within 1m; the last time it was not ready within 1s')
    expect(status('workflows')).toMatchObject({ state: 'waiting', wanted: true, waitingFor: ['temporal'] })
    expect(status('reports')).toMatchObject({ state: 'waiting', wanted: true, waitingFor: ['workflows'] })
    expect(status('web')).toMatchObject({ state: 'running', ready: true, restarts: 0 })
    await until(() =>
      logs.some(
        ({ fields, message }) =>
          fields.process === 'workflows' && message === 'still waiting for temporal, which is fatal',
      ),
    )
    expect(story().filter((step) => step.startsWith('workflows'))).toEqual(['workflows:waiting'])
    expect(survivors().map(({ pid }) => pid)).toEqual([status('web').pid])
  })
})
