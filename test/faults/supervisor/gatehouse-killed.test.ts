/**
 * Gatehouse itself gets SIGKILL, with the whole program: what it leaves is ended by its next start, and nothing else
 * is.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { freePorts } from '../../e2e/support/free-ports.ts'
import { type Gatehouse, type GatehouseOptions, startGatehouse } from '../../e2e/support/gatehouse.ts'
import { isRunning, type RunningProcess, runningProcesses } from '../../e2e/support/processes.ts'
import { hardToEnd, killWithGuardian, until } from './killed-support.ts'

const fixtures = join(import.meta.dirname, '../../fixtures/programs')
const started: Gatehouse[] = []
const strangers: ChildProcess[] = []

afterEach(async () => {
  for (const stranger of strangers.splice(0)) stranger.kill('SIGKILL')
  // The first one's folder holds the file of all: it goes last.
  for (const gatehouse of started.splice(0).reverse()) await gatehouse.stop()
})

function start(options: GatehouseOptions): Gatehouse {
  const gatehouse = startGatehouse({ ...options })
  started.push(gatehouse)
  return gatehouse
}

/** With its guardian, which would end what is left here for the next start. */
async function kill(gatehouse: Gatehouse): Promise<void> {
  await killWithGuardian(gatehouse)
  expect(await gatehouse.exit).toEqual({ code: null, signal: 'SIGKILL' })
}

const family = (group: number): RunningProcess[] => runningProcesses().filter((one) => one.group === group)

describe('a Gatehouse that gets SIGKILL', () => {
  it('leaves groups which its next start ends before it starts its own; strangers stay', {
    timeout: 60_000,
  }, async () => {
    const [port = 0] = await freePorts(1)
    const config = `
gateway:
  listeners: { http: { address: "127.0.0.1:0" } }
  routes: [{ to: web }]
control: { socket: control.sock }
processes:
  web:
    command: [node, -e, "require('http').createServer((_, answer) => answer.end(String(process.pid))).listen({ port: process.env.PORT, host: '127.0.0.1' })"]
    port: ${port}
    ready: { tcp: ${port}, every: 50ms }
    stop: { grace: 5s }
${hardToEnd}`
    const first = start({ config })
    await first.ready()
    const groups = ['web', 'stubborn', 'orphaning'].map((name) => first.pidOf(name))
    const [web = 0, stubborn = 0, orphaning = 0] = groups
    expect(family(stubborn)).toHaveLength(2)

    const stranger = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' })
    strangers.push(stranger)
    await kill(first)
    await until(() => !isRunning(orphaning))
    expect(family(orphaning).map(({ command }) => command)).toContain('sleep 600')
    expect(isRunning(web)).toBe(true)
    expect(family(stubborn)).toHaveLength(2)

    // Someone has the pid that one of them had: the record says of another one, who was started earlier.
    const record = join(first.folder, 'control.sock.groups')
    const recorded = JSON.parse(readFileSync(record, 'utf8'))
    expect(recorded.groups.map(({ pid }: { pid: number }) => pid).sort()).toEqual([...groups].sort())
    recorded.groups.push({ ...recorded.groups[0], process: 'gone', pid: stranger.pid })
    writeFileSync(record, JSON.stringify(recorded))

    const second = start({ file: first.file })
    await second.ready()
    expect(groups.flatMap(family)).toEqual([])
    expect(isRunning(stranger.pid ?? 0)).toBe(true)
    // Nothing of its own was spawned before the last of them was gone.
    const lastIndexOf = (message: string) => second.lines.findLastIndex((line) => line.message === message)
    const hasEnded = 'left over from a killed run; it has ended'
    const firstStart = second.lines.findIndex((line) => line.state === 'starting' || line.state === 'running')
    expect(second.lines.filter((line) => line.message === hasEnded)).toHaveLength(3)
    expect(firstStart).toBeGreaterThan(lastIndexOf(hasEnded))
    expect(second.lines.find((line) => line.process === 'stubborn' && /SIGKILL/.test(line.message))).toBeDefined()
    expect(second.lines.filter((line) => line.process === 'gone')).toEqual([])
    // The threads get it a moment after the log line.
    const url = await second.url('http')
    await expect.poll(async () => (await fetch(url)).text()).toBe(String(second.pidOf('web')))

    second.signal('SIGTERM')
    expect(await second.exit).toEqual({ code: 0, signal: null })
    expect(existsSync(record)).toBe(false)
  })

  it('may be killed again and again: each start ends what the one before it left', { timeout: 60_000 }, async () => {
    const config = `
control: { socket: control.sock }
processes: { one: { command: [sleep, "600"] }, other: { command: [sleep, "600"], dependsOn: { one: started } } }
`
    const first = start({ config })
    await first.ready()
    const earlier = [first.pidOf('one'), first.pidOf('other')]
    await kill(first)
    for (let round = 0; round < 3; round++) {
      const next = start({ file: first.file })
      await next.ready()
      expect(earlier.filter(isRunning)).toEqual([])
      earlier.splice(0, 2, next.pidOf('one'), next.pidOf('other'))
      expect(earlier.filter(isRunning)).toHaveLength(2)
      await kill(next)
    }
    const last = start({ file: first.file })
    await last.ready()
    expect(earlier.filter(isRunning)).toEqual([])
  })

  it('is stopped while it ends leftovers: they are gone with it', { timeout: 60_000 }, async () => {
    const config = `
control: { socket: control.sock }
shutdown: { budget: 3s }
processes:
  stubborn: { command: [node, ${fixtures}/ignores-sigterm.js], ready: { log: "^ready$" }, stop: { grace: 2m } }
`
    const first = start({ config })
    await first.ready()
    const pid = first.pidOf('stubborn')
    await kill(first)
    const second = start({ file: first.file })
    await second.waitFor({ message: /^left over from a killed run; sending SIG/ })
    await second.waitFor({ process: 'stubborn', message: 'waiting for the leftovers of a killed run' })
    second.signal('SIGTERM')
    expect(await second.exit).toEqual({ code: 0, signal: null })
    expect(isRunning(pid)).toBe(false)
    expect(second.lines.filter((line) => line.state === 'starting')).toEqual([])
  })

  it('is not followed by two: the second start is refused and touches nothing of the first', {
    timeout: 60_000,
  }, async () => {
    const config = `
control: { socket: control.sock }
processes: { one: { command: [sleep, "600"] } }
`
    const first = start({ config })
    await first.ready()
    const second = start({ file: first.file })
    expect(await second.exit).toEqual({ code: 3, signal: null })
    expect(isRunning(first.pidOf('one'))).toBe(true)
    expect(JSON.parse(readFileSync(join(first.folder, 'control.sock.groups'), 'utf8')).groups).toHaveLength(1)
  })
})
