/** Memory runs out, in a real control group with a real limit: the kernel's own killer decides, or we before it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ProcessPlan } from '../../../src/plan/model/plan.ts'
import type { MemoryEvent } from '../../../src/supervisor/events/events.ts'
import { canMakeCgroup, cgroupFor, type RealCgroup, withoutCgroup } from '../../supervisor/memory/real-cgroup.ts'
import { always, never, planFor, type TestSupervisor, testSupervisor } from '../../supervisor/test-supervisor.ts'

const eater = join(import.meta.dirname, '../../fixtures/programs/eats-memory.js')
const possible = canMakeCgroup()
const mib = 2 ** 20
/** A Node that holds nothing has about 45 MB. */
const limit = 400 * mib

/** Goes into the group, holds `first` MB, and takes `step` more each time that it grows. */
function eating(
  name: string,
  inside: RealCgroup,
  [first, step]: [number, number | 'endless'],
  wanted = {},
): ProcessPlan {
  const command = inside.inside([process.execPath, eater, `${first}`, `${step}`])
  const ready = { kind: 'log', pattern: '^holds ', every: 10, timeout: 100, deadline: 20_000 } as const
  return planFor(name, { command, ready, restart: always({ next: 10 }), ...wanted })
}

function memoryEvents({ events }: TestSupervisor): MemoryEvent[] {
  return events.filter((event) => event.type === 'memory')
}

/** Resolves when it holds more. */
async function grow({ status, lines, until }: TestSupervisor, name: string): Promise<void> {
  const before = lines.length
  process.kill(status(name).pid ?? 0, 'SIGUSR2')
  await until(() => lines.slice(before).some((line) => line.process === name))
}

/** Lets it grow until so much of the limit is held. */
async function fill(one: TestSupervisor, name: string, { cgroup }: RealCgroup, part: number): Promise<void> {
  while ((cgroup.tightest()?.held ?? limit) < limit * part) await grow(one, name)
}

/** Often enough for a test, and so rarely that nothing is ever seen. */
const often = 50
const hardlyEver = 600_000

