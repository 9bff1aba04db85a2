import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { always, never, planFor, testSupervisor, transitions } from './test-supervisor.ts'

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-on-demand-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Fails until the file is there, and then stays. */
const fixedBy = (gate: string) => ({ command: ['/bin/sh', '-c', `test -e ${gate} && exec sleep 600; exit 9`] })

describe('a service that is down', () => {
  it('is revived with as many attempts as at first, and without its old pause', async () => {
    const gate = join(folder, 'fatal')
    const { supervisor, untilState, events } = testSupervisor([
      planFor('core', { ...fixedBy(gate), restart: always({ failures: 3 }) }),
    ])
    supervisor.start()
    await untilState('core', 'fatal')
    const first = supervisor.run('core')
    if (!first.started) throw new Error('refused')
    // Without a probe it was ready each time, as soon as it was spawned.
    expect(await first.ended).toMatchObject({ outcome: 'failed', exitCode: 9 })
    expect(transitions(events).filter(({ to }) => to === 'starting')).toHaveLength(6)
    writeFileSync(gate, '')
    supervisor.run('core')
    await untilState('core', 'running')
  })

  it('skips its pause when a start is requested', async () => {
    const gate = join(folder, 'backoff')
    const restart = { ...always(), backoff: { first: 600_000, next: 600_000, max: 600_000 } }
    const task = { kind: 'task', restart: { ...restart, policy: 'on-failure' } } as const
    const { supervisor, untilState } = testSupervisor([
      planFor('core', { ...fixedBy(gate), restart }),
      planFor('job', { ...task, command: ['/bin/sh', '-c', `test -e ${gate}`] }),
    ])
    supervisor.start()
    await untilState('core', 'backoff')
    await untilState('job', 'backoff')
    writeFileSync(gate, '')
    const [core, job] = [supervisor.run('core'), supervisor.run('job')]
    if (!core.started || !job.started) throw new Error('refused')
    expect(await core.ended).toMatchObject({ outcome: 'ready', exitCode: 0 })
    expect(await job.ended).toMatchObject({ outcome: 'completed', exitCode: 0 })
  })

  it('is waited for while it waits itself, until what it needs has failed', async () => {
    const gate = join(folder, 'needed')
    const { supervisor, untilState } = testSupervisor([
      planFor('migrate', {
        kind: 'task',
        restart: never,
        command: ['/bin/sh', '-c', `until test -e ${gate}; do sleep 0.02; done; exit 3`],
      }),
      planFor('api', { dependsOn: [{ process: 'migrate', condition: 'completed' }] }),
    ])
    supervisor.start()
    await untilState('api', 'waiting')
    const api = supervisor.run('api')
    if (!api.started) throw new Error('refused')
    writeFileSync(gate, '')
    const reason = 'waits for migrate, which failed or has ended'
    expect(await api.ended).toMatchObject({ outcome: 'failed', exitCode: 1, reason })
    expect(supervisor.run('api')).toMatchObject({ started: false, refusal: 'not-met' })
  })

  it('that has ended as its policy allows is started on demand, and not by another plan', async () => {
    const plan = planFor('once', { restart: never, command: ['/bin/true'] })
    const { supervisor, untilState, events } = testSupervisor([plan])
    supervisor.start()
    await untilState('once', 'exited')
    expect(await supervisor.apply([plan])).toEqual({ started: [], stopped: [], restarted: [], unchanged: ['once'] })
    const again = supervisor.run('once')
    if (!again.started) throw new Error('refused')
    expect(await again.ended).toMatchObject({ outcome: 'completed' })
    await untilState('once', 'exited')
    expect(transitions(events).filter(({ to }) => to === 'starting')).toHaveLength(2)
  })

  it('is revived by another plan, also where others were changed by it', async () => {
    const gate = join(folder, 'applied')
    const core = planFor('core', { ...fixedBy(gate), restart: always({ failures: 1 }) })
    const waits = planFor('api', { dependsOn: [{ process: 'core', condition: 'ready' }] })
    const { supervisor, untilState } = testSupervisor([core, waits])
    supervisor.start()
    await untilState('core', 'fatal')
    writeFileSync(gate, '')
    const summary = await supervisor.apply([core, { ...waits, environment: { A: '1' } }])
    expect(summary).toMatchObject({ restarted: ['api'], unchanged: ['core'], revived: ['core'] })
    await untilState('api', 'running')
  })
})
