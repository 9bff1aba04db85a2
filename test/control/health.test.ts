import { expect, test } from 'vitest'
import type { ProcessStatus, Status } from '../../src/control/contract/contract.ts'
import { healthOf } from '../../src/control/health.ts'
import { sampleStatus } from './fixture.ts'

const now = Date.parse('2026-06-01T00:00:00Z')

function a(name: string, process: Partial<ProcessStatus> = {}): ProcessStatus {
  const usual = { kind: 'service', wanted: true, state: 'running', ready: true, restarts: 0, waitingFor: [] } as const
  return { name, ...usual, essential: false, criticality: 'important', ...process }
}

function health(processes: readonly ProcessStatus[], more: Partial<Status> = {}) {
  return healthOf({ ...sampleStatus, processes, ...more }, now)
}

const fatal = { state: 'fatal', ready: false, restarts: 4, reason: 'gave up after 5 failures\nin 60 s' } as const
const well = { verdict: 'healthy', reasons: [], warnings: [] }

test('all ready, tasks done: healthy', () => {
  expect(health([a('db'), a('migrate', { kind: 'task', state: 'exited' })])).toEqual(well)
  expect(health([])).toEqual(well)
})

test('on the first start it names what all the others wait for', () => {
  const processes = [
    a('mongodb', { state: 'starting', ready: false }),
    a('migrate', { kind: 'task', state: 'waiting', ready: false, waitingFor: ['mongodb'] }),
    a('backend', { state: 'waiting', ready: false, waitingFor: ['migrate', 'mongodb'] }),
  ]
  expect(health(processes)).toEqual({ verdict: 'starting', reasons: ['waiting for mongodb'], warnings: [] })
  expect(health([a('mongodb'), a('migrate', { kind: 'task', ready: false })]).reasons).toEqual(['waiting for migrate'])
})

test('a process that is down for good makes it unhealthy, with its reason in one line; so does who only waits for it', () => {
  const processes = [a('db', fatal), a('backend', { state: 'waiting', ready: false, waitingFor: ['db'] })]
  expect(health(processes)).toEqual({
    verdict: 'unhealthy',
    reasons: ['db is fatal: gave up after 5 failures', 'waiting for db'],
    warnings: [],
  })
  expect(health([a('db', { state: 'exited', ready: false })]).reasons).toEqual(['db has ended'])
})

test('a process that ran before and is not ready again is no first start', () => {
  const crashed = a('api', { state: 'backoff', ready: false, reason: 'exit code 3' })
  expect(health([crashed])).toEqual({
    verdict: 'unhealthy',
    reasons: ['api will be restarted: exit code 3'],
    warnings: [],
  })
  const parked = a('api', { state: 'parked', ready: false, waitingFor: ['db'] })
  expect(health([parked])).toEqual({ verdict: 'unhealthy', reasons: ['api is waiting for db'], warnings: [] })
  const dull = a('api', { ready: false, reason: 'no answer within 2s' })
  expect(health([dull])).toEqual({
    verdict: 'unhealthy',
    reasons: ['api is not ready: no answer within 2s'],
    warnings: [],
  })
  const again = a('api', { state: 'starting', ready: false, restarts: 1 })
  expect(health([again])).toEqual({ verdict: 'unhealthy', reasons: ['api is not ready'], warnings: [] })
})

test('without a rebuildable process it is healthy and warns, unless that one is essential', () => {
  const cache = a('cache', { ...fatal, criticality: 'rebuildable' })
  const warnings = ['cache is fatal: gave up after 5 failures']
  expect(health([a('db'), cache])).toEqual({ ...well, warnings })
  expect(health([a('db'), { ...cache, essential: true }]).verdict).toBe('unhealthy')
  const starting = a('cache', { criticality: 'rebuildable', state: 'starting', ready: false })
  expect(health([starting])).toEqual({ ...well, warnings: ['cache is not ready'] })
})

test('a task that failed is a warning; if others wait for it they do so in vain, and that is unhealthy, with the cause', () => {
  const task = a('migrate', { kind: 'task', state: 'exited', ready: false, reason: 'exit code 1' })
  expect(health([task])).toEqual({ ...well, warnings: ['migrate has ended: exit code 1'] })
  const waits = { state: 'waiting', ready: false, waitingFor: ['migrate'], blockedBy: ['migrate'] } as const
  const cause = 'migrate has ended: exit code 1'
  expect(health([task, a('backend', waits), a('rts', { ...waits, waitingFor: ['backend'] })])).toEqual({
    verdict: 'unhealthy',
    reasons: [cause, 'blocked by migrate: backend, rts'],
    warnings: [],
  })
  const lastOutput = ['applying 17', 'no such table\u0007: users']
  expect(health([{ ...task, lastOutput }, a('backend', waits)]).reasons[0]).toBe(
    `${cause} (its last line: no such table : users)`,
  )
  expect(health([task, a('cache', { ...waits, criticality: 'rebuildable' })])).toEqual({
    ...well,
    warnings: [cause, 'blocked by migrate: cache'],
  })
})

