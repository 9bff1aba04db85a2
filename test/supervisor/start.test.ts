/** What is started, when, and what is said of what cannot be. */
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { unprivileged } from '../unprivileged.ts'
import { always, never, planFor, testSupervisor } from './test-supervisor.ts'

describe('starting', () => {
  it('gives a program its directory and exactly its environment', async () => {
    const directory = realpathSync(tmpdir())
    const environment = { GREETING: 'grüß dich', EMPTY: '' }
    const { supervisor, lines, untilState } = testSupervisor([
      planFor('echo', { program: 'echo-env.js', kind: 'task', directory, environment, restart: never }),
    ])
    supervisor.start()
    await untilState('echo', 'exited')
    const said = JSON.parse(lines[0]?.text ?? '')
    expect(said.directory).toBe(directory)
    const own = ['EMPTY', 'GATEHOUSE_PROCESS', 'GATEHOUSE_TEST_RUN', 'GREETING', 'PATH']
    expect(Object.keys(said.environment).sort()).toEqual(own)
    expect(said.environment).toMatchObject(environment)
  })

  it('reports a service: wanted, running, ready, with its pid, since when and for how long', async () => {
    const { supervisor, untilState, status, story, lines, until } = testSupervisor([planFor('web')])
    expect(status('web')).toEqual({
      name: 'web',
      kind: 'service',
      wanted: false,
      state: 'stopped',
      ready: false,
      restarts: 0,
      waitingFor: [],
      essential: false,
      criticality: 'important',
    })
    const before = Date.now()
    supervisor.start()
    const { pid = 0, startedAt = 0, uptime, ...rest } = await untilState('web', 'running')
    expect(rest).toMatchObject({ wanted: true, ready: true, restarts: 0, waitingFor: [] })
    expect(process.kill(pid, 0)).toBe(true)
    expect(startedAt).toBeGreaterThanOrEqual(before)
    expect(uptime).toBeGreaterThanOrEqual(0)
    expect(story()).toEqual(['web:waiting', 'web:starting', 'web:running'])
    expect(await until(() => lines[0])).toEqual({ process: 'web', stream: 'stdout', text: 'up' })
  })

  it('sends no events after the end of a subscription', async () => {
    const { supervisor, untilState } = testSupervisor([planFor('web')])
    const received: string[] = []
    supervisor.subscribe((event) => received.push(event.type))()
    supervisor.start()
    await untilState('web', 'running')
    expect(received).toEqual([])
  })

  it('never puts a value of the environment into the log or the status', async () => {
    const environment = { PASSWORD: 'very-secret-value' }
    const { supervisor, logs, untilState } = testSupervisor([
      planFor('task', { kind: 'task', program: 'crashes-on-boot.js', environment, restart: always({ failures: 2 }) }),
      planFor('missing', { command: ['no-such-program'], environment: { PATH: '/very-secret-value' } }),
    ])
    supervisor.start()
    await untilState('task', 'fatal')
    await untilState('missing', 'fatal')
    expect(JSON.stringify([logs, supervisor.status()])).not.toContain('very-secret-value')
  })
})

describe('dependencies', () => {
  it('are met by a start, by readiness or by completion, as configured', async () => {
    const { supervisor, story, untilState, status, lines, until } = testSupervisor([
      planFor('db', { ready: { kind: 'log', pattern: '^up$', every: 10, timeout: 100, deadline: 10_000 } }),
      planFor('migrate', {
        kind: 'task',
        program: 'echo-env.js',
        restart: never,
        dependsOn: [{ process: 'db', condition: 'ready' }],
      }),
      planFor('api', { dependsOn: [{ process: 'migrate', condition: 'completed' }] }),
      planFor('sidecar', { dependsOn: [{ process: 'db', condition: 'started' }] }),
    ])
    supervisor.start()
    expect(status('api')).toMatchObject({ state: 'waiting', waitingFor: ['migrate'], wanted: true })
    expect(status('sidecar')).toMatchObject({ state: 'running', waitingFor: [] })
    await untilState('api', 'running')
    await until(() => lines.find(({ process }) => process === 'sidecar'))
    const steps = story()
    expect(steps.indexOf('migrate:starting')).toBeGreaterThan(steps.indexOf('db:running'))
    expect(steps.indexOf('api:starting')).toBeGreaterThan(steps.indexOf('migrate:exited'))
    expect(steps.indexOf('sidecar:starting')).toBeLessThan(steps.indexOf('db:running'))
    expect(status('migrate')).toMatchObject({ state: 'exited', ready: true, exit: { code: 0, signal: null } })
  })

  it('that were excluded from the plan count as met', async () => {
    const { supervisor, untilState } = testSupervisor([
      planFor('api', { dependsOn: [{ process: 'db', condition: 'ready' }] }),
    ])
    supervisor.start()
    await untilState('api', 'running')
  })

  it('of a failed task keep waiting and say for what', async () => {
    const { supervisor, until, untilState, logs, status, story } = testSupervisor([
      planFor('migrate', { kind: 'task', program: 'crashes-on-boot.js', restart: never }),
      planFor('api', { dependsOn: [{ process: 'migrate', condition: 'completed' }] }),
    ])
    supervisor.start()
    const failed = await untilState('migrate', 'exited')
    expect(failed).toMatchObject({ ready: false, exit: { code: 1, signal: null }, reason: /exited with code 1/ })
    await until(() => logs.find(({ fields, level }) => fields.process === 'api' && level === 'warn'))
    const said = logs.filter(({ fields }) => fields.process === 'api').map(({ message }) => message)
    expect(said).toEqual(['waiting for migrate', 'still waiting for migrate, which is exited'])
    expect(status('api')).toMatchObject({ state: 'waiting', waitingFor: ['migrate'] })
    expect(story()).not.toContain('api:starting')
  })

  it('hold back a restart, too: what crashed while its database is down would only crash again', async () => {
    const { supervisor, until, untilState, status, lines, story } = testSupervisor([
      planFor('db', { restart: { ...always({ next: 300 }) } }),
      planFor('api', { dependsOn: [{ process: 'db', condition: 'ready' }] }),
    ])
    supervisor.start()
    await until(() => lines.length === 2)
    const before = story().length
    for (const name of ['db', 'api']) process.kill(status(name).pid ?? 0, 'SIGKILL')
    await until(() => story().indexOf('api:waiting', before) > 0)
    await until(() => story().indexOf('api:running', before) > 0)
    await untilState('db', 'running')
    expect(story().indexOf('api:starting', before)).toBeGreaterThan(story().indexOf('db:running', before))
  })
})

