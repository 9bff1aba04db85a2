/**
 * Every option of a process in the generated reference: whether its change restarts the process, and how it is
 * reported. An option that has no row here fails the test, so that adding one takes a decision.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { changeWords, needsRestart, processChanges } from '../../src/plan/diff/process-changes.ts'
import type { ProcessPlan } from '../../src/plan/model/plan.ts'
import { readPlan } from '../../src/plan/read-plan.ts'

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-changes-'))
afterAll(() => rmSync(folder, { recursive: true }))
for (const name of ['a', 'b']) mkdirSync(join(folder, name))
writeFileSync(join(folder, 'one.env'), 'A=1\nSECRET=hunter2\n')
writeFileSync(join(folder, 'two.env'), 'A=2\nSECRET=hunter3\n')

function planOf(options: string, env: Record<string, string> = {}): ProcessPlan {
  const file = join(folder, 'gatehouse.yaml')
  const own = /(^|, )command:/.test(options) ? options : `command: [x], ${options}`
  writeFileSync(file, `processes:\n  db: { command: [x] }\n  job: { kind: task, command: [x] }\n  one: { ${own} }\n`)
  const { plan, diagnostics } = readPlan(file, { PATH: '/bin', APP_A: 'a', OTHER: 'o', ...env })
  if (!plan) throw new Error(JSON.stringify(diagnostics))
  return plan.processes.find(({ name }) => name === 'one') as ProcessPlan
}

type Row = readonly [option: string, before: string, after: string, words: string]

const limit = (name: string, before: string, after: string): Row[] => {
  const one = (value: string) => `limits: { ${name}: ${value} }`
  const both = (soft: string, hard: string) => `limits: { ${name}: { soft: ${soft}, hard: ${hard} } }`
  return [
    [`limits.${name}`, one(before), one(after), `limits.${name}.soft changed, limits.${name}.hard changed`],
    [`limits.${name}.soft`, both(before, after), both(after, after), `limits.${name}.soft changed`],
    [`limits.${name}.hard`, both(before, before), both(before, after), `limits.${name}.hard changed`],
  ]
}

/** What the process got when it was executed: it can only change in a new process. */
const restarting: readonly Row[] = [
  ['command', 'command: [x]', 'command: [x, --more]', 'command changed'],
  ['directory', 'directory: a', 'directory: b', 'directory changed'],
  ['user', 'user: root', 'user: "1:1"', 'user changed'],
  ['groups', 'user: root, groups: [root]', 'user: root, groups: [daemon]', 'groups changed'],
  ['umask', 'umask: "0022"', 'umask: "0077"', 'umask 022 → 077'],
  ['noNewPrivileges', '', 'noNewPrivileges: true', 'noNewPrivileges changed'],
  ['nice', 'nice: 1', 'nice: 5', 'nice 1 → 5'],
  ['limits', '', 'limits: { openFiles: 64 }', 'limits changed'],
  ...['openFiles', 'processes', 'pendingSignals', 'realtimePriority'].flatMap((name) => limit(name, '5', '9')),
  ...['coreSize', 'fileSize', 'dataSize', 'stackSize', 'addressSpace', 'lockedMemory', 'messageQueues'].flatMap(
    (name) => limit(name, '64MB', '128MB'),
  ),
  ...limit('cpuTime', '60s', '90s'),
  ['kind', 'kind: service, restart: { policy: never }', 'kind: task', 'kind service → task'],
  ['port', 'port: 7001', 'port: 7002', 'environment changed (PORT), port 7001 → 7002'],
  ['environment', '', 'environment: { set: { B: b } }', 'environment changed (B)'],
  [
    'environment.files',
    'environment: { files: [{ path: one.env }] }',
    'environment: { files: [{ path: two.env }] }',
    'environment changed (A, SECRET)',
  ],
  ['environment.renamed', '', 'environment: { renamed: { APP_A: APP_B } }', 'environment changed (APP_A, APP_B)'],
  [
    'environment.set',
    'environment: { set: { B: hunter2 } }',
    'environment: { set: { B: hunter3 } }',
    'environment changed (B)',
  ],
  ['environment.unset', '', 'environment: { unset: [{ anyEmpty: [APP_A, NONE] }] }', 'environment changed (APP_A)'],
  ['environment.only', '', 'environment: { only: [APP_*] }', 'environment changed (OTHER)'],
]

