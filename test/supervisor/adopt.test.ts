/** What a plan changes without a new process: the pid stays, and from that moment on the change is in force. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import type { ProcessPlan } from '../../src/plan/model/plan.ts'
import { always, never, planFor, type TestSupervisor, testSupervisor } from './test-supervisor.ts'

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-adopt-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

type PlanOptions = Parameters<typeof planFor>[1]

/** The process `web`, started by one plan and then supervised by another, with the pid that it keeps. */
async function adopted(before: PlanOptions, after: PlanOptions): Promise<TestSupervisor & { readonly pid: number }> {
  const one = testSupervisor([planFor('web', before)])
  one.supervisor.start()
  await one.untilState('web', 'running')
  return adopt(one, { ...before, ...after })
}

async function adopt(one: TestSupervisor, after: PlanOptions): Promise<TestSupervisor & { readonly pid: number }> {
  const { pid = 0, restarts } = one.status('web')
  const changes = await one.supervisor.apply([planFor('web', after)])
  expect(changes).toMatchObject({ started: [], stopped: [], restarted: [], unchanged: [], adjusted: ['web'] })
  expect(one.status('web')).toMatchObject({ pid, restarts })
  return { ...one, pid }
}

const exec = (script: string) => ({ kind: 'exec', command: ['/bin/sh', '-c', script] }) as const
const often = { every: 20, timeout: 5_000 }
const rarely = { every: 600_000, timeout: 5_000 }
const alive = (script: string, timing = often): ProcessPlan['alive'] => ({ ...exec(script), ...timing, failures: 1 })
const ready = (script: string, more: Partial<ProcessPlan['ready'] & object> = {}) =>
  ({ ...exec(script), ...often, deadline: 600_000, ...more }) as NonNullable<ProcessPlan['ready']>
const file = (name: string) => join(folder, name)

