import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { renderStatus } from '../../src/cli/status/status-table.ts'
import type { ProcessStatus, Status } from '../../src/control/contract/contract.ts'

const day = 86_400_000

const status: Status = {
  version: '0.1.0',
  pid: 42,
  startedAt: 1_790_000_000_000,
  uptime: 3 * day + 4 * 3_600_000,
  config: '/etc/gatehouse.yaml',
  stopping: false,
  gateway: { threads: 2, serving: 2 },
  listeners: [
    { name: 'http', address: 'localhost:80', tls: false },
    { name: 'https', address: 'localhost:443', tls: true },
  ],
  processes: [],
  certificates: [],
  warnings: [],
}

function a(process: Partial<ProcessStatus>): ProcessStatus {
  return {
    name: 'app',
    kind: 'service',
    wanted: true,
    state: 'running',
    ready: true,
    restarts: 0,
    waitingFor: [],
    essential: false,
    criticality: 'important',
    ...process,
  }
}

function lines(processes: readonly ProcessStatus[], options = { colour: false, width: 100 }): string[] {
  return renderStatus({ ...status, processes }, options).split('\n')
}

/** The note of the only process. */
function note(process: Partial<ProcessStatus>): string | undefined {
  return lines([a(process)], { colour: false, width: 200 })[4]?.split(/ {2,}/)[7]
}

test('the whole of it, aligned', () => {
  const processes = [
    a({
      name: 'mongodb',
      pid: 1201,
      port: 27017,
      uptime: 3 * day,
      memory: { used: 1_240_000_000, limit: 2_000_000_000 },
    }),
    a({ name: 'migrate', kind: 'task', state: 'exited', exit: { code: 0, signal: null } }),
    a({
      name: 'rts',
      pid: 90211,
      port: 41234,
      uptime: 250,
      state: 'starting',
      ready: false,
      restarts: 12,
      memory: { used: 48_200_000 },
    }),
    a({ name: 'backend', state: 'waiting', ready: false, waitingFor: ['migrate', 'rts'] }),
    a({ name: 'worker', state: 'fatal', ready: false, restarts: 5, reason: 'spawn wrker ENOENT\nat …' }),
  ]
  expect(lines(processes)).toEqual([
    'gatehouse 0.1.0  pid 42  up 3d 4h  /etc/gatehouse.yaml',
    'listening on http://localhost:80  https://localhost:443',
    '',
    'NAME     STATE     READY    PID   PORT  UPTIME          MEMORY  RESTARTS',
    'mongodb  running   yes     1201  27017      3d  1.24 GB / 2 GB         0',
    'migrate  exited    yes        -      -       -               -         0  exit code 0',
    'rts      starting  no     90211  41234   250ms         48.2 MB        12',
    'backend  waiting   no         -      -       -               -         0  waiting for migrate, rts',
    'worker   fatal     no         -      -       -               -         5  spawn wrker ENOENT',
    '',
  ])
})

test('a note says what one would ask next', () => {
  expect(note({ state: 'waiting', waitingFor: ['mongodb'] })).toBe('waiting for mongodb')
  expect(note({ state: 'exited', exit: { code: null, signal: 'SIGKILL' } })).toBe('killed by SIGKILL')
  expect(note({ state: 'running', exit: { code: 7, signal: null } })).toBe('last time: exit code 7')
  expect(note({ state: 'stopped', wanted: false })).toBe('not wanted')
  expect(note({ state: 'fatal', reason: 'gave up', essential: true })).toBe('gave up; essential: gatehouse stops')
  expect(note({ criticality: 'critical' })).toBe('critical')
  expect(note({ state: 'waiting', waitingFor: ['db'], criticality: 'rebuildable' })).toBe('waiting for db; rebuildable')
  expect(note({ oomKills: 1 })).toBe('out of memory: killed once')
  expect(note({ oomKills: 3 })).toBe('out of memory: killed 3 times')
  expect(note({ successor: { state: 'starting', pid: 7, port: 41235 } })).toBe(
    'a successor is starting, pid 7 on port 41235',
  )
  expect(note({ predecessor: { state: 'running', pid: 6, port: 41234 } })).toBe(
    'its predecessor is ending: running, pid 6 on port 41234',
  )
  expect(note({})).toBeUndefined()
})

test('a long note is folded below itself at the width of the terminal', () => {
  const reason = 'five failures within one minute, the last of them with exit code 1'
  const [first, second, third] = lines([a({ state: 'fatal', ready: false, reason })], {
    colour: false,
    width: 80,
  }).slice(4)
  expect([first, second, third]).toEqual([
    'app   fatal  no       -       -       -         0  five failures within one',
    '                                                   minute, the last of them with',
    '                                                   exit code 1',
  ])
})

test('a terminal too narrow for a note gets it all the same', () => {
  const text = lines([a({ state: 'fatal', reason: 'cannot find the program /opt/app/bin/start' })], {
    colour: false,
    width: 10,
  })
  expect(text.slice(4).map((line) => line.slice(51))).toEqual(['cannot find the program', '/opt/app/bin/start', ''])
})

test('what a child has said cannot steer the terminal', () => {
  expect(note({ state: 'fatal', reason: '\u001b[2J\u001b]0;owned\u0007bad\tluck\r\nmore' })).toBe('bad luck')
})

