/** Backups that real programs write, and what is left of them when they fail on the way. */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { BackupPlan } from '../../src/plan/model/backups.ts'
import type { ProcessPlan } from '../../src/plan/model/plan.ts'
import { unusedId } from '../support/unused-id.ts'
import { never, planFor, testSupervisor } from './test-supervisor.ts'

const hour = 3_600_000
const inFarFuture = { cron: '0 0 29 2 *' } as const

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-backups-'))
})

afterEach(() => rmSync(folder, { recursive: true }))

/** A scheduled task whose command is a line for sh; `$1` is what stands for `{backup}`. */
function task(script: string, backup: Partial<BackupPlan> = {}, more: Partial<ProcessPlan> = {}): ProcessPlan {
  const kept = { folder, prefix: 'db-', suffix: '.dump', named: true, ...backup }
  const command = ['sh', '-c', script, 'sh', ...(kept.named ? ['{backup}'] : [])]
  return planFor('backup', { kind: 'task', schedule: inFarFuture, restart: never, command, backup: kept, ...more })
}

/** One run on demand, from a fresh supervisor; resolves with how it ended and how the task stands then. */
async function runOf(plan: ProcessPlan) {
  const all = testSupervisor([plan])
  all.supervisor.start()
  const answer = all.supervisor.run('backup')
  if (!answer.started) throw new Error(answer.message)
  const end = await answer.ended
  return { ...all, end, backup: all.status('backup').backup }
}

function backups(): string[] {
  return readdirSync(folder).filter((name) => !name.startsWith('.'))
}

function old(name: string, { age, content = 'old' }: { age: number; content?: string }): void {
  writeFileSync(join(folder, name), content)
  const time = (Date.now() - age) / 1_000
  utimesSync(join(folder, name), time, time)
}

/** A name that we would have given so long ago. */
function nameOf(age: number): string {
  return `db-${new Date(Date.now() - age).toISOString().slice(0, 19).replaceAll(':', '-')}Z.dump`
}

describe('a backup of a command that gets the path to write to', () => {
  it('is there under the time of its run when the run has ended well, for its user only', async () => {
    const before = Math.floor(Date.now() / 1_000) * 1_000
    const { end, backup } = await runOf(task('umask 0; printf 12345 >"$1"'))
    expect(end).toMatchObject({ outcome: 'completed' })
    const [name = ''] = backups()
    expect(backups()).toEqual([expect.stringMatching(/^db-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ\.dump$/)])
    expect(readFileSync(join(folder, name), 'utf8')).toBe('12345')
    expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600)
    expect(readdirSync(folder)).toEqual([name])
    expect(backup).toEqual({
      newest: { file: name, at: expect.any(Number), size: 5 },
      files: 1,
      size: 5,
      overdue: false,
      shrunk: false,
    })
    expect(backup?.newest?.at).toBeGreaterThanOrEqual(before)
  })

  it('is not there, not even in part, when the command fails half way or is killed', async () => {
    for (const script of ['echo half >"$1"; exit 3', 'echo half >"$1"; kill -9 $$']) {
      const { end, backup } = await runOf(task(script))
      expect(end.outcome).toBe('failed')
      expect(backups()).toEqual([])
      expect(backup).toMatchObject({ files: 0, unfinished: expect.any(Number) })
      expect(backup?.newest).toBeUndefined()
    }
    expect((await runOf(task('echo whole >"$1"'))).backup?.unfinished).toBeUndefined()
  })

  it('fails the run if nothing, or nothing but an empty file, was written', async () => {
    const reasons = [
      ['true', 'exited with code 0, but wrote nothing to {backup}'],
      [': >"$1"', 'exited with code 0, but the backup is empty'],
      ['mkdir "$1"', 'exited with code 0, but what it wrote to {backup} is not a file'],
      ['mkfifo "$1"', 'exited with code 0, but what it wrote to {backup} is not a file'],
      ['ln -s /etc/passwd "$1"', 'exited with code 0, but its backup could not be kept (ELOOP)'],
    ] as const
    for (const [script, reason] of reasons) {
      const { end, status } = await runOf(task(script))
      expect(end).toMatchObject({ outcome: 'failed', exitCode: 1, reason })
      expect(status('backup')).toMatchObject({ state: 'exited', ready: false, lastRun: { failed: true } })
      expect(backups()).toEqual([])
    }
  })

  it('is not one if it was asked to stop, even if it then exits with 0', async () => {
    const script = 'trap "exit 0" TERM; echo half >"$1"; echo begun; while :; do sleep 0.02; done'
    const { supervisor, until, lines, untilState } = testSupervisor([task(script)])
    supervisor.start()
    supervisor.run('backup')
    await until(() => lines.some(({ text }) => text === 'begun'))
    await supervisor.stop({ budget: 5_000 })
    await untilState('backup', 'stopped')
    expect(backups()).toEqual([])
  })

  it('is not one if the command ended before those whom it left to write it', async () => {
    const { end } = await runOf(task('(echo half; sleep 600; echo rest) >"$1" & until test -s "$1"; do :; done'))
    const reason = 'exited with code 0, but left processes behind that may still have been writing its backup'
    expect(end).toMatchObject({ outcome: 'failed', exitCode: 1, reason })
    expect(backups()).toEqual([])
  })

  it('does not take the place of one of the same second', async () => {
    for (const content of ['one', 'two', 'three']) await runOf(task(`printf ${content} >"$1"`))
    expect(
      backups()
        .map((name) => readFileSync(join(folder, name), 'utf8'))
        .sort(),
    ).toEqual(['one', 'three', 'two'])
  })

  it('cannot be begun where nothing can be written, and that is the reason', async () => {
    writeFileSync(join(folder, 'file'), '')
    const { end } = await runOf(task('true', { folder: join(folder, 'file') }))
    expect(end).toMatchObject({
      outcome: 'failed',
      reason: expect.stringMatching(/^backup: cannot write to .*ENOTDIR/),
    })
  })

  it.skipIf(process.geteuid?.() !== 0)('is written by another user, who sees nothing else of the folder', async () => {
    chmodSync(folder, 0o711)
    const id = await unusedId()
    const script = 'id -u >"$1"; ls ${1%/work/*} ${1%/.*}; true'
    const { end, lines } = await runOf(
      task(script, {}, { rights: { user: { name: `${id}`, group: `${id}` } }, directory: '/' }),
    )
    expect(end).toMatchObject({ outcome: 'completed' })
    const [name = ''] = backups()
    expect(readFileSync(join(folder, name), 'utf8')).toBe(`${id}\n`)
    expect(statSync(join(folder, name))).toMatchObject({ uid: id })
    expect(lines.map(({ text }) => text)).toEqual([
      expect.stringMatching(/Permission denied/),
      expect.stringMatching(/Permission denied/),
    ])
  })
})

