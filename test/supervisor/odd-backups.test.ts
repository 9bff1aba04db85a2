/** What others put beside a task's backups, by a mistake or on purpose. */
import {
  existsSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { backupStatusSchema } from '../../src/control/contract/backups.ts'
import type { BackupPlan } from '../../src/plan/model/backups.ts'
import { beginAttempt } from '../../src/supervisor/backups/attempt.ts'
import { backupStateOf } from '../../src/supervisor/backups/backup-state.ts'
import { readBackups } from '../../src/supervisor/backups/folder.ts'

let folder: string
let plan: BackupPlan

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-backups-'))
  plan = { folder, prefix: 'db-', suffix: '.dump', named: true, overdue: 1_000 }
})

afterEach(() => rmSync(folder, { recursive: true }))

function put(name: string, { content = 'old', year }: { content?: string; year?: number } = {}): void {
  writeFileSync(join(folder, name), content)
  if (year !== undefined) lutimesSync(join(folder, name), new Date(Date.UTC(year, 0)), new Date(Date.UTC(year, 0)))
}

async function standing() {
  return backupStateOf(plan, await readBackups(plan), { now: Date.now(), since: 0 })
}

it('a file whose name has a time that there is not is no backup, and leaves the status readable', async () => {
  put('db-2026-13-45T99-99-99Z.dump')
  expect(await standing()).toMatchObject({ files: 0, overdue: true })
})

it('a file of a year before 1970 leaves the status readable', async () => {
  put('db-0001-01-01T00-00-00Z.dump')
  expect(backupStatusSchema.parse(await standing())).toMatchObject({ newest: { at: 0 }, overdue: true })
})

it('of one second the highest number is the newest, also when it has more digits', async () => {
  for (const copy of ['', '-2', '-9', '-10']) put(`db-2026-01-01T00-00-00Z${copy}.dump`)
  const names = (await readBackups(plan)).files.map(({ name }) => name.slice('db-2026-01-01T00-00-00Z'.length))
  expect(names).toEqual(['-10.dump', '-9.dump', '-2.dump', '.dump'])
})

it('a file that is dated ahead does not make every run a success of a program that names its files itself', async () => {
  plan = { ...plan, named: false }
  put('db-ahead.dump', { year: 2_090 })
  const idle = await beginAttempt(plan)
  expect(await idle.keep()).toBe('exited with code 0, but there is no new file among its backups')
  const busy = await beginAttempt(plan)
  put('db-new.dump')
  expect(await busy.keep()).toBeUndefined()
  expect((await readBackups(plan)).files.map(({ name }) => name)).toEqual(['db-new.dump', 'db-ahead.dump'])
})

it('a link in the place of the hidden folder never leads to changes or deletions elsewhere', async () => {
  const elsewhere = join(folder, 'elsewhere')
  mkdirSync(join(elsewhere, 'work'), { recursive: true, mode: 0o750 })
  symlinkSync(elsewhere, join(folder, '.db-.dump.unfinished'))
  await expect(beginAttempt(plan, { uid: 1, gid: 1 })).rejects.toMatchObject({ code: 'ENOTDIR' })
  expect(statSync(elsewhere).mode & 0o777).toBe(0o750)
  expect(existsSync(join(elsewhere, 'work'))).toBe(true)
  expect(readdirSync(elsewhere)).toEqual(['work'])
})

it('an attempt that a stop gave up takes nothing of the one that a start has begun meanwhile', async () => {
  const [first, second] = [await beginAttempt(plan), await beginAttempt(plan)]
  await first.discard()
  writeFileSync(second.path ?? '', 'whole')
  expect(await second.keep()).toBeUndefined()
  expect(await standing()).toMatchObject({ files: 1, newest: { size: 5 } })
})
