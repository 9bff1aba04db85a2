import { describe, expect, it } from 'vitest'
import { planFor, survivors, testSupervisor } from './test-supervisor.ts'

const none = { started: [], stopped: [], restarted: [], unchanged: [] }
const readyByLine = { kind: 'log', pattern: '^up$', every: 10, timeout: 100, deadline: 10_000 } as const

describe('applying another plan', () => {
  it('stops what is gone, restarts what changed, starts what is new and leaves the rest alone', async () => {
    const { supervisor, untilState, status } = testSupervisor([planFor('same'), planFor('gone'), planFor('changed')])
    supervisor.start()
    const { pid: same } = await untilState('same', 'running')
    const { pid: gone = 0 } = await untilState('gone', 'running')
    const { pid: changed } = await untilState('changed', 'running')
    const moved = { ...planFor('same'), position: { ...planFor('same').position, line: 99 } }
    const summary = await supervisor.apply([planFor('new'), planFor('changed', { environment: { A: '1' } }), moved])
    expect(summary).toEqual({ started: ['new'], stopped: ['gone'], restarted: ['changed'], unchanged: ['same'] })
    expect(supervisor.status().map(({ name }) => name)).toEqual(['new', 'changed', 'same'])
    await untilState('new', 'running')
    const { pid: renewed } = await untilState('changed', 'running')
    expect(status('same')).toMatchObject({ pid: same, state: 'running' })
    expect(renewed).not.toBe(changed)
    expect(() => process.kill(gone, 0)).toThrow('ESRCH')
  })

  it('leaves what depends on a restarted process running, and stops what is gone in reverse order', async () => {
    const onDb = { dependsOn: [{ process: 'db', condition: 'ready' }] } as const
    const before = [
      planFor('db', { ready: readyByLine, environment: { DELAY: '50' } }),
      planFor('api', { ...onDb, environment: { DELAY: '50' } }),
      planFor('job', onDb),
    ]
    const { supervisor, untilState, story, status } = testSupervisor(before)
    supervisor.start()
    await untilState('api', 'running')
    const { pid } = await untilState('job', 'running')
    const from = story().length
    await supervisor.apply([planFor('db', { ready: readyByLine, environment: { DELAY: '51' } }), planFor('job', onDb)])
    await untilState('db', 'running')
    expect(story().slice(from)).toEqual([
      'api:stopping',
      'api:stopped',
      'db:stopping',
      'db:stopped',
      'db:waiting',
      'db:starting',
      'db:running',
    ])
    expect(status('job')).toMatchObject({ pid, state: 'running', restarts: 0 })
  })

  it('sets those going that waited for a process which is not in the plan any more', async () => {
    const waits = planFor('api', { dependsOn: [{ process: 'db', condition: 'ready' }] })
    const db = planFor('db', { ready: { ...readyByLine, pattern: 'this is not said' } })
    const { supervisor, untilState } = testSupervisor([db, waits])
    supervisor.start()
    await untilState('db', 'starting')
    await supervisor.apply([waits])
    await untilState('api', 'running')
  })

  it('does one call after the other', async () => {
    const { supervisor, untilState } = testSupervisor([planFor('web')])
    supervisor.start()
    await untilState('web', 'running')
    const plans = [1, 2, 3].map((version) => [planFor('web', { environment: { VERSION: String(version) } })])
    const summaries = await Promise.all(plans.map((plan) => supervisor.apply(plan)))
    expect(summaries).toEqual(plans.map(() => ({ ...none, restarted: ['web'] })))
    expect(supervisor.status()).toHaveLength(1)
    expect(survivors().length).toBeLessThanOrEqual(1)
  })

  it('starts nothing once a stop has begun, and is ended by it', async () => {
    const stubborn = planFor('stubborn', {
      program: 'ignores-sigterm.js',
      ready: { ...readyByLine, pattern: 'ready' },
      stop: { signal: 'SIGTERM', grace: 60_000 },
    })
    const { supervisor, untilState, story } = testSupervisor([stubborn])
    supervisor.start()
    await untilState('stubborn', 'running')
    const applied = supervisor.apply([planFor('new')])
    await untilState('stubborn', 'stopping')
    await supervisor.stop({ budget: 500 })
    expect(await applied).toEqual({ ...none, stopped: ['stubborn'] })
    expect(await supervisor.apply([planFor('newer')])).toEqual(none)
    expect(story().filter((step) => step.startsWith('new'))).toEqual([])
    expect(survivors()).toEqual([])
  })
})