const probes: readonly Row[] = ['startup', 'ready', 'alive'].flatMap((probe): Row[] => {
  const hasReportedChecks = probe !== 'alive'
  const on = (text: string) => `port: 7001, ${probe}: { ${text} }`
  return [
    [probe, 'port: 7001', on('tcp: 7001'), `${probe} none → tcp`],
    [`${probe}.http`, on('http: /a'), on('http: /b'), `${probe}.http changed`],
    [`${probe}.tcp`, on('tcp: 7001'), on('tcp: 7003'), `${probe}.port 7001 → 7003`],
    [`${probe}.exec`, on('exec: [a]'), on('exec: [b]'), `${probe}.exec changed`],
    [`${probe}.grpc`, on('grpc: 7001'), on('grpc: 7003'), `${probe}.port 7001 → 7003`],
    [`${probe}.grpc.port`, on('grpc: { port: 7001 }'), on('grpc: { port: 7003 }'), `${probe}.port 7001 → 7003`],
    [`${probe}.grpc.service`, on('grpc: { service: a }'), on('grpc: { service: b }'), `${probe}.grpc changed`],
    [`${probe}.every`, on('tcp: 7001, every: 5s'), on('tcp: 7001, every: 300ms'), `${probe}.every 5s → 300ms`],
    [`${probe}.timeout`, on('tcp: 7001, timeout: 5s'), on('tcp: 7001, timeout: 1m'), `${probe}.timeout 5s → 1m`],
    ...(hasReportedChecks
      ? ([
          [`${probe}.log`, on('log: a'), on('log: b'), `${probe}.log changed`],
          [
            `${probe}.deadline`,
            on('tcp: 7001, deadline: 1m'),
            on('tcp: 7001, deadline: 2m'),
            `${probe}.deadline 1m → 2m`,
          ],
        ] as const)
      : []),
    ...(probe === 'startup'
      ? []
      : ([
          [`${probe}.failures`, on('tcp: 7001, failures: 3'), on('tcp: 7001, failures: 5'), `${probe}.failures 3 → 5`],
        ] as const)),
  ]
})

const task = (text: string) => `kind: task, ${text}`
const backup = (text: string) => task(`command: [x, "{backup}"], backup: { ${text} }`)
const rolling = (text: string) => `port: auto, ready: { tcp: 7001 }, restart: { style: rolling${text} }`

/** How it is supervised, which does not concern the process itself. */
const live: readonly Row[] = [
  ...probes,
  ['schedule', task('schedule: "0 3 * * *"'), task('schedule: "0 4 * * *"'), 'schedule.cron 0 3 * * * → 0 4 * * *'],
  [
    'schedule.cron',
    task('schedule: { cron: "0 3 * * *" }'),
    task('schedule: { cron: "0 4 * * *" }'),
    'schedule.cron 0 3 * * * → 0 4 * * *',
  ],
  [
    'schedule.timezone',
    task('schedule: { cron: "@daily" }'),
    task('schedule: { cron: "@daily", timezone: Asia/Tokyo }'),
    'schedule.timezone changed',
  ],
  ['backup', task('command: [x]'), task('backup: { files: /b/a-* }'), 'backup changed'],
  ['backup.files', backup('files: /b/a-*'), backup('files: /b/b-*'), 'backup changed'],
  ['backup.keep', backup('files: /b/a-*, keep: 3'), backup('files: /b/a-*, keep: 5'), 'backup changed'],
  ['backup.overdue', backup('files: /b/a-*, overdue: 1d'), backup('files: /b/a-*, overdue: 2d'), 'backup changed'],
  [
    'dependsOn',
    'dependsOn: { db: started }',
    'dependsOn: { db: ready, job: completed }',
    'dependsOn db started → db ready, job completed',
  ],
  ['restart', '', 'restart: { policy: never }', 'restart.policy always → never'],
  [
    'restart.policy',
    'restart: { policy: on-failure }',
    'restart: { policy: always }',
    'restart.policy on-failure → always',
  ],
  ['restart.backoff', '', 'restart: { backoff: { first: 3s } }', 'restart.backoff.first 0ms → 3s'],
  ['restart.backoff.first', '', 'restart: { backoff: { first: 3s } }', 'restart.backoff.first 0ms → 3s'],
  ['restart.backoff.next', '', 'restart: { backoff: { next: 3s } }', 'restart.backoff.next 1s → 3s'],
  ['restart.backoff.max', '', 'restart: { backoff: { max: 1h } }', 'restart.backoff.max 30s → 1h'],
  ['restart.giveUp', '', 'restart: { giveUp: { failures: 9 } }', 'restart.giveUp.failures 5 → 9'],
  ['restart.giveUp.failures', '', 'restart: { giveUp: { failures: 9 } }', 'restart.giveUp.failures 5 → 9'],
  ['restart.giveUp.within', '', 'restart: { giveUp: { within: 1h } }', 'restart.giveUp.within 1m → 1h'],
  ['restart.steady', '', 'restart: { steady: 1m }', 'restart.steady 10s → 1m'],
  ['restart.style', 'port: auto, ready: { tcp: 7001 }', rolling(''), 'restart.style replace → rolling'],
  ['restart.drain', rolling(', drain: 3s'), rolling(', drain: 4s'), 'restart.drain 3s → 4s'],
  ['essential', '', 'essential: true', 'essential false → true'],
  [
    'criticality',
    'stop: { grace: 3s }',
    'stop: { grace: 3s }, criticality: rebuildable',
    'criticality important → rebuildable',
  ],
  ['criticality.is', '', 'criticality: [{ is: critical }]', 'criticality important → critical, stop.grace 30s → 1m'],
  ['memory', 'memory: 100MB', 'memory: auto', 'memory 100 MB → auto'],
  ['output', '', 'output: { files: false }', 'output.files true → false'],
  ['output.multiline', '', 'output: { multiline: java }', 'output.multiline changed'],
  [
    'output.multiline.first',
    'output: { multiline: { first: a } }',
    'output: { multiline: { first: b } }',
    'output.multiline.pattern changed',
  ],
  ['output.files', '', 'output: { files: false }', 'output.files true → false'],
  ['stop', '', 'stop: { signal: SIGINT }', 'stop.signal SIGTERM → SIGINT'],
  ['stop.signal', '', 'stop: { signal: SIGINT }', 'stop.signal SIGTERM → SIGINT'],
  ['stop.grace', 'stop: { grace: 10s }', 'stop: { grace: 30s }', 'stop.grace 10s → 30s'],
]

