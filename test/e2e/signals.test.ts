/** What each signal does to `gatehouse run`; docs/stopping.md has the same table. As PID 1: test/faults/supervisor/pid-1.test.ts. */
import { readdirSync, readFileSync, readlinkSync, renameSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { part } from '../parts.ts'
import { binary, type Gatehouse, startGatehouse } from './support/gatehouse.ts'

const { signals } = constants

/** By name, or by number where there is no name. */
const stops: Readonly<Record<string, number>> = {
  SIGTERM: signals.SIGTERM,
  SIGINT: signals.SIGINT,
  SIGQUIT: signals.SIGQUIT,
  SIGABRT: signals.SIGABRT,
  SIGALRM: signals.SIGALRM,
  SIGVTALRM: signals.SIGVTALRM,
  SIGPROF: signals.SIGPROF,
  SIGIO: signals.SIGIO,
  SIGPWR: signals.SIGPWR,
  SIGSTKFLT: signals.SIGSTKFLT,
  SIGSYS: signals.SIGSYS,
  SIGXCPU: signals.SIGXCPU,
  'SIGRTMIN+0': 34,
  'SIGRTMIN+3': 37, // stops containers whose image is made for systemd
  'SIGRTMIN+30': 64,
}
const reopens = ['SIGUSR1', 'SIGUSR2'] as const
/** Nobody means anything by them, or they mean something to other programs only. */
const harmless = ['SIGPIPE', 'SIGCHLD', 'SIGCONT', 'SIGURG', 'SIGWINCH', 'SIGXFSZ', 'SIGTSTP'] as const
/** Faults of the processor: if one is real, nothing after it can be believed. */
const faults = ['SIGILL', 'SIGTRAP', 'SIGBUS', 'SIGFPE', 'SIGSEGV'] as const

const running: Gatehouse[] = []

afterEach(async () => {
  await Promise.all(running.splice(0).map((gatehouse) => gatehouse.stop()))
})

function start(words: readonly string[] = []): Gatehouse {
  const gatehouse = startGatehouse({
    command: [...words, ...binary],
    config: `
control: { socket: ./control.sock }
storage: ./storage
log: { directory: ./logs }
gateway: { listeners: { http: { address: "127.0.0.1:0" } }, routes: [{ respond: { body: here } }] }
processes:
  database:
    command: [sh, -c, "trap 'echo flushed; exit 0' TERM; echo up; while :; do sleep 0.05; done"]
    ready: { log: "^up$" }
`,
  })
  running.push(gatehouse)
  return gatehouse
}

async function endsInOrder(gatehouse: Gatehouse, name: string): Promise<void> {
  expect({ name, exit: await gatehouse.exit }).toEqual({ name, exit: { code: 0, signal: null } })
  const said = gatehouse.lines.map(({ message }) => message)
  expect(said).toContain(`stopping: ${name}`)
  expect(said).toContain('flushed')
  expect(said.at(-1)).toBe('stopped')
}

/** Inodes of the sockets that a process listens on. */
function listening(pid: number): string[] {
  const files = readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? []
    } catch {
      return [] // it was closed meanwhile
    }
  })
  const sockets = ['tcp', 'tcp6'].flatMap((kind) => readFileSync(`/proc/${pid}/net/${kind}`, 'utf8').split('\n'))
  const open = sockets.map((line) => line.trim().split(/\s+/)).filter(([, , , state]) => state === '0A')
  return open.flatMap(([, , , , , , , , , inode = '']) => (files.includes(inode) ? [inode] : []))
}

it.each(Object.entries(stops))('%s ends all in order', async (name, number) => {
  const gatehouse = start()
  await gatehouse.ready()
  process.kill(gatehouse.pid, number)
  await endsInOrder(gatehouse, name)
})

it('no signal that can be listened to is left to what the kernel does by itself', async () => {
  const gatehouse = start()
  await gatehouse.ready()
  const status = readFileSync(`/proc/${gatehouse.pid}/status`, 'utf8')
  const mask = (field: string) => BigInt(`0x${new RegExp(`^${field}:\\s*(\\S+)`, 'm').exec(status)?.[1]}`)
  const treated = mask('SigCgt') | mask('SigIgn')
  const left = Array.from({ length: 64 }, (_, index) => index + 1).filter((n) => !((treated >> BigInt(n - 1)) & 1n))
  const nameOf = (n: number) => Object.entries(signals).find(([, number]) => number === n)?.[0] ?? n
  // 32 and 33 are libc's own. What halts, halts; what is ignored unless somebody listens is left so.
  const known = ['SIGKILL', 'SIGSTOP', 'SIGTTIN', 'SIGTTOU', 'SIGCONT', 'SIGURG', 'SIGWINCH', 32, 33, ...faults]
  expect(left.map(nameOf).filter((one) => !known.includes(one))).toEqual([])
  expect(mask('SigBlk')).toBe(0n)
})

