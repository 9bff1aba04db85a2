/** Node says of a death by a real-time signal what it says of exit code 0. */
import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { describe, expect, it } from 'vitest'
import { execAttempt } from '../../src/supervisor/probe/exec.ts'
import { runCommand } from '../../src/supervisor/run-command.ts'
import { exitCodeFor, signalName } from '../../src/supervisor/spawn/exit.ts'
import { spawnGroup } from '../../src/supervisor/spawn/spawn.ts'
import { temporaryFolder } from '../control/fixture.ts'
import { always, never, planFor, testSupervisor } from './test-supervisor.ts'

/** Those that do not end a program: it ignores them by default, or is only stopped. */
const harmless = ['SIGCHLD', 'SIGCONT', 'SIGSTOP', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU', 'SIGURG', 'SIGWINCH']
const signals = Array.from({ length: 64 }, (_, index) => index + 1).filter((one) => !harmless.includes(signalName(one)))

function program(script: string) {
  return { command: ['/bin/sh', '-c', script], directory: tmpdir(), environment: { PATH: '/usr/bin:/bin' } }
}

async function exitOf(script: string) {
  const spawned = spawnGroup(program(script), 'piped')
  if ('failed' in spawned) throw new Error((await spawned.failed).reason)
  const { stdout, stderr, exited } = spawned.child
  stdout?.resume()
  stderr?.resume()
  return exited
}

describe('how a program ended', () => {
  it('is recognized for each of the 64 signals', async () => {
    for (const signal of signals) {
      // See `dies` below: not as soon as it is there.
      const exit = await exitOf(`ulimit -c 0; echo half a line; sleep 0.05; kill -${signal} $$; sleep 5`)
      expect(exit).toEqual({ code: null, signal: signalName(signal) })
      expect(exitCodeFor(exit)).toBe(128 + signal)
    }
  })

  it.each([0, 1, 34, 162, 255])('is its exit code %i', async (code) => {
    expect(await exitOf(`echo bye; exit ${code}`)).toEqual({ code, signal: null })
  })

  it('is exit code 0 as well if it had closed its output before', async () => {
    expect(await exitOf('exec >/dev/null 2>&1; sleep 0.05; exit 0')).toEqual({ code: 0, signal: null })
  })

  it('is seen of one whose output others still hold if another one ends by then', async () => {
    const held = exitOf('setsid sleep 0.5 & kill -40 $$')
    const other = exitOf('exit 0')
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200) // both have ended before we look at either
    expect(await held).toEqual({ code: null, signal: 'SIGRTMIN+6' })
    expect(await other).toEqual({ code: 0, signal: null })
  })

  it('is seen behind more output than a pipe holds', async () => {
    expect(await exitOf('head -c 300000 /dev/zero; kill -40 $$')).toEqual({ code: null, signal: 'SIGRTMIN+6' })
  })
})

describe('death by a real-time signal', () => {
  // Not as soon as it is there: our own helper for its pipes has ended only just, and libuv waits for all that ended at
  // once.
  const dies = ['/bin/sh', '-c', 'sleep 0.05; kill -34 $$']

  it('keeps no half backup', async () => {
    const folder = await temporaryFolder()
    const backup = { folder, prefix: 'db-', suffix: '.dump', named: true, keep: 3 }
    const command = ['/bin/sh', '-c', 'echo half > "$1"; kill -34 $$', 'sh', '{backup}']
    const one = testSupervisor([planFor('backup', { kind: 'task', command, backup, restart: never })])
    one.supervisor.start()
    expect(await one.untilState('backup', 'exited')).toMatchObject({
      exit: { code: null, signal: 'SIGRTMIN' },
      lastRun: { failed: true },
    })
    expect(readdirSync(folder).filter((name) => name.endsWith('.dump'))).toEqual([])
  })

  // One after the other: of two that end within the same microseconds, only one may be seen in time.
  it('is a failure of a task', async () => {
    const one = testSupervisor([planFor('task', { kind: 'task', command: dies, restart: never, essential: true })])
    one.supervisor.start()
    expect(await one.untilState('task', 'exited')).toMatchObject({
      ready: false,
      reason: expect.stringMatching(/^was killed by SIGRTMIN after /),
    })
    expect(one.events.find(({ type }) => type === 'essential-failed')).toMatchObject({ process: 'task', exitCode: 162 })
  })

  it('is a failure of a service that is restarted on failure', async () => {
    const restart = { ...always({ failures: 2 }), policy: 'on-failure' } as const
    const one = testSupervisor([planFor('service', { command: dies, restart })])
    one.supervisor.start()
    expect((await one.untilState('service', 'fatal')).restarts).toBe(1)
  })

  it('is a failure of a hook, and of a probe', async () => {
    const hear = { line() {}, record() {} }
    const ended = await runCommand(program('kill -64 $$'), hear, { timeout: 10_000 })
    expect(ended).toMatchObject({ spawned: true, failure: 'was killed by SIGRTMAX' })
    expect(await execAttempt(program('kill -34 $$'))(new AbortController().signal)).toBe(
      '/bin/sh was killed by SIGRTMIN',
    )
    expect(await execAttempt(program('exit 0'))(new AbortController().signal)).toBeUndefined()
  })
})
