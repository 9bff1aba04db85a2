import { describe, expect, it } from 'vitest'
import type { ProcessPlan } from '../../src/plan/model/plan.ts'
import { always, planFor, type TestSupervisor, testSupervisor, transitions } from './test-supervisor.ts'

const timing = { every: 20, timeout: 1_000, deadline: 10_000 }

/** A server that is replaced while it serves; `version` makes two plans differ. */
function server(version: string, more: Partial<ProcessPlan> = {}): ProcessPlan {
  return planFor('api', {
    program: 'answers.js',
    port: 0,
    ready: { kind: 'tcp', host: '127.0.0.1', port: 0, ...timing },
    restart: { ...always({ failures: 2 }), rolling: { drain: 1_000 } },
    ...more,
    environment: { PORT: '{port}', VERSION: version, ...more.environment },
  })
}

async function started(
  plans: readonly ProcessPlan[],
  more: Parameters<typeof testSupervisor>[1] = {},
): Promise<TestSupervisor> {
  const one = testSupervisor(plans, more)
  one.supervisor.start()
  for (const { name } of plans) await one.until(() => one.status(name).ready)
  return one
}

function said({ logs }: TestSupervisor): string[] {
  return logs.filter(({ fields }) => fields.process === 'api').map(({ level, message }) => `${level}: ${message}`)
}

const answer = async (port: number | undefined) => (await fetch(`http://127.0.0.1:${port}/`)).text()