test('what an operator stopped is a warning', () => {
  const stopped = a('mcp', { wanted: false, state: 'stopped', ready: false })
  expect(health([stopped])).toEqual({ ...well, warnings: ['mcp was stopped by request'] })
})

test('a gateway of which no thread answers is unhealthy; one of two is enough, and without listeners there is none', () => {
  const gateway = { threads: 2, serving: 0 }
  expect(health([], { gateway }).reasons).toEqual(['the gateway does not serve: none of its 2 threads is serving'])
  expect(health([], { gateway: { threads: 2, serving: 1 } })).toEqual(well)
  expect(health([], { gateway: { threads: 0, serving: 0 }, listeners: [] })).toEqual(well)
})

test('an expired certificate is a warning', () => {
  const certificate = { names: ['a.test', 'b.test'], source: 'files', issuer: 'x', skipped: [], fallback: false }
  const notAfter = '2026-05-31T23:59:59.000Z'
  const { verdict, warnings } = health([], { certificates: [{ ...certificate, notAfter }] })
  expect({ verdict, warnings }).toEqual({
    verdict: 'healthy',
    warnings: ['the certificate of a.test, b.test expired on 2026-05-31T23:59:59.000Z'],
  })
})

test('a fallback and a renewal that fails are warnings, with the reason', () => {
  const renewal = { advised: false, failures: 3, lastError: 'the CA is away\nmore', underWay: false }
  const certificate = { names: ['a.test'], source: 'internal', issuer: 'x', notAfter: '2099-01-01T00:00:00.000Z' }
  expect(health([], { certificates: [{ ...certificate, skipped: [], fallback: true, renewal }] })).toEqual({
    ...well,
    warnings: [
      'the internal CA serves a.test, which browsers warn about',
      'no new certificate for a.test (3 times): the CA is away',
    ],
  })
})

test('once the end has begun it is not healthy, whatever still runs', () => {
  const stopped = a('api', { wanted: false, state: 'stopping', ready: false })
  expect(health([stopped], { stopping: true })).toEqual({ verdict: 'stopping', reasons: [], warnings: [] })
})

test('a reason cannot steer a terminal', () => {
  const reason = '\u001b[2J\u0007bad\tluck\r\nmore'
  expect(health([a('db', { ...fatal, reason })]).reasons).toEqual(['db is fatal: bad luck'])
})

test('health does not wait for a scheduled task; a failed run is a warning until the next good one', () => {
  const schedule = { cron: '0 3 * * *' }
  const backup = { kind: 'task', schedule, wanted: false, state: 'stopped', ready: false } as const
  expect(health([a('backup', backup)])).toEqual(well)
  const lastRun = { startedAt: now - 60_000, duration: 1_000, failed: true }
  const failed = a('backup', {
    ...backup,
    wanted: true,
    state: 'exited',
    lastRun,
    reason: 'exited with code 3 after 1s',
  })
  const warnings = ['the last run of backup failed: exited with code 3 after 1s']
  expect(health([failed])).toEqual({ ...well, warnings })
  expect(health([{ ...failed, state: 'running', restarts: 1 }])).toMatchObject({ verdict: 'healthy' })
})

test('health does not wait for another run of a completed task', () => {
  const lastRun = { startedAt: now - 60_000, duration: 1_000, failed: false }
  expect(health([a('migrate', { kind: 'task', state: 'running', ready: false, lastRun })])).toEqual(well)
})

test('what failed again and again is not well because it is ready between two crashes', () => {
  const reason = 'api is unstable: it failed 3 times in a row, and has not been ready for long enough since'
  expect(health([a('api', { restarts: 3, failures: 3 })])).toEqual({
    verdict: 'unhealthy',
    reasons: [reason],
    warnings: [],
  })
  const cache = a('api', { restarts: 3, failures: 3, criticality: 'rebuildable' })
  expect(health([cache])).toEqual({ verdict: 'healthy', reasons: [], warnings: [reason] })
  expect(health([a('api', { restarts: 1, failures: 1 })])).toEqual(well)
})
