import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { ProcessPlan } from '../../src/plan/model/plan.ts'
import { always, never, planFor, type TestSupervisor, testSupervisor } from './test-supervisor.ts'

const everySecond = { cron: '* * * * * *' } as const
const inFarFuture = { cron: '0 0 29 2 *' } as const
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-test-'))
afterAll(() => rmSync(folder, { recursive: true }))

function task(name: string, wanted: Parameters<typeof planFor>[1] = {}): ProcessPlan {
  return planFor(name, { kind: 'task', program: 'runs-a-while.js', restart: never, ...wanted })
}

function runs({ lines }: TestSupervisor, name: string): number {
  return lines.filter(({ process, text }) => process === name && text === 'run').length
}

describe('a scheduled task', () => {
  it('waits for its time instead of running at the start, then runs again and again', async () => {
    const all = testSupervisor([task('tick', { schedule: everySecond })])
    const { supervisor, status, until, story } = all
    const before = Date.now()
    supervisor.start()
    expect(status('tick')).toMatchObject({ state: 'stopped', wanted: false, schedule: everySecond })
    expect(status('tick').nextRun).toBeGreaterThan(before)
    await until(() => runs(all, 'tick') === 2 && status('tick').state === 'exited')
    const run = ['waiting', 'starting', 'running', 'stopping', 'exited'].map((state) => `tick:${state}`)
    expect(story().slice(0, 10)).toEqual([...run, ...run])
    expect(status('tick')).toMatchObject({ ready: true, restarts: 0, lastRun: { failed: false } })
  })

  it('does not run twice at a time: what is due meanwhile is skipped, and that is logged', async () => {
    const gate = join(folder, 'overlap')
    const all = testSupervisor([task('slow', { schedule: everySecond, environment: { GATE: gate } })])
    const { supervisor, until, events, logs, untilState } = all
    supervisor.start()
    const skipped = await until(() => events.find(({ type }) => type === 'schedule-skipped'))
    expect(skipped).toMatchObject({ process: 'slow', reason: 'its last run has not ended (running)' })
    expect(logs).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        message: 'skips its scheduled run: its last run has not ended (running)',
      }),
    )
    expect(runs(all, 'slow')).toBe(1)
    writeFileSync(gate, '')
    await untilState('slow', 'exited')
    await until(() => runs(all, 'slow') === 2)
  })

  it('is skipped while it lacks what it depends on, and says what', async () => {
    const gate = join(folder, 'needs')
    const all = testSupervisor([
      task('migrate', { environment: { GATE: gate } }),
      task('report', { schedule: everySecond, dependsOn: [{ process: 'migrate', condition: 'completed' }] }),
    ])
    const { supervisor, until, events, status } = all
    supervisor.start()
    const skipped = await until(() => events.find(({ type }) => type === 'schedule-skipped'))
    expect(skipped).toMatchObject({ process: 'report', reason: 'it needs migrate' })
    expect(status('report').state).toBe('stopped')
    writeFileSync(gate, '')
    await until(() => runs(all, 'report') === 1)
  })

  it('that failed says so until a run is good again; failures of one run do not count for the next', async () => {
    const restart = { ...always({ failures: 2, next: 1 }), policy: 'on-failure' as const }
    const all = testSupervisor([task('backup', { schedule: inFarFuture, environment: { EXIT: '3' }, restart })])
    const { supervisor, untilState, status, until } = all
    supervisor.start()
    for (const attempts of [2, 4]) {
      expect(supervisor.run('backup')).toMatchObject({ started: true })
      await until(() => runs(all, 'backup') === attempts)
      expect(await untilState('backup', 'fatal')).toMatchObject({ ready: false, lastRun: { failed: true } })
      expect(status('backup').reason).toMatch(/^it failed 2 times within 1m; the last time it exited with code 3/)
    }
    expect(status('backup').restarts).toBe(2)
  })

  it('of a plan that changed follows the new schedule, and an unchanged one keeps its next run', async () => {
    const kept = task('kept', { schedule: inFarFuture })
    const { supervisor, status, until } = testSupervisor([kept, task('moved', { schedule: inFarFuture })])
    supervisor.start()
    const { nextRun } = status('kept')
    await supervisor.apply([kept, task('moved', { schedule: everySecond }), task('came', { schedule: inFarFuture })])
    expect(status('kept').nextRun).toBe(nextRun)
    expect(status('came')).toMatchObject({ state: 'stopped', nextRun })
    await until(() => status('moved').lastRun)
    await supervisor.apply([kept])
    expect(supervisor.status()).toHaveLength(1)
  })

  it('is not started any more once the end has begun', async () => {
    const all = testSupervisor([task('tick', { schedule: everySecond })])
    const { supervisor, until, status } = all
    supervisor.start()
    await until(() => runs(all, 'tick') === 1)
    await supervisor.stop({ budget: 5_000 })
    expect(status('tick').nextRun).toBeUndefined()
    expect(supervisor.run('tick')).toMatchObject({ started: false, refusal: 'stopping' })
  })
})