it('log files are opened anew by USR1 and USR2, and neither these nor harmless signals end anything', async () => {
  const gatehouse = start()
  await gatehouse.ready()
  const url = await gatehouse.url('http')
  const ownLog = () =>
    join(gatehouse.folder, 'logs/gatehouse', readdirSync(join(gatehouse.folder, 'logs/gatehouse'))[0] ?? '')
  await expect.poll(() => readFileSync(ownLog(), 'utf8')).toMatch(/"ready"/)
  const file = ownLog()
  for (const signal of reopens) {
    renameSync(file, join(gatehouse.folder, signal))
    const after = gatehouse.lines.length
    gatehouse.signal(signal)
    await gatehouse.waitFor({ message: 'reopening log files' }, { after })
    await expect.poll(() => readdirSync(join(gatehouse.folder, 'logs/gatehouse'))).toHaveLength(1)
    await expect.poll(() => readFileSync(file, 'utf8')).toMatch(/reopening log files/)
  }
  for (const signal of harmless) process.kill(gatehouse.pid, signal)
  await gatehouse.waitFor({ message: /^ignoring SIGTSTP/ })
  const database = gatehouse.pidOf('database')
  const after = gatehouse.lines.length
  gatehouse.signal('SIGHUP')
  await gatehouse.waitFor({ reload: 'done' }, { after })
  expect(await (await fetch(url)).text()).toBe('here')
  expect(gatehouse.pidOf('database')).toBe(database)
  expect(gatehouse.lines.filter(({ message }) => message === 'flushed')).toEqual([])
})

it.each(['SIGSEGV', 'SIGBUS'] as const)('%s, sent by somebody, leaves no process behind', async (signal) => {
  const gatehouse = start(['/bin/sh', '-c', 'ulimit -c 0; exec "$@"', 'sh'])
  await gatehouse.ready()
  gatehouse.signal(signal)
  expect(await gatehouse.exit).toEqual({ code: null, signal })
  await expect.poll(() => gatehouse.survivors().length, { timeout: 10_000 }).toBe(0)
})

describe('the inspector', () => {
  it('is not opened by SIGUSR1, nor by what sends it', async () => {
    const gatehouse = start()
    await gatehouse.ready()
    const before = listening(gatehouse.pid)
    expect(before.length).toBeGreaterThan(0)
    const after = gatehouse.lines.length
    gatehouse.signal('SIGUSR1')
    ;(process as unknown as { _debugProcess(pid: number): void })._debugProcess(gatehouse.pid)
    await gatehouse.waitFor({ message: 'reopening log files' }, { after })
    await fetch(await gatehouse.url('http'))
    expect(listening(gatehouse.pid)).toEqual(before)
    expect(gatehouse.stderr).toBe('')
  })

  it('is not opened by SIGUSR1 in the first moments either, when Node itself listens to it', async () => {
    for (let first = 0; first < 60; first += 10) {
      const gatehouse = start()
      await pause(first)
      let over = false
      void gatehouse.exit.then(() => {
        over = true
      })
      for (let i = 0; i < 10 && !over; i += 1) {
        gatehouse.signal('SIGUSR1')
        await pause(2)
      }
      // It has been ended by the signal before any program stood in it, or goes on.
      const [end] = await Promise.all([Promise.race([gatehouse.exit, gatehouse.ready().catch(() => gatehouse.exit)])])
      if (end) expect(end.signal).toBe('SIGUSR1')
      expect(gatehouse.stderr).not.toMatch(/Debugger listening/)
      await gatehouse.stop()
    }
  })
})

const tini = part('tini')

describe.skipIf(!tini)('under tini', () => {
  // It passes on all but SIGABRT and SIGSYS, by which it ends itself. These few are what containers are stopped by.
  const names = ['SIGTERM', 'SIGQUIT', 'SIGPWR', 'SIGRTMIN+3', 'SIGALRM', 'SIGIO']

  it.each([names.slice(0, 3), names.slice(3)])('%s, %s and %s do the same', async (...some) => {
    await Promise.all(
      some.map(async (name) => {
        const gatehouse = start([tini ?? '', '-s', '--'])
        await gatehouse.ready()
        for (const signal of reopens) process.kill(gatehouse.pid, signal)
        await gatehouse.waitFor({ message: 'reopening log files' })
        process.kill(gatehouse.pid, stops[name] ?? 0)
        await endsInOrder(gatehouse, name)
      }),
    )
  })
})