describe('what cannot be started', () => {
  const cases = [
    ['a program that is nowhere in PATH', { command: ['no-such-program'] }, /^command: .*no-such-program.*PATH/, 127],
    ['a program that is not there', { command: ['/no/such/program'] }, /^command: .*\/no\/such\/program/, 127],
    ['words in one', { command: ['node api/server.js'] }, /does not exist \(a word with blanks is one name/, 127],
    ['a directory that is not there', { directory: '/no/such/directory' }, /^directory: \/no\/such\/directory/, 127],
    ['a file for a directory', { directory: import.meta.filename }, /^directory: .* is not a directory/, 126],
    ['a file that is no program', { command: [import.meta.filename] }, /^command: .* not executable/, 126],
    ['a folder for a program', { command: ['/tmp'] }, /^command: the program \/tmp is a directory/, 126],
    ['words that no program can be given', { command: ['/bin/true', 'a\0b'] }, /^command: /, 126],
  ] as const

  it.each(cases)('%s is fatal at once and named, and the rest runs', async (_, wanted, reason, exitCode) => {
    const { supervisor, events, untilState, logs, story, status } = testSupervisor([
      planFor('broken', { ...wanted, essential: true }),
      planFor('other'),
      planFor('behind', { dependsOn: [{ process: 'broken', condition: 'started' }] }),
    ])
    supervisor.start()
    const fatal = await untilState('broken', 'fatal')
    expect(fatal).toMatchObject({ wanted: true, ready: false, reason })
    expect(fatal.pid).toBeUndefined()
    expect(story().filter((step) => step.startsWith('broken'))).toEqual(['broken:waiting', 'broken:fatal'])
    const failure = { type: 'essential-failed', process: 'broken', exitCode, reason: fatal.reason }
    expect(events).toContainEqual(expect.objectContaining(failure))
    expect(logs).toContainEqual(expect.objectContaining({ level: 'error', message: `fatal: ${fatal.reason}` }))
    await untilState('other', 'running')
    expect(status('behind')).toMatchObject({ state: 'waiting', waitingFor: ['broken'] })
  })

  it('takes a PATH folder that may not be entered for one without the program', () =>
    unprivileged(async () => {
      const folder = mkdtempSync(join(tmpdir(), 'gatehouse-test-'))
      try {
        const closed = join(folder, 'closed')
        mkdirSync(closed, { mode: 0o000 })
        const environment = { PATH: `${closed}:/usr/bin:/bin` }
        const { supervisor, untilState } = testSupervisor([
          planFor('missing', { command: ['no-such-program'], environment, directory: '/' }),
          planFor('found', { command: ['sleep', '60'], environment, directory: '/' }),
        ])
        supervisor.start()
        expect((await untilState('missing', 'fatal')).reason).toBe(
          'command: the program no-such-program was not found in its PATH, which has folders without permission',
        )
        await untilState('found', 'running')
      } finally {
        chmodSync(join(folder, 'closed'), 0o700)
        rmSync(folder, { recursive: true })
      }
    }))

  it('names the interpreter, and not the script, when that is what is missing', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gatehouse-test-'))
    try {
      const script = join(folder, 'script')
      writeFileSync(script, '#!/no/such/interpreter\n', { mode: 0o755 })
      const { supervisor, untilState } = testSupervisor([planFor('script', { command: [script] })])
      supervisor.start()
      expect((await untilState('script', 'fatal')).reason).toBe(
        `command: the program ${script} is there, but the interpreter of its first line, /no/such/interpreter, does not exist`,
      )
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
