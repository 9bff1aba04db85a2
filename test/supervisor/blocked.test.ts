/** What becomes of those that wait for something that is down for good, whatever brought it down. */
import { describe, expect, it } from 'vitest'
import type { ProcessPlan } from '../../src/plan/model/plan.ts'
import { always, never, planFor, testSupervisor } from './test-supervisor.ts'

type PlanOptions = Parameters<typeof planFor>[1]

const task = { kind: 'task', restart: never } as const
const sh = (script: string) => ({ command: ['/bin/sh', '-c', script] })
const neverReady = { kind: 'log', pattern: 'this is not said', every: 10, timeout: 5_000, deadline: 100 } as const
const on = (process: string, condition: 'started' | 'ready' | 'completed' = 'completed') => ({
  dependsOn: [{ process, condition }],
})

/** How what is needed ends, with which code that is passed on, and what is said of it. */
const ends: readonly (readonly [how: string, plan: PlanOptions, needs: PlanOptions, exitCode: number, why: RegExp])[] =
  [
    [
      'a task that exits with a code',
      { ...task, ...sh('exit 7') },
      on('needed'),
      7,
      /^waits for needed, which exited with code 7 after/,
    ],
    ['a task that is killed', { ...task, ...sh('kill -KILL $$') }, on('needed'), 137, /was killed by SIGKILL after/],
    [
      'a task that is not ready in time',
      { ...task, ...sh('exec sleep 600'), ready: neverReady },
      on('needed', 'ready'),
      1,
      /was not ready within 100ms/,
    ],
    [
      'a task that was tried again in vain',
      { ...task, ...sh('exit 3'), restart: { ...always({ failures: 2 }), policy: 'on-failure' } },
      on('needed'),
      3,
      /it failed 2 times within 1m; the last time it exited with code 3/,
    ],
    [
      'a service that is fatal',
      { ...sh('exit 4'), restart: always({ failures: 2 }), ready: neverReady },
      on('needed', 'ready'),
      4,
      /it failed 2 times/,
    ],
    [
      'a program that is not there',
      { command: ['/no/such/program'] },
      on('needed', 'started'),
      127,
      /which could not be started \(command: the program \/no\/such\/program does not exist\)$/,
    ],
    [
      'a service that has ended by its policy',
      { ...sh('exit 0'), restart: never, ready: { ...neverReady, deadline: 60_000 } },
      on('needed', 'ready'),
      1,
      /^waits for needed, which has ended$/,
    ],
  ]

async function blocked(needed: PlanOptions, waits: PlanOptions, more: readonly ProcessPlan[] = []) {
  const one = testSupervisor([planFor('needed', needed), planFor('api', waits), ...more])
  one.supervisor.start()
  await one.until(() => one.status('api').blockedBy)
  return one
}

describe('who waits for', () => {
  it.each(ends)('%s is shown as blocked by it', async (_how, needed, needs) => {
    const one = await blocked(needed, needs, [planFor('behind', on('api', 'ready'))])
    expect(one.status('api')).toMatchObject({ state: 'waiting', waitingFor: ['needed'], blockedBy: ['needed'] })
    expect(one.status('behind')).toMatchObject({ waitingFor: ['api'], blockedBy: ['needed'] })
    expect(one.events.filter(({ type }) => type === 'essential-failed')).toEqual([])
  })

  it.each(ends)(
    '%s ends the run if it is essential, as if it had failed itself',
    async (_how, needed, needs, exitCode, why) => {
      const one = await blocked(needed, { ...needs, essential: true })
      const ended = await one.until(() => one.events.find(({ type }) => type === 'essential-failed'))
      expect(ended).toMatchObject({ process: 'api', exitCode, reason: expect.stringMatching(why) })
    },
  )

  it.each(ends)('%s ends the run also if it is essential behind others', async (_how, needed, needs, exitCode) => {
    const one = await blocked(needed, needs, [planFor('behind', { ...on('api', 'ready'), essential: true })])
    const ended = await one.until(() => one.events.find(({ type }) => type === 'essential-failed'))
    expect(ended).toMatchObject({ process: 'behind', exitCode })
    await one.supervisor.stop({ budget: 5_000 })
    expect(one.events.filter(({ type }) => type === 'essential-failed')).toHaveLength(1)
  })

  it('one that starts, is restarted or waits itself does not block others', async () => {
    const slow = planFor('slow', { ready: { ...neverReady, deadline: 600_000 } })
    const again = planFor('again', {
      ...sh('exit 1'),
      ready: neverReady,
      restart: { ...always(), backoff: { first: 600_000, next: 600_000, max: 600_000 } },
    })
    const one = testSupervisor([
      slow,
      again,
      planFor('a', on('slow', 'ready')),
      planFor('b', on('again', 'ready')),
      planFor('c', { ...on('a', 'ready'), essential: true }),
    ])
    one.supervisor.start()
    await one.untilState('again', 'backoff')
    for (const name of ['a', 'b', 'c']) expect(one.status(name).blockedBy).toBeUndefined()
  })

  it('a task that has completed before its probe answered is not waited for', async () => {
    const one = testSupervisor([
      planFor('needed', { ...task, ...sh('exit 0'), ready: neverReady }),
      planFor('api', on('needed', 'ready')),
    ])
    one.supervisor.start()
    await one.untilState('api', 'running')
  })

  it('a process that a new plan revives does not block an essential one that is new in it', async () => {
    const failing = planFor('needed', { ...sh('test -e /no/such/file && exit 0; exit 1'), restart: never })
    const one = testSupervisor([failing])
    one.supervisor.start()
    await one.untilState('needed', 'exited')
    const fixed = { ...failing, restart: always({ failures: 100, next: 50 }) }
    await one.supervisor.apply([fixed, planFor('api', { ...on('needed', 'started'), essential: true })])
    await one.untilState('api', 'running')
    expect(one.events.filter(({ type }) => type === 'essential-failed')).toEqual([])
  })
})
