/** In a PID namespace of its own, as in a container: under tini, which is PID 1, and as PID 1 itself. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { kernelProcess, processTable } from '../../../src/supervisor/group/process-table.ts'
import { binary } from '../../e2e/support/gatehouse.ts'
import { type LinePattern, LineRecord, parseLine } from '../../e2e/support/log-lines.ts'
import { runningProcesses } from '../../e2e/support/processes.ts'
import { part } from '../../parts.ts'

const { signals } = constants
const tini = part('tini')
const unshare = ['-pf', '--mount-proc', '--kill-child', '--']
/** A container without CAP_SYS_ADMIN may make no namespaces. */
const mayUnshare = spawnSync('unshare', [...unshare, 'true']).status === 0

interface Container {
  /** As this machine numbers it; it is PID 1 in there. */
  readonly init: number
  readonly record: LineRecord
  waitFor(pattern: LinePattern): ReturnType<LineRecord['waitFor']>
  /** Of PID 1, which unshare(1) passes on. */
  readonly exit: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
}

let folder: string
const containers: ChildProcess[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-pid-1-'))
})

afterEach(async () => {
  for (const container of containers.splice(0)) {
    if (container.exitCode !== null || container.signalCode !== null) continue
    container.kill('SIGKILL') // PID 1 goes with it, and with that all others
    await once(container, 'close')
  }
  rmSync(folder, { recursive: true })
})

// Not startGatehouse: it would take the pids that the log names for those of this machine.
async function container(config: string, init: readonly string[]): Promise<Container> {
  const file = join(folder, 'gatehouse.yaml')
  writeFileSync(file, `control: { socket: control.sock }\n${config}`)
  const env = { PATH: process.env.PATH, HOME: folder }
  const child = spawn('unshare', [...unshare, ...init, ...binary, 'run', file], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  containers.push(child)
  const record = new LineRecord()
  createInterface({ input: child.stdout }).on('line', (text) => record.add(parseLine(text)))
  const exit = once(child, 'close').then(([code, signal]) => {
    record.end(`it ended with ${signal ?? code}`)
    return { code, signal }
  })
  const waitFor = (pattern: LinePattern) => record.waitFor(pattern, 0, 20_000)
  await waitFor({ message: /^starting gatehouse / })
  const pid = processTable().find(({ parent }) => parent === child.pid)?.pid
  if (pid === undefined) throw new Error('unshare has no child')
  return { init: pid, record, waitFor, exit }
}

async function until(check: () => boolean): Promise<void> {
  const ends = performance.now() + 10_000
  while (!check()) {
    if (performance.now() > ends) throw new Error('it did not come to that within 10 s')
    await sleep(10)
  }
}

describe.skipIf(!mayUnshare || !tini)('under tini as PID 1', () => {
  it('has orphans reaped, stops all on SIGTERM, and exits with 0', { timeout: 60_000 }, async () => {
    // The orphan has a session of its own, as a daemon has: it is in no group of ours.
    const seconds = `6${process.pid}`
    const { init, waitFor, exit, record } = await container(
      `
processes:
  orphaning: { kind: task, command: [sh, -c, "setsid sleep ${seconds} & echo left"] }
  service: { command: [sh, -c, "trap 'echo asked to end; exit 0' TERM; echo up; while :; do sleep 0.05; done"], ready: { log: "^up$" } }
`,
      [tini ?? '', '--'],
    )
    await waitFor({ message: 'ready' })
    expect(record.lines.filter(({ message }) => /PID 1/.test(message))).toEqual([])
    let orphan = 0
    await until(() => {
      orphan = runningProcesses().find(({ command }) => command === `sleep ${seconds}`)?.pid ?? 0
      return kernelProcess(orphan)?.parent === init
    })
    process.kill(orphan, 'SIGKILL')
    // Gone from the table, so reaped: a zombie would be in it.
    await until(() => kernelProcess(orphan) === undefined)

    process.kill(init, 'SIGTERM')
    expect(await exit).toEqual({ code: 0, signal: null })
    const indexOf = (message: string) => record.lines.findIndex((line) => line.message === message)
    expect(indexOf('asked to end')).toBeGreaterThan(indexOf('stopping: SIGTERM'))
    expect(record.lines.at(-1)).toMatchObject({ message: 'stopped' })
  })

  it('exits with the code of an essential process that failed', { timeout: 60_000 }, async () => {
    const { exit } = await container(
      'processes: { core: { command: [sh, -c, "exit 42"], essential: true, restart: { policy: never } } }\n',
      [tini ?? '', '--'],
    )
    expect(await exit).toEqual({ code: 42, signal: null })
  })
})

describe.skipIf(!mayUnshare)('as PID 1 itself', () => {
  // The kernel drops what PID 1 does not listen to: it would ignore the signal.
  it.each([
    ['SIGQUIT', signals.SIGQUIT],
    ['SIGPWR', signals.SIGPWR],
    ['SIGRTMIN+3', 37],
  ])('stops all in order on %s, and goes on after SIGUSR1', { timeout: 60_000 }, async (name, number) => {
    const { init, waitFor, exit, record } = await container(
      `processes: { service: { command: [sh, -c, "trap 'echo asked to end; exit 0' TERM; echo up; while :; do sleep 0.05; done"], ready: { log: "^up$" } } }\n`,
      [],
    )
    await waitFor({ message: 'ready' })
    process.kill(init, 'SIGUSR1')
    await waitFor({ message: /^no log files to reopen/ })
    process.kill(init, number)
    expect(await exit).toEqual({ code: 0, signal: null })
    const said = record.lines.map(({ message }) => message)
    expect(said.indexOf('asked to end')).toBeGreaterThan(said.indexOf(`stopping: ${name}`))
    expect(said.indexOf(`stopping: ${name}`)).toBeGreaterThan(-1)
  })

  it('says that orphans will not be reaped with a hint, and stops on SIGTERM all the same', {
    timeout: 60_000,
  }, async () => {
    const { init, waitFor, exit } = await container('processes: { service: { command: [sleep, "600"] } }\n', [])
    expect((await waitFor({ level: 'warn', message: /PID 1/ })).message).toBe(
      'running as PID 1 without an init: orphaned processes become zombies; start it as `tini -- gatehouse run`, or start the container with --init',
    )
    await waitFor({ message: 'ready' })
    process.kill(init, 'SIGTERM')
    expect(await exit).toEqual({ code: 0, signal: null })
  })
})