describe('older backups', () => {
  it('are deleted after a success, but for the newest; files that somebody named himself are not theirs', async () => {
    const names = [1, 2, 3, 4].map((age) => nameOf(age * hour))
    for (const name of names) old(name, { age: 0 })
    old('db-before-the-upgrade.dump', { age: 100 * hour })
    const { backup } = await runOf(task('echo new >"$1"', { keep: 3 }))
    expect(backup).toMatchObject({ files: 3 })
    expect(backups()).toHaveLength(4)
    expect(backups()).toEqual(expect.arrayContaining([...names.slice(0, 2), 'db-before-the-upgrade.dump']))
  })

  it('all stay if the new one is far smaller: it may be of what has just been lost', async () => {
    for (const age of [1, 2, 3]) old(nameOf(age * hour), { age: 0, content: 'x'.repeat(5_000) })
    const { backup } = await runOf(task('echo little >"$1"', { keep: 1 }))
    expect(backup).toMatchObject({ files: 4, shrunk: true })
  })

  it('from a time that is still to come are the oldest: a clock that was wrong costs no new one its place', async () => {
    old(nameOf(-1_000 * hour), { age: 0 })
    old(nameOf(hour), { age: 0 })
    const { backup } = await runOf(task('echo new >"$1"', { keep: 1 }))
    expect(backup).toMatchObject({ newest: { size: 4 }, files: 1 })
    expect(Date.now() - (backup?.newest?.at ?? 0)).toBeLessThan(hour)
  })

  it('all stay after a failure', async () => {
    for (const age of [1, 2, 3, 4]) old(nameOf(age * hour), { age: 0 })
    await runOf(task('echo half >"$1"; exit 1', { keep: 1 }))
    expect(backups()).toHaveLength(4)
  })
})

describe('a program that names its files itself', () => {
  const own = { prefix: 'own-', suffix: '', named: false } as const

  it('has made a backup when it ended well and there is a new file', async () => {
    old('own-1', { age: hour })
    const { backup } = await runOf(task(`echo two >${folder}/own-2`, own))
    expect(backup).toMatchObject({ newest: { file: 'own-2', size: 4, before: 3 }, files: 2 })
    const { end } = await runOf(task('true', own))
    expect(end).toMatchObject({
      outcome: 'failed',
      reason: 'exited with code 0, but there is no new file among its backups',
    })
  })

  it('leaves halves behind that never count, over restarts neither, until it succeeds again', async () => {
    old('own-1', { age: hour })
    await runOf(task(`echo half >${folder}/own-2; exit 1`, own))
    await runOf(task(`echo half >${folder}/own-3; kill -9 $$`, own))
    const { backup } = await runOf(task('exit 1', own))
    expect(backup).toMatchObject({ newest: { file: 'own-1' }, files: 1, unfinished: expect.any(Number) })
    expect(await runOf(task(`echo whole >${folder}/own-4`, own))).toMatchObject({
      backup: { newest: { file: 'own-4' } },
    })
  })
})