describe('a run on demand', () => {
  it('reports when it has ended, and how', async () => {
    const { supervisor, status } = testSupervisor([
      task('good', { schedule: inFarFuture }),
      task('bad', { schedule: inFarFuture, environment: { EXIT: '7' } }),
    ])
    supervisor.start()
    const good = supervisor.run('good')
    const bad = supervisor.run('bad')
    if (!good.started || !bad.started) throw new Error('refused')
    expect(await good.ended).toMatchObject({ outcome: 'completed', exitCode: 0 })
    const failed = await bad.ended
    expect(failed).toMatchObject({ outcome: 'failed', exitCode: 7 })
    expect(failed.reason).toMatch(/^exited with code 7 after /)
    expect(status('good').lastRun).toMatchObject({ failed: false })
  })

  it('repeats a task that has completed, and unblocks what waits for one that failed', async () => {
    const gate = join(folder, 'fixed')
    const { supervisor, untilState, status } = testSupervisor([
      task('migrate', { command: ['/bin/sh', '-c', `test -e ${gate}`] }),
      planFor('api', { dependsOn: [{ process: 'migrate', condition: 'completed' }] }),
    ])
    supervisor.start()
    await untilState('migrate', 'exited')
    expect(status('api')).toMatchObject({ state: 'waiting', waitingFor: ['migrate'] })
    writeFileSync(gate, '')
    expect(supervisor.run('migrate').started).toBe(true)
    await untilState('api', 'running')
  })

  it('ended by a stop says that it was stopped', async () => {
    const { supervisor, untilState } = testSupervisor([
      task('long', { schedule: inFarFuture, environment: { DELAY: '60000' } }),
    ])
    supervisor.start()
    const answer = supervisor.run('long')
    if (!answer.started) throw new Error('refused')
    await untilState('long', 'running')
    await supervisor.stop({ budget: 5_000 })
    expect(await answer.ended).toMatchObject({ outcome: 'stopped' })
  })

  it('is refused with words', async () => {
    const gate = join(folder, 'refused')
    const { supervisor, untilState } = testSupervisor([
      planFor('web'),
      task('backup', { schedule: inFarFuture, environment: { GATE: gate } }),
      task('report', { schedule: inFarFuture, dependsOn: [{ process: 'backup', condition: 'completed' }] }),
    ])
    expect(supervisor.run('backup')).toMatchObject({ started: false, refusal: 'stopping' })
    supervisor.start()
    expect(supervisor.run('bakup')).toMatchObject({
      refusal: 'unknown-process',
      message: 'there is no process bakup; did you mean backup?',
    })
    expect(supervisor.run('nothing-like-it')).toMatchObject({
      message: 'there is no process nothing-like-it; there are web, backup, report',
    })
    expect(supervisor.run('report')).toMatchObject({
      refusal: 'not-met',
      message: 'report was not started: it needs backup',
    })
    expect(supervisor.run('backup').started).toBe(true)
    expect(supervisor.run('backup')).toMatchObject({ refusal: 'busy', message: expect.stringContaining('not ended') })
    writeFileSync(gate, '')
    await untilState('backup', 'exited')
    expect(supervisor.run('report').started).toBe(true)
  })
})
