import { expect, test } from 'vitest'
import type { BackupStatus } from '../../src/control/contract/backups.ts'
import type { ProcessStatus } from '../../src/control/contract/contract.ts'
import { healthOf } from '../../src/control/health.ts'
import { sampleStatus } from './fixture.ts'

const now = Date.parse('2026-06-01T00:00:00Z')
const hour = 3_600_000

function warnings(backup: Partial<BackupStatus>, process: Partial<ProcessStatus> = {}): readonly string[] {
  const task: ProcessStatus = {
    name: 'backup',
    kind: 'task',
    wanted: false,
    state: 'stopped',
    ready: false,
    restarts: 0,
    waitingFor: [],
    essential: false,
    criticality: 'important',
    schedule: { cron: '0 3 * * *' },
    backup: { files: 1, size: 1, overdue: false, shrunk: false, ...backup },
    ...process,
  }
  const { verdict, reasons, warnings } = healthOf({ ...sampleStatus, processes: [task], certificates: [] }, now)
  expect({ verdict, reasons }).toEqual({ verdict: 'healthy', reasons: [] })
  return warnings
}

test('a recent backup is nothing to warn of, nor is a volume on which there was no time for one', () => {
  expect(warnings({ newest: { at: now - hour, size: 10 }, allowed: 26 * hour })).toEqual([])
  expect(warnings({ files: 0, allowed: 26 * hour })).toEqual([])
})

test('an overdue one is warned of with its age and what is allowed; so is one that never was', () => {
  expect(warnings({ newest: { at: now - 72 * hour, size: 10 }, allowed: 26 * hour, overdue: true })).toEqual([
    'backup is overdue: the last success was 3d ago (allowed: 1d 2h)',
  ])
  expect(warnings({ files: 0, allowed: 26 * hour, overdue: true })).toEqual([
    'backup has never succeeded: there is no backup',
  ])
})

test('a failure is reported with its reason; after a restart, when the reason is unknown, without', () => {
  const failed = {
    state: 'exited',
    reason: 'exited with code 3 after 2s',
    lastRun: { startedAt: 1, duration: 1, failed: true },
  } as const
  const standing = { newest: { at: now - hour, size: 10 }, unfinished: now - hour / 2 }
  expect(warnings(standing, failed)).toEqual(['the last run of backup failed: exited with code 3 after 2s'])
  expect(warnings(standing)).toEqual(['the last run of backup, 30m ago, did not succeed'])
  expect(warnings(standing, { state: 'running', pid: 7 })).toEqual([])
})

test('an empty backup, or one far smaller than the one before, is a warning', () => {
  const newest = { at: now - hour, size: 1_000, before: 84_000_000 }
  expect(warnings({ newest, shrunk: true })).toEqual(['the newest backup of backup has 1 KB, the previous one 84 MB'])
  expect(warnings({ newest: { ...newest, size: 0 }, shrunk: true })).toEqual(['the newest backup of backup is empty'])
})

test('a folder that cannot be read says so instead of passing for empty', () => {
  expect(warnings({ files: 0, problem: 'EACCES', overdue: true })).toEqual([
    'cannot read the backups of backup: EACCES',
  ])
})
