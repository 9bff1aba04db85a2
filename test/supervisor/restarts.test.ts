import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { runningProcesses } from '../e2e/support/processes.ts'
import { always, never, planFor, testSupervisor, transitions, untilNoSurvivors } from './test-supervisor.ts'

const readyByLine = { kind: 'log', pattern: '^up$', every: 10, timeout: 100, deadline: 10_000 } as const

describe('restarting', () => {
  it('brings back at once what was killed after it was ready', async () => {
    const restart = always({ next: 60_000 })
    const { supervisor, untilState, until, status, events, logs } = testSupervisor([
      planFor('web', { ready: readyByLine, restart }),
    ])
    supervisor.start()
    const { pid: first = 0 } = await untilState('web', 'running')
    process.kill(first, 'SIGKILL')
    await until(() => status('web').pid !== first && status('web').state === 'running')
    expect(status('web')).toMatchObject({ ready: true, restarts: 1, exit: { code: null, signal: 'SIGKILL' } })
    expect(status('web').reason).toBeUndefined()
    const steps = transitions(events).map(({ to, ready }) => `${to}${ready ? ' ready' : ''}`)
    expect(steps.slice(3)).toEqual(['stopping', 'backoff', 'waiting', 'starting', 'running ready'])
    const crash = logs.find(({ level }) => level === 'warn')
    expect(crash?.message).toMatch(/^was killed by SIGKILL after .*; restarting at once$/)
    expect(crash?.fields).toMatchObject({ process: 'web', state: 'backoff', pause: 0 })
  })

  it('gives up a crash loop: fatal, with the exit code and the last lines in the status', async () => {
    const { supervisor, untilState, lines, events, logs } = testSupervisor([
      planFor('core', {
        program: 'crashes-on-boot.js',
        environment: { EXIT: '7' },
        essential: true,
        restart: always({ failures: 3 }),
      }),
    ])
    supervisor.start()
    const fatal = await untilState('core', 'fatal')
    expect(fatal).toMatchObject({ wanted: true, ready: false, restarts: 2, exit: { code: 7, signal: null } })
    expect(fatal.reason).toMatch(/^it failed 3 times within 1m; the last time it exited with code 7 after /)
    expect(fatal.lastOutput).toEqual([6, 7, 8, 9, 10, 11, 12, 13, 14, 15].map((line) => `line ${line}`))
    expect(lines).toHaveLength(45)
    const failure = { type: 'essential-failed', process: 'core', exitCode: 7, reason: fatal.reason }
    expect(events.at(-1)).toMatchObject(failure)
    expect(logs.at(-1)).toMatchObject({ level: 'error', fields: { process: 'core', state: 'fatal' } })
  })

  it('takes what is ready for a moment and crashes for a crash loop, which ends the run if it is essential', async () => {
    const command = ['/bin/sh', '-c', 'echo up; sleep 0.02; exit 9']
    const restart = always({ steady: 10_000 })
    const { supervisor, untilState, events, logs } = testSupervisor([
      planFor('core', { command, ready: readyByLine, essential: true, restart }),
    ])
    const before: (number | undefined)[] = []
    supervisor.subscribe((event) => {
      if (event.type === 'transition' && event.to === 'running' && event.ready) {
        before.push(supervisor.status()[0]?.failures)
      }
    })
    supervisor.start()
    expect(await untilState('core', 'fatal')).toMatchObject({ restarts: 4, exit: { code: 9, signal: null } })
    expect(before).toEqual([undefined, 1, 2, 3, 4])
    const pauses = logs.flatMap(({ fields }) => (typeof fields.pause === 'number' ? [fields.pause] : []))
    expect(pauses[0]).toBe(0)
    expect(pauses[3]).toBeGreaterThan(pauses[1] ?? 0)
    expect(events.at(-1)).toMatchObject({ type: 'essential-failed', process: 'core', exitCode: 9 })
  })

  it('takes what hangs as soon as it is ready for a crash loop, however long that takes to be seen', async () => {
    const command = ['/bin/sh', '-c', 'echo up; exec sleep 60']
    const alive = { kind: 'exec', command: ['/bin/false'], every: 60, timeout: 1_000, failures: 3 } as const
    const { supervisor, untilState } = testSupervisor([
      planFor('web', { command, ready: readyByLine, alive, restart: always({ steady: 100, failures: 3 }) }),
    ])
    supervisor.start()
    expect((await untilState('web', 'fatal')).restarts).toBe(2)
  })

  it('leaves alone what the policy does not restart, and reports an essential task that failed', async () => {
    const { supervisor, untilState, events } = testSupervisor([
      planFor('done', { program: 'crashes-on-boot.js', environment: { EXIT: '0' }, restart: never, essential: true }),
      planFor('task', { kind: 'task', program: 'crashes-on-boot.js', restart: never, essential: true }),
    ])
    supervisor.start()
    expect(await untilState('done', 'exited')).toMatchObject({ ready: false, exit: { code: 0 } })
    await untilState('task', 'exited')
    expect(events.filter(({ type }) => type === 'essential-failed').map(({ process }) => process)).toEqual(['task'])
  })

  it('ends what a dead leader left in its group before it starts anew, else ports stay bound', async () => {
    const { supervisor, until, lines, logs, status } = testSupervisor([
      planFor('web', { program: 'forks-grandchild.js', restart: always({ next: 10 }) }),
    ])
    supervisor.start()
    const [leader = 0, grandchild = 0] = await family(1)
    expect(runningProcesses().find(({ pid }) => pid === grandchild)).toMatchObject({ group: leader })
    let survivedBy: number | undefined
    supervisor.subscribe((event) => {
      if (event.type !== 'transition' || event.to !== 'starting') return
      survivedBy ??= runningProcesses().filter(({ group }) => group === leader).length
    })
    process.kill(leader, 'SIGKILL')
    await family(2)
    expect(survivedBy).toBe(0)
    expect(status('web').restarts).toBe(1)
    expect(logs.map(({ message }) => message)).toContainEqual(
      expect.stringContaining('left other processes in its group'),
    )

    function family(count: number): Promise<number[]> {
      return until(() => {
        const said = lines.filter(({ text }) => text.startsWith('family'))
        return said.length === count && said.at(-1)?.text.split(' ').slice(1).map(Number)
      })
    }
  })

  it('does the same after a leader that ended by itself with 0', async () => {
    const { supervisor, untilState, lines } = testSupervisor([
      planFor('task', { kind: 'task', program: 'forks-grandchild.js', environment: { EXIT: '0' }, restart: never }),
    ])
    supervisor.start()
    await untilState('task', 'exited')
    const grandchild = Number(lines.at(-1)?.text.split(' ')[2])
    expect(runningProcesses().some(({ pid }) => pid === grandchild)).toBe(false)
  })

  it('does not wait for one who left the group and kept our pipe open', async () => {
    const { supervisor, untilState, events, lines, until } = testSupervisor([
      planFor('task', { kind: 'task', program: 'leaves-group.js', restart: never }),
    ])
    supervisor.start()
    await untilState('task', 'exited')
    const [stopping, exited] = transitions(events).slice(-2)
    expect([stopping?.to, exited?.to]).toEqual(['stopping', 'exited'])
    expect((exited?.at ?? 0) - (stopping?.at ?? 0)).toBeLessThan(2_000)
    const { text } = await until(() => lines[0])
    // It is out of our reach, as daemons are that leave their group on purpose; the test ends it itself.
    expect(process.kill(Number(text), 'SIGKILL')).toBe(true)
    await untilNoSurvivors()
  })

  it('leaks no descriptor, no listener and no zombie in 100 kills', async () => {
    const kills = 100
    const command = ['/bin/sh', '-c', 'echo up; exec sleep 60']
    const { supervisor, until, events } = testSupervisor([
      planFor('web', { command, ready: readyByLine, restart: always({ steady: 0 }) }),
    ])
    let seen = 0
    const running = () => transitions(events).filter(({ to }) => to === 'running')
    const next = () => until(() => running().length > seen && running().at(-1))
    supervisor.start()
    const descriptors: number[] = []
    for (let kill = 0; kill < kills; kill += 1) {
      const { pid = 0 } = await next()
      seen += 1
      if (kill === 10) descriptors.push(readdirSync('/proc/self/fd').length)
      process.kill(pid, 'SIGKILL')
    }
    await next()
    descriptors.push(readdirSync('/proc/self/fd').length)
    expect(descriptors[1]).toBeLessThanOrEqual((descriptors[0] ?? 0) + 1)
    expect(runningProcesses().filter(({ parent }) => parent === process.pid)).toHaveLength(1)
  })
})