/** A descriptor is open in the process from its start, or not at all. */
const opened: readonly Row[] = (['startup', 'ready'] as const).map((probe) => {
  return [`${probe}.fd`, `${probe}: { fd: 3 }`, `${probe}: { fd: 4 }`, `${probe}.fd changed`]
})

/** What routes read of it; the process does not see it. */
const ofRoutes = [['protocol', 'port: 7001', 'port: 7001, protocol: h2c']] as const

/** Parts of a word of a command: whole words are compared. */
const partsOfCommand = ['command[]', 'command[].words', 'command[].word']

describe('a change of', () => {
  it('every option is decided here', () => {
    const reference = readFileSync(join(import.meta.dirname, '../../docs/reference.md'), 'utf8')
    const options = [...reference.matchAll(/^\| `processes\.NAME\.([^`]+)`/gm)].map(([, option]) => option)
    expect(options.length).toBeGreaterThan(90)
    const decided = [...restarting, ...live, ...opened, ...ofRoutes].map(([option]) => option)
    expect(options.filter((option = '') => !decided.includes(option) && !partsOfCommand.includes(option))).toEqual([])
  })

  for (const [option, before, after, words] of [...restarting, ...opened]) {
    it(`${option} restarts it, and says why`, () => {
      const changes = processChanges(planOf(before), planOf(after))
      expect(changeWords(changes)).toBe(`restarts, because ${words}`)
      expect(needsRestart(changes)).toBe(true)
    })
  }

  for (const [option, before, after, words] of live) {
    it(`${option} restarts nothing`, () => {
      const changes = processChanges(planOf(before), planOf(after))
      expect(changeWords(changes)).toBe(`${words}, without a restart`)
      expect(needsRestart(changes)).toBe(false)
    })
  }

  it.each(ofRoutes)('%s changes nothing of it', (_option, before, after) => {
    expect(processChanges(planOf(before), planOf(after))).toEqual(processChanges(planOf(before), planOf(before)))
  })

  it('both kinds says both, and never what a variable holds', () => {
    const before = planOf('command: [x, "${TOKEN}"], environment: { set: { KEY: hunter2 } }', { TOKEN: 'hunter2' })
    const after = planOf('command: [x, "${TOKEN}"], environment: { set: { KEY: hunter3 } }, stop: { grace: 3s }', {
      TOKEN: 'hunter3',
    })
    expect(changeWords(processChanges(before, after))).toBe(
      'restarts, because command changed, environment changed (KEY, TOKEN); also stop.grace 30s → 3s',
    )
  })

  it('how a text is written, and not what it comes to, is none', () => {
    expect(processChanges(planOf('command: [x, a]'), planOf('command: [x, "${APP_A}"]'))).toEqual([])
  })

  it('a variable that it does not read restarts nothing', () => {
    const reading = (env: Record<string, string>) => planOf('environment: { only: [APP_*], set: { OWN: "1" } }', env)
    expect(processChanges(reading({}), reading({ OTHER: 'changed', NEW: 'new' }))).toEqual([])
    expect(changeWords(processChanges(reading({}), reading({ APP_A: 'b', LC_TIME: 'C' })))).toBe(
      'restarts, because environment changed (APP_A, LC_TIME)',
    )
  })
})
