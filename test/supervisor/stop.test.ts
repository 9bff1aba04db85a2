import { describe, expect, it } from 'vitest'
import { fairGrace } from '../../src/supervisor/stop/grace.ts'
import { runningProcesses } from '../e2e/support/processes.ts'
import { always, planFor, survivors, testSupervisor, transitions } from './test-supervisor.ts'

const readyByLine = (pattern: string) => ({ kind: 'log', pattern, every: 10, timeout: 100, deadline: 10_000 }) as const
const started = (process: string) => ({ process, condition: 'started' }) as const

function graceOf(grace: number) {
  return { signal: 'SIGTERM', grace } as const
}

/** db ← api ← web, and rts beside them. */
function chain(more: Parameters<typeof planFor>[1] = {}) {
  const ready = more.ready ?? readyByLine('^up$')
  return [
    planFor('db', { ...more, ready }),
    planFor('api', { ...more, ready, dependsOn: [{ process: 'db', condition: 'ready' }] }),
    planFor('web', { ...more, ready, dependsOn: [{ process: 'api', condition: 'ready' }] }),
    planFor('rts', { ...more, ready }),
  ]
}

describe('stopping', () => {
  it('ends each process only after all that depend on it, and independent ones at the same time', async () => {
    const { supervisor, untilState, story, status, lines } = testSupervisor(chain({ environment: { DELAY: '100' } }))
    supervisor.start()
    await untilState('web', 'running')
    await untilState('rts', 'running')
    const before = story().length
    await supervisor.stop({ budget: 20_000 })
    const steps = story().slice(before)
    expect(steps.filter((step) => !step.startsWith('rts'))).toEqual([
      'web:stopping',
      'web:stopped',
      'api:stopping',
      'api:stopped',
      'db:stopping',
      'db:stopped',
    ])
    expect(steps.indexOf('rts:stopping')).toBeLessThan(steps.indexOf('web:stopped'))
    expect(status('db')).toMatchObject({ wanted: false, ready: false, restarts: 0, exit: { code: 0, signal: null } })
    expect(status('db').pid).toBeUndefined()
    expect(lines.filter(({ text }) => text === 'ending')).toHaveLength(4)
    expect(survivors()).toEqual([])
  })

  it('ends a critical process, and what it depends on, when all others have ended, whatever their own dependencies', async () => {
    const slow = { environment: { DELAY: '100' }, ready: readyByLine('^up$') }
    const { supervisor, untilState, story } = testSupervisor([
      planFor('disk', slow),
      planFor('vault', { ...slow, criticality: 'critical', dependsOn: [started('disk')] }),
      planFor('cache', { ...slow, criticality: 'rebuildable' }),
      planFor('web', { ...slow, dependsOn: [started('cache')] }),
    ])
    supervisor.start()
    await Promise.all(['disk', 'vault', 'cache', 'web'].map((name) => untilState(name, 'running')))
    const before = story().length
    await supervisor.stop({ budget: 20_000 })
    expect(story().slice(before)).toEqual(
      ['web', 'cache', 'vault', 'disk'].flatMap((name) => [`${name}:stopping`, `${name}:stopped`]),
    )
  })

  it('leaves nothing of a process that ignores SIGTERM and has a grandchild', async () => {
    const { supervisor, untilState, status, logs } = testSupervisor([
      planFor('stubborn', {
        program: 'ignores-sigterm.js',
        words: ['--grandchild'],
        ready: readyByLine('ready'),
        stop: graceOf(200),
      }),
    ])
    supervisor.start()
    const { pid } = await untilState('stubborn', 'running')
    expect(runningProcesses().filter(({ group }) => group === pid)).toHaveLength(2)
    await supervisor.stop({ budget: 20_000 })
    expect(survivors()).toEqual([])
    expect(status('stubborn')).toMatchObject({ state: 'stopped', exit: { code: null, signal: 'SIGKILL' } })
    expect(logs.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/^ignored SIGTERM for \d+m?s; sending SIGKILL to its process group$/),
    )
  })

  it('waits for a grandchild that outlives the leader within the grace, and kills it after', async () => {
    const { supervisor, until, lines } = testSupervisor([
      planFor('shell', {
        command: [
          '/bin/sh',
          '-c',
          `"$@" & trap 'exit 0' TERM; wait`,
          'sh',
          ...planFor('x', { program: 'ignores-sigterm.js' }).command,
        ],
        stop: graceOf(200),
      }),
    ])
    supervisor.start()
    await until(() => lines.some(({ text }) => text === 'ready'))
    await supervisor.stop({ budget: 20_000 })
    expect(survivors()).toEqual([])
    expect(lines.map(({ text }) => text)).toContain('asked to end; will not')
  })

  it('is over within the budget, however long the graces are and however deep the graph', async () => {
    const stubborn = { program: 'ignores-sigterm.js', stop: graceOf(60_000), ready: readyByLine('^ready$') }
    const { supervisor, untilState } = testSupervisor(chain(stubborn))
    supervisor.start()
    await untilState('web', 'running')
    await untilState('rts', 'running')
    const before = performance.now()
    await supervisor.stop({ budget: 2_000 })
    expect(performance.now() - before).toBeLessThan(2_000)
    expect(survivors()).toEqual([])
  })

  it('leaves a database its share of a budget that is too short, when what depends on it is stubborn', async () => {
    const { supervisor, untilState, status } = testSupervisor([
      planFor('db', { environment: { DELAY: '150' }, ready: readyByLine('^up$'), stop: graceOf(60_000) }),
      planFor('api', {
        program: 'ignores-sigterm.js',
        ready: readyByLine('^ready$'),
        dependsOn: [{ process: 'db', condition: 'ready' }],
        stop: graceOf(60_000),
      }),
    ])
    supervisor.start()
    await untilState('api', 'running')
    await supervisor.stop({ budget: 3_000 })
    expect(status('api').exit).toEqual({ code: null, signal: 'SIGKILL' })
    expect(status('db').exit).toEqual({ code: 0, signal: null })
  })

  it('is hurried by a second call: a person who presses Ctrl-C again does not wait', async () => {
    const { supervisor, untilState } = testSupervisor(
      chain({ program: 'ignores-sigterm.js', stop: graceOf(60_000), ready: readyByLine('^ready$') }),
    )
    supervisor.start()
    await untilState('web', 'running')
    await untilState('rts', 'running')
    const before = performance.now()
    const first = supervisor.stop({ budget: 600_000 })
    await untilState('web', 'stopping')
    await Promise.all([supervisor.stop({ budget: 0 }), first])
    expect(performance.now() - before).toBeLessThan(5_000)
    expect(survivors()).toEqual([])
  })

  it('cancels backoffs, stops who waits, and restarts nothing that dies meanwhile', async () => {
    const restart = always({ next: 60_000 })
    const { supervisor, untilState, until, status, story, lines } = testSupervisor([
      planFor('db', { environment: { DELAY: '200' } }),
      planFor('api', { environment: { DELAY: '200' }, dependsOn: [started('db')] }),
      planFor('crashing', { program: 'crashes-on-boot.js', restart }),
      planFor('behind', { dependsOn: [{ process: 'crashing', condition: 'completed' }] }),
    ])
    supervisor.start()
    await untilState('crashing', 'backoff')
    await until(() => lines.filter(({ text }) => text === 'up').length === 2)
    const before = story().length
    const stopping = supervisor.stop({ budget: 20_000 })
    // The database dies while it still waits for its dependant to end.
    process.kill(status('db').pid ?? 0, 'SIGKILL')
    expect(status('behind')).toMatchObject({ state: 'stopped', wanted: false, waitingFor: [] })
    expect(status('crashing')).toMatchObject({ state: 'stopped', wanted: false })
    await stopping
    expect(story().slice(before).sort()).toEqual([
      'api:stopped',
      'api:stopping',
      'behind:stopped',
      'crashing:stopped',
      'db:stopped',
      'db:stopping',
    ])
  })

  it('may come before or right after the start', async () => {
    const early = testSupervisor([planFor('web')])
    await early.supervisor.stop({ budget: 1_000 })
    early.supervisor.start()
    expect(early.story()).toEqual([])

    const late = testSupervisor([planFor('web'), planFor('missing', { command: ['no-such-program'] })])
    late.supervisor.start()
    await late.supervisor.stop({ budget: 10_000 })
    expect(late.status('web').state).toBe('stopped')
    expect(late.status('missing').state).toBe('stopped')
    expect(late.logs.filter(({ message }) => message.startsWith('internal'))).toEqual([])
    expect(survivors()).toEqual([])
  })

  it('asked for is no failure', async () => {
    const { supervisor, untilState, events, logs, status } = testSupervisor([
      planFor('web', { essential: true, command: ['sleep', '60'] }),
    ])
    supervisor.start()
    await untilState('web', 'running')
    await supervisor.stop({ budget: 10_000 })
    expect(status('web')).toMatchObject({ state: 'stopped', exit: { code: null, signal: 'SIGTERM' } })
    expect(status('web').reason).toBeUndefined()
    expect(transitions(events).at(-1)).toMatchObject({ from: 'stopping', to: 'stopped' })
    expect(events.some(({ type }) => type === 'essential-failed')).toBe(false)
    expect(logs.filter(({ level }) => level !== 'info')).toEqual([])
  })
})

