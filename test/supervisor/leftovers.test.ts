/** What a killed Gatehouse left is found by its record and ended, and nothing else is. With real groups. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isGroupAlive } from '../../src/supervisor/group/group.ts'
import { kernelProcess } from '../../src/supervisor/group/process-table.ts'
import { GroupLedger } from '../../src/supervisor/leftovers/ledger.ts'
import { planFor } from './test-supervisor.ts'

const words: string[] = []
const log = {
  info: (text: string) => void words.push(`info: ${text}`),
  warn: (text: string) => void words.push(`warn: ${text}`),
  error: (text: string) => void words.push(`error: ${text}`),
}
const groups: number[] = []
let folder: string
let socket: string
let file: string

beforeEach(() => {
  words.length = 0
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-ledger-'))
  socket = join(folder, 'control.sock')
  file = `${socket}.groups`
})

afterEach(() => {
  for (const group of groups.splice(0)) if (isGroupAlive(group)) process.kill(-group, 'SIGKILL')
  rmSync(folder, { recursive: true })
})

/** A group of its own, once it has said something. */
async function group(
  command: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<ChildProcess & { pid: number }> {
  const env = { PATH: process.env.PATH, ...environment }
  const child = spawn('sh', ['-c', command], { env, detached: true, stdio: ['pipe', 'pipe', 'ignore'] })
  groups.push(child.pid ?? 0)
  await once(child.stdout, 'data')
  return child as ChildProcess & { pid: number }
}

/** What a run has recorded which was then killed. */
async function killedRun(command: string, grace = 10_000): Promise<ChildProcess & { pid: number }> {
  const ledger = new GroupLedger(socket, log)
  const child = await group(command, ledger.mark)
  ledger.began(planFor('it', { stop: { signal: 'SIGTERM', grace } }), child.pid)
  return child
}

/** Whoever reads from it reads its end. */
async function leaderGone(child: ChildProcess): Promise<void> {
  child.stdin?.end()
  await once(child, 'exit')
}

function changeRecord(change: (record: { groups: Record<string, unknown>[] } & Record<string, unknown>) => void): void {
  const record = JSON.parse(readFileSync(file, 'utf8'))
  change(record)
  writeFileSync(file, JSON.stringify(record))
}

describe('what is left over', () => {
  it('is ended by its stop signal, with all that is in its group', async () => {
    // The one behind says that it is up: a fork of a shell that is no program yet would take the signal and go on.
    const { pid } = await killedRun('trap "exit 0" TERM; sh -c "echo up; exec sleep 60" & wait')
    await new GroupLedger(socket, log).endLeftovers()
    expect(isGroupAlive(pid)).toBe(false)
    expect(words).toEqual([
      'warn: left over from a killed run; sending SIGTERM to its process group',
      'info: left over from a killed run; it has ended',
    ])
  })

  it('is nothing while the Gatehouse that recorded it still runs: its children are left alone', async () => {
    const { pid } = await killedRun('echo up; exec sleep 60')
    const other = await group('echo up; exec sleep 60')
    changeRecord((record) => {
      record.gatehouse = { pid: other.pid, started: kernelProcess(other.pid)?.started }
    })
    await new GroupLedger(socket, log).endLeftovers()
    expect(isGroupAlive(pid)).toBe(true)
    expect(words).toEqual([expect.stringContaining(`: the Gatehouse that wrote it still runs (pid ${other.pid})`)])
  })

  it('gets SIGKILL when its grace is over', async () => {
    const { pid } = await killedRun('trap "" TERM; sleep 60 & echo up; wait; wait; sleep 60', 100)
    await new GroupLedger(socket, log).endLeftovers()
    expect(isGroupAlive(pid)).toBe(false)
    expect(words).toContainEqual(
      expect.stringMatching(/^warn: ignored SIGTERM for \d+m?s; sending SIGKILL to its process group$/),
    )
  })

  it('is known by what it has in its environment when its leader is gone', async () => {
    const child = await killedRun('trap "" TERM; sleep 60 & echo up; read end', 100)
    await leaderGone(child)
    expect(isGroupAlive(child.pid)).toBe(true)
    await new GroupLedger(socket, log).endLeftovers()
    expect(isGroupAlive(child.pid)).toBe(false)
  })

  it('has no more time than a stop leaves it', async () => {
    const { pid } = await killedRun('trap "" TERM; echo up; while :; do sleep 60; done', 60_000)
    const ledger = new GroupLedger(socket, log)
    const ended = ledger.endLeftovers()
    await ledger.shortenGraces(0)
    await ended
    expect(isGroupAlive(pid)).toBe(false)
  })

  it('stays recorded until it is gone, for a Gatehouse that is killed meanwhile', async () => {
    const { pid } = await killedRun('trap "" TERM; echo up; while :; do sleep 60; done', 60_000)
    const second = new GroupLedger(socket, log)
    const ended = second.endLeftovers()
    const third = new GroupLedger(socket, log)
    const endedAgain = third.endLeftovers()
    expect(words.filter((word) => word.includes('sending SIGTERM to its process group'))).toHaveLength(2)
    await third.shortenGraces(0)
    await Promise.all([ended, endedAgain])
    expect(isGroupAlive(pid)).toBe(false)
  })
})

describe('a stranger', () => {
  it('with the pid of a recorded group is left alone: it was started at another time', async () => {
    const { pid } = await killedRun('echo up; sleep 60')
    const { started = 0 } = kernelProcess(pid) ?? {}
    changeRecord((record) => Object.assign(record.groups[0] ?? {}, { started: started - 1 }))
    await new GroupLedger(socket, log).endLeftovers()
    expect(isGroupAlive(pid)).toBe(true)
    expect(words).toEqual([])
  })

  it('in a group whose leader is gone is left alone, and reported', async () => {
    const child = await killedRun('sleep 60 & echo up; read end')
    await leaderGone(child)
    changeRecord((record) => Object.assign(record.groups[0] ?? {}, { run: 'another' }))
    await new GroupLedger(socket, log).endLeftovers()
    expect(isGroupAlive(child.pid)).toBe(true)
    expect(words).toEqual([
      `warn: process group ${child.pid} may be left over from a killed run, but nothing proves it; leaving it alone`,
    ])
  })

  it.each([{ boot: 'another' }, { pidNamespace: 'pid:[1]' }])('is all that a record of %o names', async (other) => {
    const { pid } = await killedRun('echo up; sleep 60')
    changeRecord((record) => Object.assign(record, other))
    await new GroupLedger(socket, log).endLeftovers()
    expect(isGroupAlive(pid)).toBe(true)
    expect(words).toEqual([])
  })

  const own = kernelProcess(process.pid)
  it('is who runs in our own group', async () => {
    const { pid } = await killedRun('echo up; sleep 60')
    const leader = kernelProcess(own?.group ?? 0)
    changeRecord((record) => Object.assign(record.groups[0] ?? {}, { pid: own?.group, started: leader?.started ?? 0 }))
    await new GroupLedger(socket, log).endLeftovers()
    expect(isGroupAlive(pid)).toBe(true)
    // In a PID namespace that was entered with a group from outside, that group has no number, and 0 is not accepted.
    expect(words).toEqual((own?.group ?? 0) < 2 ? [expect.stringMatching(/^warn: ignoring /)] : [])
  })
})

describe('a record that cannot be believed', () => {
  const isRoot = process.geteuid?.() === 0
  const spoilt: Readonly<Record<string, () => void>> = {
    'it is not in the format that Gatehouse writes': () => writeFileSync(file, '{"version":1,"groups":[{"pid":'),
    'others may write to it': () => chmodSync(file, 0o622),
    ...(isRoot && { 'it belongs to uid 1': () => chownSync(file, 1, 1) }),
    'it is not a regular file': () => {
      rmSync(file)
      mkdirSync(file)
    },
  }

  it.each(Object.keys(spoilt))('is reported and ignored: %s', async (why) => {
    const { pid } = await killedRun('echo up; sleep 60')
    spoilt[why]?.()
    await new GroupLedger(socket, log).endLeftovers()
    expect(isGroupAlive(pid)).toBe(true)
    expect(words).toEqual([
      `warn: ignoring ${file}: ${why}; if a Gatehouse was killed here, stop by hand what it left running`,
    ])
  })

  it.each([
    { pid: 1 },
    { pid: 0 },
    { pid: -1 },
    { signal: 'SIGNONSENSE' },
    { grace: 1e12 },
    { started: null },
    { more: true },
  ])('is one that holds %o', async (nonsense) => {
    await killedRun('echo up; sleep 60')
    changeRecord((record) => Object.assign(record.groups[0] ?? {}, nonsense))
    await new GroupLedger(socket, log).endLeftovers()
    expect(words).toEqual([expect.stringContaining('it is not in the format that Gatehouse writes')])
  })

  it('is a link: what it leads to may be anybody’s', async () => {
    await killedRun('echo up; sleep 60')
    const elsewhere = join(folder, 'elsewhere')
    writeFileSync(elsewhere, readFileSync(file), { mode: 0o600 })
    rmSync(file)
    symlinkSync(elsewhere, file)
    await new GroupLedger(socket, log).endLeftovers()
    expect(words).toEqual([expect.stringMatching(/^warn: ignoring .*: ELOOP/)])
  })

  it('is replaced by what runs now', async () => {
    writeFileSync(file, 'nonsense', { mode: 0o600 })
    const ledger = new GroupLedger(socket, log)
    await ledger.endLeftovers()
    const { pid } = await group('echo up; sleep 60', ledger.mark)
    ledger.began(planFor('it'), pid)
    expect(JSON.parse(readFileSync(file, 'utf8')).groups).toMatchObject([{ process: 'it', pid }])
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })
})

describe('the record', () => {
  it('holds no more than what runs, and goes when nothing does', async () => {
    const ledger = new GroupLedger(socket, log)
    expect(ledger.endLeftovers()).toBeUndefined()
    // One program each: what else was in its group would go a moment after it.
    const first = await group('echo up; exec sleep 60', ledger.mark)
    ledger.began(planFor('first'), first.pid)
    process.kill(-first.pid, 'SIGKILL')
    await once(first, 'exit')
    const second = await group('echo up; exec sleep 60', ledger.mark)
    ledger.began(planFor('second'), second.pid)
    expect(JSON.parse(readFileSync(file, 'utf8')).groups).toMatchObject([{ process: 'second' }])
    process.kill(-second.pid, 'SIGKILL')
    await once(second, 'exit')
    ledger.close()
    expect(() => statSync(file)).toThrow('ENOENT')
  })

  it('that cannot be written is reported once, and the run continues', async () => {
    const ledger = new GroupLedger(join(folder, 'gone', 'control.sock'), log)
    const { pid } = await group('echo up; sleep 60', ledger.mark)
    ledger.began(planFor('it'), pid)
    ledger.began(planFor('it'), pid)
    expect(words).toEqual([
      expect.stringMatching(
        /^warn: cannot record which processes run \(ENOENT.*its next start cannot find and stop them$/,
      ),
    ])
  })
})
