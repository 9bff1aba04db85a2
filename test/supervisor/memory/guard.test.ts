import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ProcessPlan } from '../../../src/plan/model/plan.ts'
import { part } from '../../parts.ts'
import type { TestSupervisor } from '../test-supervisor.ts'
import { always, never, planFor, testSupervisor, untilNoSurvivors } from '../test-supervisor.ts'

const eater = join(import.meta.dirname, '../../fixtures/programs/eats-memory.js')
const mb = 1_000_000

/** No container limit; a look at every process each 50 ms. */
const memory = { cgroup: undefined, every: 10 }

function eating(name: string, words: readonly string[], wanted: Partial<ProcessPlan> = {}): ProcessPlan {
  const ready = { kind: 'log', pattern: '^holds ', every: 10, timeout: 100, deadline: 20_000 } as const
  return planFor(name, { command: [process.execPath, eater, ...words], ready, ...wanted })
}

function said({ logs }: TestSupervisor, part: string): string | undefined {
  return logs.find(({ message }) => message.includes(part))?.message
}

function actions({ events }: TestSupervisor): string[] {
  return events.flatMap((event) => (event.type === 'memory' ? [`${event.process} ${event.action}`] : []))
}

describe('what a process holds', () => {
  it('is in its status, close to what the kernel says, with its limit', async () => {
    const one = testSupervisor([eating('web', ['100'], { memory: 500 * mb }), planFor('other')], { memory })
    one.supervisor.start()
    const { pid } = await one.untilState('web', 'running')
    const resident = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) * 1_024
    await expect.poll(() => Math.abs((one.status('web').memory?.used ?? 0) - resident)).toBeLessThan(5 * mb)
    expect(one.status('web').memory?.limit).toBe(500 * mb)
    expect(one.status('other').memory?.limit).toBeUndefined()
    await one.supervisor.stop({ budget: 5_000 })
    expect(one.status('web').memory).toBeUndefined()
  })

  const python = part('python3')
  it.skipIf(!python)('counts descendants in sessions of their own, and what they share once', async () => {
    // Each of three children maps the same 60 MB, as the processes of a database server map its buffers.
    const script = `import mmap, os, time
shared = mmap.mmap(-1, 60_000_000)
shared.write(b'x' * 60_000_000)
ended, alive = os.pipe()
for child in range(3):
    if os.fork() == 0:
        os.setsid()
        for page in range(0, 60_000_000, 4096): shared[page]
        os.write(1, b'mapped\\n')
        os.close(alive)
        os.read(ended, 1)
        os._exit(0)
time.sleep(60)`
    const one = testSupervisor([planFor('db', { command: [python ?? '', '-c', script], memory: 140 * mb })], { memory })
    one.supervisor.start()
    await one.until(() => one.lines.filter(({ text }) => text === 'mapped').length === 3)
    const looks = one.events.length
    const { used = 0 } = await one.until(() => one.status('db').memory)
    expect(used).toBeGreaterThan(60 * mb)
    expect(used).toBeLessThan(140 * mb)
    expect(one.events).toHaveLength(looks)
    await one.supervisor.stop({ budget: 5_000 })
    await untilNoSurvivors()
  })
})

describe('a process above its own size', () => {
  it('is restarted by its stop signal, with the numbers as the reason', async () => {
    const plan = eating('leaky', ['10', '150'], { memory: 150 * mb, restart: always({ next: 10 }) })
    const one = testSupervisor([plan], { memory })
    one.supervisor.start()
    const { pid = 0 } = await one.untilState('leaky', 'running')
    process.kill(pid, 'SIGUSR2')
    await one.until(() => one.status('leaky').restarts === 1 && one.status('leaky').state === 'running')
    expect(one.status('leaky').exit).toEqual({ code: null, signal: 'SIGTERM' })
    expect(actions(one)).toEqual(['leaky restarted'])
    expect(said(one, 'restarting it')).toMatch(/^uses \d+ MB of its 150 MB `memory`; restarting it$/)
    expect(said(one, 'restarting at once')).toMatch(/^used \d+ MB of its 150 MB; restarting at once$/)
  })

  it('is only warned of while it is critical, a task, never restarted, or was restarted a moment ago', async () => {
    const plans = [
      eating('db', ['100'], { memory: 50 * mb, criticality: 'critical' }),
      eating('import', ['100'], { memory: 50 * mb, kind: 'task' }),
      eating('once', ['100'], { memory: 50 * mb, restart: never }),
      eating('greedy', ['100'], { memory: 50 * mb, restart: always({ next: 10 }) }),
    ]
    const one = testSupervisor(plans, { memory })
    one.supervisor.start()
    await one.until(() => actions(one).length === 5)
    expect(actions(one).sort()).toEqual([
      'db warned',
      'greedy restarted',
      'greedy warned',
      'import warned',
      'once warned',
    ])
    const reasons = one.logs.flatMap(({ message }) => /not restarting it, since (.*)$/.exec(message)?.[1] ?? [])
    expect(reasons.sort()).toEqual([
      'a task would lose its work',
      'it is critical',
      'it was restarted for memory a short while ago',
      'its restart policy is `never`',
    ])
    expect(plans.map(({ name }) => one.status(name).restarts)).toEqual([0, 0, 0, 1])
  })
})