describe('how a task stands with its backups', () => {
  it('is known again after a restart, by what lies on the disk', async () => {
    const { backup } = await runOf(task('echo new >"$1"', { overdue: 26 * hour }))
    const { supervisor, status } = testSupervisor([task('echo second >"$1"', { overdue: 26 * hour })])
    supervisor.start()
    await vi.waitFor(() => expect(status('backup').backup).toBeDefined())
    expect(status('backup')).toMatchObject({ state: 'stopped', backup })
  })

  it('is reported when the newest is far smaller than the one before', async () => {
    old(nameOf(hour), { age: 0, content: 'x'.repeat(5_000) })
    const { events, backup, logs } = await runOf(task('echo little >"$1"'))
    expect(backup).toMatchObject({ shrunk: true, newest: { size: 7, before: 5_000 } })
    const message = 'made a backup of only 7 B; the previous one holds 5 KB'
    expect(events).toContainEqual(expect.objectContaining({ type: 'backup-shrunk', process: 'backup', message }))
    expect(logs).toContainEqual({ level: 'warn', message, fields: { process: 'backup' } })
  })
})

describe('a backup that grows old', () => {
  afterEach(() => vi.useRealTimers())

  it('is reported once when it is too old, and again only after there was a new one', async () => {
    old(nameOf(hour), { age: 0 })
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] })
    const { supervisor, events, until, status } = testSupervisor([task('echo new >"$1"', { overdue: 26 * hour })])
    supervisor.start()
    await vi.waitFor(() => expect(status('backup').backup).toMatchObject({ overdue: false }))
    const overdue = () => events.filter(({ type }) => type === 'backup-overdue')
    const minuteAfter = async (time: number) => {
      const files = backups().length + 1
      // One more that is older still: when it is counted, the look at the disk is over.
      old(nameOf(files * 1_000 * hour), { age: 0 })
      vi.setSystemTime(Date.now() + time)
      vi.advanceTimersByTime(60_000)
      await vi.waitFor(() => expect(status('backup').backup).toMatchObject({ files }))
    }
    await minuteAfter(24 * hour)
    expect(overdue()).toEqual([])
    await minuteAfter(2 * hour)
    await until(() => overdue().length === 1)
    await minuteAfter(hour)
    expect(overdue()).toHaveLength(1)
    const answer = supervisor.run('backup')
    expect(answer.started && (await answer.ended)).toMatchObject({ outcome: 'completed' })
    await minuteAfter(0)
    await minuteAfter(27 * hour)
    await until(() => overdue().length === 2)
  })
})

describe('a schedule that was missed', () => {
  const daily = { overdue: 26 * hour }

  it('is made up for at the start, as soon as all is there that the task depends on', async () => {
    old(nameOf(72 * hour), { age: 0 })
    const gate = join(folder, '.gate')
    const plan = task('echo new >"$1"', daily, { dependsOn: [{ process: 'db', condition: 'completed' }] })
    const db = planFor('db', { kind: 'task', program: 'runs-a-while.js', restart: never, environment: { GATE: gate } })
    const { supervisor, logs, until, untilState, status, events } = testSupervisor([db, plan])
    supervisor.start()
    await until(() =>
      logs.some(({ message }) => message === 'making a backup as soon as possible: the last one is 3d old'),
    )
    expect(status('backup')).toMatchObject({ state: 'waiting', waitingFor: ['db'], backup: { overdue: true } })
    writeFileSync(gate, '')
    await untilState('backup', 'exited')
    expect(status('backup')).toMatchObject({ ready: true, backup: { overdue: false, files: 2 } })
    expect(events.filter(({ type }) => type === 'backup-overdue')).toEqual([])
  })

  it('begins with the first backup on a volume that has none', async () => {
    const { supervisor, untilState, logs } = testSupervisor([task('echo first >"$1"', daily)])
    supervisor.start()
    await untilState('backup', 'exited')
    expect(backups()).toHaveLength(1)
    expect(logs.map(({ message }) => message)).toContain('making a backup as soon as possible: there is none yet')
  })

  it('is not made up for again and again by a container that dies of it; that is reported instead', async () => {
    old(nameOf(72 * hour), { age: 0 })
    // What is there while a run is under way, or when the kernel took everybody with it.
    mkdirSync(join(folder, '.db-.dump.unfinished', 'work'), { recursive: true })
    writeFileSync(join(folder, '.db-.dump.unfinished', 'last-attempt'), '')
    const { supervisor, until, events, status, story } = testSupervisor([task('echo new >"$1"', daily)])
    supervisor.start()
    const event = await until(() => events.find(({ type }) => type === 'backup-overdue'))
    expect(event.message).toBe('has an overdue backup: the last one was made 3d ago, the limit is 1d 2h')
    expect(status('backup')).toMatchObject({ backup: { overdue: true, unfinished: expect.any(Number) } })
    expect(story()).toEqual([])
    const answer = supervisor.run('backup')
    expect(answer.started && (await answer.ended)).toMatchObject({ outcome: 'completed' })
    expect(status('backup').backup).toMatchObject({ overdue: false, files: 2 })
    expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([])
  })
})