describe('the share of the budget', () => {
  const of = (total: number, remaining = total) => ({ total, remaining })
  const db = planFor('db', { stop: graceOf(60) })
  const api = planFor('api', { stop: graceOf(30), dependsOn: [started('db')] })
  const web = planFor('web', { stop: graceOf(10), dependsOn: [started('api')] })
  const all = [db, api, web]

  it('is the total grace if there is time for all', () => {
    expect(all.map((plan) => fairGrace(plan, all, of(100)))).toEqual([60, 30, 10])
  })

  it('is the same part for all that are stopped one after the other', () => {
    expect(fairGrace(web, all, of(50))).toBe(5)
    expect(fairGrace(api, [db, api], of(45))).toBe(15)
    expect(fairGrace(db, [db], of(30))).toBe(30)
  })

  it('is nothing when no time is left', () => {
    expect(fairGrace(db, [db], of(0))).toBe(0)
  })

  const vault = planFor('vault', { criticality: 'critical', stop: graceOf(45) })
  const cache = planFor('cache', { criticality: 'rebuildable', stop: graceOf(20) })
  const worker = planFor('worker', { stop: graceOf(40), dependsOn: [started('cache')] })
  const guarded = [vault, cache, worker]

  it('is the total grace for the critical one, and what is left for who is stopped before it, though nothing depends on it', () => {
    expect(guarded.map((plan) => fairGrace(plan, guarded, of(120)))).toEqual([45, 20, 40])
    expect(fairGrace(worker, guarded, of(85))).toBe(30)
    expect(fairGrace(cache, [vault, cache], of(60))).toBe(15)
    expect(fairGrace(vault, [vault], of(45))).toBe(45)
  })

  it('leaves the others a quarter of the time even if the critical one could use all of it', () => {
    expect(fairGrace(worker, guarded, of(40))).toBe(7.5)
    expect(fairGrace(cache, [vault, cache], of(40, 32.5))).toBe(2.5)
    expect(fairGrace(vault, [vault], of(40, 30))).toBe(30)
  })
})