describe('a rolling restart', () => {
  it('starts the successor beside the process, and ends that when it has taken over', async () => {
    // The one before lives until the test has seen both.
    const drained = Promise.withResolvers<number>()
    const one = await started([server('1')], { drain: () => drained.promise })
    const before = one.status('api')
    const { rolling, restarted } = await one.supervisor.apply([server('2')])
    expect(rolling?.processes).toEqual(['api'])
    expect(restarted).toEqual([])
    expect(one.status('api')).toMatchObject({ pid: before.pid, ready: true })
    const both = await one.until(() => one.status('api').successor?.pid !== undefined && one.status('api'))
    expect(both.successor?.port).not.toBe(before.port)
    expect(await answer(before.port)).toBe('1')

    drained.resolve(0)
    expect(await rolling?.kept).toEqual([])
    const after = one.status('api')
    expect(after).toMatchObject({ state: 'running', ready: true, restarts: 0 })
    expect(after.pid).not.toBe(before.pid)
    expect(after).not.toHaveProperty('successor')
    expect(after).not.toHaveProperty('predecessor')
    expect(await answer(after.port)).toBe('2')
    await expect(answer(before.port)).rejects.toThrow()
    expect(one.events.filter(({ type }) => type === 'replaced')).toHaveLength(1)
    const counted = transitions(one.events).filter(({ role }) => role === undefined)
    expect(counted.map(({ to }) => to)).toEqual(['waiting', 'starting', 'running'])
  })

  it('waits for the drain before it ends the one before', async () => {
    const drained = Promise.withResolvers<number>()
    const asked: [number, number][] = []
    const drain = (port: number, budget: number) => {
      asked.push([port, budget])
      return drained.promise
    }
    const one = testSupervisor([server('1')], { drain })
    one.supervisor.start()
    const before = await one.untilState('api', 'running')
    const { rolling } = await one.supervisor.apply([server('2')])
    const draining = await one.until(() => one.status('api').predecessor && one.status('api'))
    expect(draining.pid).not.toBe(before.pid)
    expect(draining.predecessor).toEqual({ state: 'running', pid: before.pid, port: before.port })
    expect(asked).toEqual([[before.port, 1_000]])
    expect(await answer(before.port)).toBe('1')
    drained.resolve(3)
    expect(await rolling?.kept).toEqual([])
    await expect(answer(before.port)).rejects.toThrow()
    expect(said(one)).toContain(`warn: cut 3 requests to pid ${before.pid} that were still unanswered after the drain`)
  })

  it.each([
    ['crashes at boot', { BROKEN: '1' }, {}, /it failed 2 times within 1m; the last time it exited with code 7/],
    ['never gets ready', { DEAF: '1' }, { deadline: 200 }, /was not ready within 200ms/],
  ])('keeps the process if the new version %s', async (_, environment, patience, reason) => {
    const one = await started([server('1')])
    const before = one.status('api')
    const ready = { kind: 'tcp', host: '127.0.0.1', port: 0, ...timing, ...patience } as const
    const { rolling } = await one.supervisor.apply([server('2', { environment, ready })])
    expect(await rolling?.kept).toEqual([{ process: 'api', reason: expect.stringMatching(reason) }])
    expect(one.status('api')).toMatchObject({ pid: before.pid, state: 'running', ready: true })
    expect(one.status('api')).not.toHaveProperty('successor')
    expect(await answer(before.port)).toBe('1')
    const error = said(one).find((line) => line.startsWith('error: rolling restart failed'))
    expect(error).toMatch(reason)
    expect(error).toMatch(new RegExp(`pid ${before.pid} keeps serving$`))
    expect(transitions(one.events).some(({ failed }) => failed)).toBe(false)

    const fixed = await one.supervisor.apply([server('3')])
    expect(await fixed.rolling?.kept).toEqual([])
    expect(await answer(one.status('api').port)).toBe('3')
  })

  it('ends a successor when another version is applied, and starts that one', async () => {
    const one = await started([server('1')])
    const first = await one.supervisor.apply([server('2', { environment: { DEAF: '1' } })])
    await one.until(() => one.status('api').successor?.state === 'starting')
    const second = await one.supervisor.apply([server('3')])
    expect(await first.rolling?.kept).toEqual([{ process: 'api', reason: 'is no longer what the file asks for' }])
    expect(await second.rolling?.kept).toEqual([])
    expect(await answer(one.status('api').port)).toBe('3')
  })

  it('continues when the same version is applied again, and is cancelled by the version that serves', async () => {
    const one = await started([server('1')])
    const pid = one.status('api').pid
    const deaf = server('2', { environment: { DEAF: '1' } })
    const first = await one.supervisor.apply([deaf])
    const rising = await one.until(() => one.status('api').successor?.pid)
    expect((await one.supervisor.apply([deaf])).unchanged).toEqual(['api'])
    expect(one.status('api').successor?.pid).toBe(rising)
    expect((await one.supervisor.apply([server('1')])).unchanged).toEqual(['api'])
    expect(await first.rolling?.kept).toHaveLength(1)
    expect(one.status('api').pid).toBe(pid)
  })

  it('ends both when everything stops in the midst of it', async () => {
    const one = await started([server('1')])
    const { rolling } = await one.supervisor.apply([server('2', { environment: { DEAF: '1' } })])
    await one.until(() => one.status('api').successor?.pid)
    await one.supervisor.stop({ budget: 10_000 })
    expect(one.status('api')).toMatchObject({ state: 'stopped' })
    expect(await rolling?.kept).toEqual([{ process: 'api', reason: 'was stopped before it was ready' }])
  }, 10_000)

  it('ends both when everything stops while the one before is drained', async () => {
    const one = testSupervisor([server('1')], { drain: () => new Promise(() => {}) })
    one.supervisor.start()
    await one.untilState('api', 'running')
    const { rolling } = await one.supervisor.apply([server('2')])
    await one.until(() => one.status('api').predecessor)
    await one.supervisor.stop({ budget: 10_000 })
    expect(await rolling?.kept).toEqual([])
  })

  it('makes the successor the process when the one before is killed meanwhile', async () => {
    const one = await started([server('1')])
    const before = one.status('api')
    const slow = server('2', { ready: { kind: 'log', pattern: 'never', ...timing } })
    const { rolling } = await one.supervisor.apply([slow])
    const successor = await one.until(() => one.status('api').successor?.pid)
    process.kill(before.pid ?? 0, 'SIGKILL')
    const after = await one.until(() => one.status('api').pid === successor && one.status('api'))
    expect(after).toMatchObject({ state: 'starting', ready: false })
    expect(await rolling?.kept).toEqual([])
    expect(one.status('api')).not.toHaveProperty('predecessor')
    expect(one.lines.filter(({ process }) => process === 'api')).toEqual([])
  })

  it('is not for a crash: the policy starts it again', async () => {
    const one = await started([server('1')])
    const { pid } = one.status('api')
    process.kill(pid ?? 0, 'SIGKILL')
    const after = await one.until(() => one.status('api').ready && one.status('api').pid !== pid && one.status('api'))
    expect(after.restarts).toBe(1)
    expect(one.events.some(({ type }) => type === 'replaced')).toBe(false)
  })

  it('is a plain restart where nothing serves that could be kept going', async () => {
    const one = testSupervisor([server('1', { environment: { BROKEN: '1' } })])
    one.supervisor.start()
    await one.untilState('api', 'fatal')
    const { rolling, restarted } = await one.supervisor.apply([server('2')])
    expect(rolling).toBeUndefined()
    expect(restarted).toEqual(['api'])
    await one.until(() => one.status('api').ready)
  })

  it('leaves those that depend on it as they are', async () => {
    const dependant = planFor('web', { dependsOn: [{ process: 'api', condition: 'ready' }] })
    const one = await started([server('1'), dependant])
    const { rolling } = await one.supervisor.apply([server('2'), dependant])
    expect(await rolling?.kept).toEqual([])
    expect(one.story().filter((step) => step.startsWith('web:'))).toEqual([
      'web:waiting',
      'web:starting',
      'web:running',
    ])
  })
})