test('colours mark what needs attention, only if enabled, and shift nothing', () => {
  const processes = [
    a({ name: 'good' }),
    a({ name: 'soon', state: 'backoff', ready: false }),
    a({ name: 'dead', state: 'fatal', ready: false }),
    a({ name: 'ended', state: 'exited', exit: { code: 1, signal: null } }),
  ]
  const coloured = lines(processes, { colour: true, width: 100 })
  expect(coloured[4]).toContain('\u001b[32mrunning')
  expect(coloured[5]).toContain('\u001b[33mbackoff')
  expect(coloured[6]).toContain('\u001b[31m\u001b[1mfatal')
  expect(coloured[7]).toContain('\u001b[31mexited')
  expect(stripVTControlCharacters(coloured.join('\n'))).toBe(lines(processes).join('\n'))
})

test('certificates say until when, and why a preferred source does not serve', () => {
  const certificates = [
    {
      names: ['app.example', 'www.app.example'],
      source: 'internal',
      issuer: 'Gatehouse internal CA 01234567',
      notAfter: new Date(Date.now() + 5.5 * day).toISOString(),
      skipped: [{ source: 'files', error: '/ssl/chain.pem: expired' }],
      fallback: false,
    },
    {
      names: ['old.example'],
      source: 'files',
      issuer: 'R3',
      notAfter: '2026-01-01T00:00:00.000Z',
      skipped: [],
      fallback: false,
    },
  ]
  const [first, second, third] = renderStatus({ ...status, certificates }, { colour: false, width: 80 })
    .split('\n')
    .slice(5)
  expect(first).toMatch(
    /^certificate app\.example, www\.app\.example {2}from internal, by Gatehouse internal CA 01234567, until .+Z \(5d 1[12]h\)$/,
  )
  expect(second).toBe('  not from files: /ssl/chain.pem: expired')
  expect(third).toBe('certificate old.example  from files, by R3, expired on 2026-01-01T00:00:00.000Z')
})

test('a certificate of an ACME server says when it is renewed; a fallback in red what went wrong and what to do', () => {
  const now = Date.now()
  const certificate = { names: ['a.example'], source: 'acme', issuer: 'R3', skipped: [], fallback: false }
  const notAfter = new Date(now + 90 * day).toISOString()
  const calm = { due: now + 60.5 * day, advised: true, failures: 0, underWay: false }
  const failing = {
    advised: false,
    failures: 2,
    lastError: 'no route\nmore',
    nextAttempt: now + 90_400,
    underWay: false,
  }
  const certificates = [
    { ...certificate, notAfter, renewal: calm },
    { ...certificate, notAfter, fallback: true, renewal: failing },
  ]
  const text = renderStatus({ ...status, certificates }, { colour: true, width: 80 })
  const [first, second, ...notes] = stripVTControlCharacters(text).trimEnd().split('\n').slice(5)
  expect(first).toMatch(/, renewal in 60d 1[12]h, as its CA advises$/)
  expect(second).toMatch(/, next attempt in 1m \d+s$/)
  expect(notes).toEqual([
    '  the last 2 attempts failed: no route',
    '  the internal CA serves meanwhile, which browsers warn about: run `gatehouse certs doctor a.example`',
  ])
  expect(text).toContain('\u001b[31m\u001b[1mthe internal CA serves')
})

test('a gatehouse without processes or listeners says so', () => {
  const text = renderStatus({ ...status, listeners: [] }, { colour: false, width: 80 })
  expect(text.split('\n').slice(1)).toEqual(['no listeners', '', 'no processes', ''])
})

test('a task that makes backups shows how old the newest is, what it holds, and what is wrong with it', () => {
  const usual = { kind: 'task', state: 'exited', ready: true, exit: { code: 0, signal: null } } as const
  const standing = { files: 4, size: 300_000_000, overdue: false, shrunk: false }
  const at = Date.now() - 2 * 3_600_000
  expect(note({ ...usual, backup: { ...standing, newest: { at, size: 84_000_000 } } })).toBe(
    'exit code 0; last backup 2h ago, 84 MB (4 kept)',
  )
  const shrunken = { at: Date.now() - 3 * day, size: 1_000, before: 84_000_000 }
  expect(note({ ...usual, backup: { ...standing, newest: shrunken, overdue: true, shrunk: true } })).toBe(
    'exit code 0; last backup 3d ago, 1 KB (4 kept); overdue; the previous one has 84 MB',
  )
  expect(note({ ...usual, backup: { ...standing, files: 0 } })).toBe('exit code 0; no backup yet')
  expect(note({ ...usual, backup: { ...standing, files: 0, problem: 'EACCES' } })).toBe(
    'exit code 0; cannot read its backups: EACCES',
  )
})

test('the last lines of what failed stand below the table, and cannot steer the terminal', () => {
  const failed = a({
    name: 'web',
    state: 'fatal',
    ready: false,
    reason: 'exit code 1',
    lastOutput: ['Error: no', '\u001b[2J  at x'],
  })
  const coming = a({ name: 'api', state: 'backoff', ready: false, reason: 'exit code 2', lastOutput: ['try again'] })
  const well = a({ name: 'fine', lastOutput: ['all is well'] })
  const shown = lines([failed, coming, well]).join('\n')
  expect(shown).toContain('\n\nlast lines of web:\n  Error: no\n  at x\n\nlast lines of api:\n  try again\n')
  expect(shown).not.toContain('all is well')
})