describe.skipIf(!possible)(`out of memory (${possible ? 'real cgroup' : withoutCgroup})`, () => {
  it('names what the kernel killed for memory, counts it and restarts it by policy', async () => {
    const inside = cgroupFor(limit)
    const plan = eating('leaky', inside, [10, 'endless'], { criticality: 'critical' })
    const one = testSupervisor([plan], { memory: { cgroup: inside.cgroup, every: often } })
    one.supervisor.start()
    const { pid } = await one.untilState('leaky', 'running')
    process.kill(pid ?? 0, 'SIGUSR2')
    await one.until(() => one.status('leaky').restarts === 1 && one.status('leaky').state === 'running')
    expect(one.status('leaky')).toMatchObject({ restarts: 1, oomKills: 1, exit: { code: null, signal: 'SIGKILL' } })
    const warned = one.logs.find(({ fields }) => fields.state === 'backoff')
    expect(warned?.message).toMatch(/^was killed by the kernel for memory \(OOM\) after .*; restarting at once$/)
    expect(memoryEvents(one).map(({ action, process }) => `${process} ${action}`)).toEqual(['leaky killed'])
  })

  it('does not name so what somebody else killed', async () => {
    const inside = cgroupFor(limit)
    const one = testSupervisor([eating('web', inside, [10, 0])], { memory: { cgroup: inside.cgroup, every: often } })
    one.supervisor.start()
    const { pid = 0 } = await one.untilState('web', 'running')
    process.kill(pid, 'SIGKILL')
    await one.until(() => one.status('web').restarts === 1 && one.status('web').state === 'running')
    expect(one.status('web').oomKills).toBeUndefined()
    const warned = one.logs.find(({ fields }) => fields.state === 'backoff')
    expect(warned?.message).toMatch(/^was killed by SIGKILL after /)
    expect(memoryEvents(one)).toEqual([])
  })

  it('names it, too, when a shell in between says 137, and makes an essential one that gives up end all with it', async () => {
    const inside = cgroupFor(100 * mib)
    const shell = inside.inside(['/bin/sh', '-c', '"$@"; exit $?', 'sh', process.execPath, eater, '10', '0'])
    // The shell and a Node do not fit: the kernel kills the larger one.
    const command = [...shell.slice(0, -2), '500', '0']
    const plan = planFor('core', { command, essential: true, restart: { ...always({ failures: 2, next: 10 }) } })
    const one = testSupervisor([plan], { memory: { cgroup: inside.cgroup, every: hardlyEver } })
    one.supervisor.start()
    const { reason } = await one.untilState('core', 'fatal')
    expect(reason).toMatch(
      /^it failed 2 times within 1m; the last time it was killed by the kernel for memory \(OOM\) after /,
    )
    expect(one.events.at(-1)).toMatchObject({ type: 'essential-failed', process: 'core', exitCode: 137 })
  })

  it('is logged of a child of a process that keeps running', async () => {
    const inside = cgroupFor(100 * mib)
    const script = 'trap : USR1; "$@" & wait; echo survived; sleep 60'
    const command = inside.inside(['/bin/sh', '-c', script, 'sh', process.execPath, eater, '500'])
    const one = testSupervisor([planFor('db', { command })], { memory: { cgroup: inside.cgroup, every: often } })
    one.supervisor.start()
    await one.until(() => one.lines.some(({ text }) => text === 'survived'))
    await one.until(() => one.logs.some(({ message }) => message.startsWith('the kernel killed 1 of')))
    expect(one.status('db')).toMatchObject({ state: 'running', restarts: 0 })
  })

  it('restarts what is rebuildable before the kernel kills, and leaves the critical process alone', async () => {
    const inside = cgroupFor(limit)
    const plans = [
      eating('db', inside, [20, 10], { criticality: 'critical' }),
      eating('cache', inside, [60, 0], { criticality: 'rebuildable' }),
      eating('web', inside, [20, 0], { criticality: 'important' }),
    ]
    const one = testSupervisor(plans, { memory: { cgroup: inside.cgroup, every: often } })
    one.supervisor.start()
    const [db, , web] = await Promise.all(plans.map(({ name }) => one.untilState(name, 'running')))
    const kills = inside.cgroup.oomKills()
    await fill(one, 'db', inside, 0.93)
    await one.until(() => one.status('cache').restarts === 1 && one.status('cache').state === 'running')
    expect([one.status('db').pid, one.status('web').pid]).toEqual([db?.pid, web?.pid])
    expect(inside.cgroup.oomKills()).toBe(kills)
    expect(memoryEvents(one).map(({ action, process }) => `${process} ${action}`)).toEqual(['cache restarted'])
    const warned = one.logs.find(({ fields }) => fields.state === 'backoff')
    expect(warned?.message).toMatch(/^used .* MB while the container used .* of its 419 MB; restarting at once$/)
    expect(one.status('cache').exit).toEqual({ code: null, signal: 'SIGTERM' })
  })

  it('makes the kernel choose the rebuildable first, when memory runs out faster than anyone looks', async () => {
    const inside = cgroupFor(limit)
    const plans = [
      eating('db', inside, [150, 10], { criticality: 'critical' }),
      // Not started again, into a group that is still full: whom the kernel then chooses is another question.
      eating('cache', inside, [40, 0], { criticality: 'rebuildable', restart: never }),
    ]
    const one = testSupervisor(plans, { memory: { cgroup: inside.cgroup, every: hardlyEver } })
    one.supervisor.start()
    const [db, cache] = await Promise.all(plans.map(({ name }) => one.untilState(name, 'running')))
    // Who holds nothing yet is not there to be chosen.
    await one.until(() => plans.every(({ name }) => one.status(name).ready))
    const score = (pid = 0) => Number(readFileSync(`/proc/${pid}/oom_score_adj`, 'latin1'))
    expect([score(cache?.pid), score(db?.pid)]).toEqual([1_000, score(process.pid)])
    const kills = inside.cgroup.oomKills()
    // By the kernel's own count: until we have noticed, it would grow into what was freed.
    while (inside.cgroup.oomKills() === kills) await grow(one, 'db')
    await one.until(() => one.status('cache').oomKills !== undefined)
    // Whom it kills next is its own affair: a dead process's memory may still be counted when it looks again.
    expect(memoryEvents(one).map(({ action, process }) => `${process} ${action}`)[0]).toBe('cache killed')
  })

  it('says that it cannot help where all are critical, and leaves them alone', async () => {
    const inside = cgroupFor(limit)
    const plans = [
      eating('db', inside, [20, 10], { criticality: 'critical' }),
      eating('once', inside, [10, 0], { criticality: 'rebuildable', restart: never }),
    ]
    const one = testSupervisor(plans, { memory: { cgroup: inside.cgroup, every: often } })
    one.supervisor.start()
    await Promise.all(plans.map(({ name }) => one.untilState(name, 'running')))
    await fill(one, 'db', inside, 0.93)
    const { fields } = await one.until(() =>
      one.logs.find(({ message }) => message.includes('no process can be restarted')),
    )
    expect(fields).toMatchObject({ limit })
    expect([one.status('db').restarts, one.status('once').restarts]).toEqual([0, 0])
  })
})