describe('another plan for a process that runs', () => {
  it('uses the new interval of a probe', async () => {
    const asked = file('interval')
    await adopted({ alive: alive(`echo >> ${asked}`, rarely) }, { alive: alive(`echo >> ${asked}`) })
    await vi.waitFor(() => expect(existsSync(asked)).toBe(true), { timeout: 10_000 })
  })

  it('asks a probe that there was not', async () => {
    const web = await adopted({}, { alive: alive('exit 1') })
    await web.until(() => web.logs.some(({ message }) => message.startsWith('failed its alive check once')))
  })

  it('does not ask a probe any more that is gone, and what failed it is ready again', async () => {
    const gate = file('gone')
    writeFileSync(gate, '')
    const checked = ready(`test -e ${gate}`, { failures: 1 })
    const one = testSupervisor([planFor('web', { ready: checked })])
    one.supervisor.start()
    await one.until(() => one.status('web').ready)
    rmSync(gate)
    await one.until(() => !one.status('web').ready)
    const web = await adopt(one, {})
    expect(web.status('web')).toMatchObject({ state: 'running', ready: true, pid: web.pid })
  })

  it('is not ready again before the probe that there is now says so', async () => {
    const gate = file('other')
    const one = testSupervisor([planFor('web', { ready: ready(`test ! -e ${gate}`, { failures: 1 }) })])
    one.supervisor.start()
    await one.until(() => one.status('web').ready)
    writeFileSync(gate, '')
    await one.until(() => !one.status('web').ready)
    const web = await adopt(one, { ready: ready(`test -e ${gate}.fixed`, { failures: 1 }) })
    expect(web.status('web').ready).toBe(false)
    writeFileSync(`${gate}.fixed`, '')
    await web.until(() => web.status('web').ready)
    expect(web.status('web').pid).toBe(web.pid)
  })

  it('is ready by a new probe while it starts, with all its time before it', async () => {
    const one = testSupervisor([planFor('web', { ready: ready('exit 1') })])
    one.supervisor.start()
    await one.untilState('web', 'starting')
    const web = await adopt(one, { ready: ready('exit 0') })
    await web.until(() => web.status('web').ready)
    expect(web.status('web').pid).toBe(web.pid)
  })

  it('counts a line that was printed before the probe expected it, and a startup probe that has succeeded', async () => {
    const startup = { kind: 'log', pattern: '^up$', ...often, deadline: 600_000 } as const
    const one = testSupervisor([planFor('web', { startup, ready: ready('exit 1') })])
    one.supervisor.start()
    await one.untilState('web', 'starting')
    await one.until(() => one.lines.some(({ text }) => text === 'up'))
    const web = await adopt(one, { startup: { ...startup, deadline: 500_000 }, ready: startup })
    await web.until(() => web.status('web').ready)
    expect(web.status('web').pid).toBe(web.pid)
  })

  it('needs no second message on a descriptor', async () => {
    const environment = { NOTIFY: '3' }
    const startup = { kind: 'fd', descriptor: 3, ...often, deadline: 600_000 } as const
    const notifies = { program: 'notifies.js', environment, startup }
    const one = testSupervisor([planFor('web', { ...notifies, ready: ready('exit 1') })])
    one.supervisor.start()
    await one.until(() => one.lines.some(({ text }) => text === 'said so'))
    const web = await adopt(one, { ...notifies, ready: ready('exit 0') })
    await web.until(() => web.status('web').ready)
  })

  it('is ended by the new signal and within the new grace', async () => {
    const patient = { signal: 'SIGTERM', grace: 600_000 } as const
    const before = {
      program: 'ignores-sigterm.js',
      ready: { kind: 'log', pattern: 'ready', ...often, deadline: 600_000 },
    } as const
    const web = await adopted({ ...before, stop: patient }, { stop: { signal: 'SIGTERM', grace: 50 } })
    await web.supervisor.apply([])
    expect(web.logs.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/^ignored SIGTERM for \d+m?s; sending SIGKILL to its process group$/),
    )
    const other = await adopted({ ...before, stop: patient }, { stop: { signal: 'SIGINT', grace: 600_000 } })
    await other.supervisor.apply([])
    expect(other.logs.map(({ message }) => message)).toContain('stopping; sending SIGINT to its process group')
  })

  it('has its output in files, or no more, and its lines joined', async () => {
    const speak = file('speak')
    // In one write: a line that comes much later is no continuation.
    const script = `exec 3<>${speak}; while read line <&3; do printf '%s\\n\\tat %s\\n' "$line" "$line"; done`
    rmSync(speak, { force: true })
    execFileSync('mkfifo', [speak])
    const command = ['/bin/sh', '-c', script]
    const one = await adopted(
      { command, output: { files: false } },
      { output: { files: true, multiline: { kind: 'java' } } },
    )
    writeFileSync(speak, 'hello\n')
    await one.until(() => one.records.some(({ text }) => text === 'hello\n\tat hello'))
    expect(one.lines.map(({ text }) => text)).toEqual(['hello', '\tat hello'])
    const two = await adopt(one, { command, output: { files: false } })
    writeFileSync(speak, 'bye\n')
    await two.until(() => two.records.some(({ text }) => text === '\tat bye'))
    expect(two.lines.map(({ text }) => text)).not.toContain('bye')
  })

  it('is restarted, given up and waited for as the new policy says', async () => {
    const web = await adopted({ restart: never }, { restart: always({ next: 10 }) })
    process.kill(web.pid, 'SIGKILL')
    await web.until(() => web.status('web').restarts === 1 && web.status('web').state === 'running')
    const now = await adopt(web, { restart: never })
    process.kill(now.pid, 'SIGKILL')
    await now.untilState('web', 'exited')
  })

  it('does not sit out a pause that is shorter now, and a service that has ended starts by `always`', async () => {
    const long = {
      policy: 'always',
      backoff: { first: 600_000, next: 600_000, max: 600_000 },
      giveUp: { failures: 5, within: 60_000 },
      steady: 0,
    } as const
    const one = testSupervisor([
      planFor('web', { restart: long }),
      planFor('once', {
        command: ['/bin/sh', '-c', `test -e ${file('once')} && exec sleep 600; exit 0`],
        restart: never,
      }),
    ])
    one.supervisor.start()
    const { pid = 0 } = await one.untilState('web', 'running')
    process.kill(pid, 'SIGKILL')
    await one.untilState('web', 'backoff')
    await one.untilState('once', 'exited')
    writeFileSync(file('once'), '')
    const once = { command: ['/bin/sh', '-c', `test -e ${file('once')} && exec sleep 600; exit 0`] }
    await one.supervisor.apply([planFor('web', { restart: always() }), planFor('once', { ...once, restart: always() })])
    await one.untilState('web', 'running')
    await one.untilState('once', 'running')
  })

  it('ends the run once it is essential', async () => {
    const web = await adopted({ restart: never }, { essential: true })
    process.kill(web.pid, 'SIGKILL')
    await web.until(() => web.events.some(({ type }) => type === 'essential-failed'))
  })

  it('is stopped in the new order, and one that waited for what it needs no more starts', async () => {
    const never = planFor('never', { ready: ready('exit 1') })
    const waits = { dependsOn: [{ process: 'never', condition: 'ready' }] } as const
    const one = testSupervisor([never, planFor('web', waits), planFor('base')])
    one.supervisor.start()
    await one.untilState('web', 'waiting')
    await one.untilState('base', 'running')
    const onBase = { dependsOn: [{ process: 'base', condition: 'ready' }] } as const
    await one.supervisor.apply([never, planFor('base'), planFor('web', onBase)])
    await one.untilState('web', 'running')
    await one.supervisor.stop({ budget: 10_000 })
    const ends = one.story().filter((step) => step === 'web:stopped' || step === 'base:stopping')
    expect(ends).toEqual(['web:stopped', 'base:stopping'])
  })

  it('is restarted for a limit of memory that it has now', async () => {
    const memory = { cgroup: undefined, every: 50 }
    const plan = (limit?: number) =>
      planFor('web', {
        program: 'eats-memory.js',
        words: ['80'],
        restart: always({ next: 10 }),
        ...(limit && { memory: limit }),
      })
    const one = testSupervisor([plan()], { memory })
    one.supervisor.start()
    await one.until(() => one.lines.some(({ text }) => text === 'holds 80'))
    const { pid } = one.status('web')
    expect(await one.supervisor.apply([plan(50 * 2 ** 20)])).toMatchObject({ adjusted: ['web'] })
    expect(one.status('web').pid).toBe(pid)
    await one.until(() => one.logs.some(({ message }) => message.endsWith('`memory`; restarting it')))
  })

  it('follows a new schedule, and a task whose schedule is gone runs once', async () => {
    const yearly = { cron: '0 0 29 2 *' }
    const task = { kind: 'task', restart: never, command: ['/bin/true'] } as const
    const one = testSupervisor([
      planFor('tick', { ...task, schedule: yearly }),
      planFor('once', { ...task, schedule: yearly }),
    ])
    one.supervisor.start()
    await one.supervisor.apply([planFor('tick', { ...task, schedule: { cron: '* * * * * *' } }), planFor('once', task)])
    await one.untilState('once', 'exited')
    await one.untilState('tick', 'exited')
    expect(one.status('tick').nextRun).toBeLessThan(Date.now() + 5_000)
  })

  it('is made the first that the kernel kills, and no longer after another change', async () => {
    const cgroup = { limit: () => 2 ** 40, tightest: () => undefined, oomKills: () => 0 } as never
    const one = testSupervisor([planFor('web')], { memory: { cgroup, every: 600_000 } })
    one.supervisor.start()
    const { pid } = await one.untilState('web', 'running')
    const score = () => readFileSync(`/proc/${pid}/oom_score_adj`, 'latin1').trim()
    const ours = readFileSync('/proc/self/oom_score_adj', 'latin1').trim()
    expect(score()).toBe(ours)
    await one.supervisor.apply([planFor('web', { criticality: 'rebuildable' })])
    expect(score()).toBe('1000')
    await one.supervisor.apply([planFor('web', { criticality: 'critical' })])
    expect(score()).toBe(ours)
  })

  it('on a port of its own is probed there', async () => {
    const rolling = { ...always(), rolling: { drain: 100 } }
    const served = { program: 'answers.js', port: 0, environment: { PORT: '{port}' }, restart: rolling }
    const tcp = { kind: 'tcp', host: '127.0.0.1', port: 0, ...often, deadline: 600_000 } as const
    const web = await adopted({ ...served, ready: tcp }, { ready: { ...tcp, failures: 1 } })
    const { port } = web.status('web')
    expect(port).toBeGreaterThan(0)
    await web.until(() => web.status('web').ready)
  })
})
