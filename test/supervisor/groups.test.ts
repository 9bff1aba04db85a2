/**
 * Of whose groups a process is a member: as the kernel shows it, for each way to write a user and each place that
 * starts one.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ProcessPlan } from '../../src/plan/model/plan.ts'
import type { UserPlan } from '../../src/plan/model/rights.ts'
import { runDnsHook } from '../../src/supervisor/hooks/dns-hook.ts'
import { Hooks } from '../../src/supervisor/hooks/hooks.ts'
import { unusedId } from '../support/unused-id.ts'
import { never, planFor, testSupervisor } from './test-supervisor.ts'

const isRoot = process.geteuid?.() === 0
/** A user that /etc/group lists, if there is one on this machine; its groups by id(1). */
const member = /^[^:\n]+:[^:\n]*:\d+:([^,\n]+)/m.exec(readFileSync('/etc/group', 'utf8'))?.[1] ?? 'daemon'
const [memberUid, memberGid, memberGroups] = ['-u', '-g', '-G'].map((option) =>
  execFileSync('id', [option, member], { encoding: 'utf8' }).trim(),
) as [string, string, string]

const [nobodyUid, nobodyGid] = ['-u', '-g'].map((option) =>
  execFileSync('id', [option, 'nobody'], { encoding: 'utf8' }).trim(),
) as [string, string]
const [id, otherId] = [await unusedId(), await unusedId()]

/** As the file has it, and the groups that it is to have. */
const spellings: readonly (readonly [user: string, groups: readonly string[] | undefined, expected: string])[] = [
  [`${id}:${id}`, undefined, `${id}`],
  [`${id}:${otherId}`, undefined, `${otherId}`],
  [`${id}:daemon`, undefined, '1'],
  [`${id}:${id}`, [], `${id}`],
  [`${id}:${id}`, [`${otherId}`, 'daemon'], `1 ${id} ${otherId}`],
  [memberUid, undefined, memberGid],
  [`${memberUid}:${id}`, undefined, `${id}`],
  [`${memberUid}:${memberGid}`, undefined, memberGid],
  [memberUid, [`${otherId}`], `${memberGid} ${otherId}`],
  [nobodyUid, undefined, nobodyGid],
  ['0', undefined, '0'],
  ['0:0', undefined, '0'],
  [`0:${id}`, undefined, `${id}`],
  ['root:0', [], '0'],
  ['nobody', undefined, nobodyGid],
  [member, undefined, memberGroups],
  [`${member}:${id}`, undefined, memberGroups.replace(/^\d+/, `${id}`)],
  [member, [], memberGid],
]

const tell = ['sh', '-c', 'grep ^Groups: /proc/self/status']
/** For a program whose output is not read. */
const note = (file: string) => ['sh', '-c', `grep ^Groups: /proc/self/status >>${file}`]

/** No run comes by itself while the test runs. */
const onDemand = { cron: '0 0 29 2 *' } as const

const places = ['task', 'cron', 'backup', 'service', 'startup', 'ready', 'alive'] as const

let folder: string
const ownGroups = process.getgroups?.() ?? []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-groups-'))
  chmodSync(folder, 0o777)
})

afterEach(() => {
  rmSync(folder, { recursive: true, maxRetries: 5 })
  if (isRoot) process.setgroups?.(ownGroups)
})

/** Of a file that somebody is about to write. */
async function firstLine(path: string): Promise<string | undefined> {
  // It may be written again at any moment: the line counts that was seen whole.
  let whole: string | undefined
  const look = () => {
    const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n', 2) : []
    if (lines.length === 2) whole = lines[0]
    return whole
  }
  await expect.poll(look, { timeout: 15_000 }).toBeDefined()
  return whole
}

function userOf(written: string, groups: readonly string[] | undefined): UserPlan {
  const [name = '', group] = written.split(':')
  return { name, ...(group !== undefined && { group }), ...(groups && { groups }) }
}

function sorted(text: string | undefined): string {
  const numbers = text?.replace('Groups:', '').trim().split(/\s+/).map(Number) ?? []
  return numbers.sort((a, b) => a - b).join(' ')
}

/** Each place where a user may be named; all of them tell of their groups, in the log or in a file of their name. */
function plansOf(user: UserPlan): ProcessPlan[] {
  const rights = { user }
  const probe = (place: string) =>
    ({
      kind: 'exec',
      command: note(place),
      every: 100,
      timeout: 10_000,
      failures: 3,
      deadline: 30_000,
    }) as const
  const plan = (place: string, wanted: Partial<ProcessPlan>) =>
    planFor(place, { kind: 'task', restart: never, directory: folder, command: tell, rights, ...wanted })
  return [
    plan('task', {}),
    plan('cron', { schedule: onDemand }),
    plan('backup', {
      schedule: onDemand,
      command: ['sh', '-c', 'grep ^Groups: /proc/self/status; echo whole >"$1"', 'sh', '{backup}'],
      backup: { folder: join(folder, 'backups'), prefix: 'db-', suffix: '', named: true },
    }),
    plan('service', {
      kind: 'service',
      command: ['sh', '-c', 'grep ^Groups: /proc/self/status; exec sleep 60'],
      startup: probe('startup'),
      ready: probe('ready'),
      alive: probe('alive'),
    }),
  ]
}

describe.runIf(isRoot)('the groups of a process with a user', () => {
  it.each(spellings)(
    'are for user %j with groups %j, wherever it is started, %s: never ours, never those without members',
    async (written, groups, list) => {
      process.setgroups?.([0, 6, 42])
      const { supervisor, lines, until } = testSupervisor(plansOf(userOf(written, groups)))
      supervisor.start()
      for (const place of ['cron', 'backup']) expect(supervisor.run(place)).toMatchObject({ started: true })
      const said = async (place: string) => (await until(() => lines.find(({ process }) => process === place))).text
      const noted = (place: string) => firstLine(join(folder, place))
      const pairs = places.map(async (place) => [
        place,
        sorted(await (['startup', 'ready', 'alive'].includes(place) ? noted(place) : said(place))),
      ])
      const found = Object.fromEntries(await Promise.all(pairs))
      expect(found).toEqual(Object.fromEntries(places.map((place) => [place, sorted(list)])))
    },
  )

  it('are those of a new process after a restart and in a successor, too', async () => {
    const rights = { user: userOf(`${id}:${id}`, undefined) }
    const plan = planFor('it', {
      command: ['sh', '-c', 'grep ^Groups: /proc/self/status; sleep 0.05; exit 1'],
      rights,
      directory: folder,
    })
    const { supervisor, lines, until } = testSupervisor([plan])
    supervisor.start()
    await until(() => lines.length >= 2)
    expect(lines.map(({ text }) => sorted(text))).toEqual(lines.map(() => `${id}`))
  })

  it('are Gatehouse’s own for what has no user: hooks on events and on certificates', async () => {
    const { environment } = planFor('any')
    const said: string[] = []
    const output = { line() {}, record: (_: string, __: string, text: string) => void said.push(text) }
    await runDnsHook({ run: tell, directory: folder, environment }, ['set'], output)
    const hooks = new Hooks({ output, log: { info() {}, warn() {}, error() {} } })
    hooks.apply([
      {
        call: { kind: 'run', command: tell, directory: folder, environment },
        on: ['running'],
        timeout: 10_000,
        position: { file: 'test.yaml', line: 1, column: 1 },
      } as never,
    ])
    const { supervisor, untilState } = testSupervisor([planFor('it', { command: ['sleep', '60'] })])
    supervisor.subscribe((event) => hooks.handle(event))
    supervisor.start()
    await untilState('it', 'running')
    await expect.poll(() => said.length, { timeout: 10_000 }).toBe(2)
    expect(said.map(sorted)).toEqual([0, 1].map(() => [...ownGroups].sort((a, b) => a - b).join(' ')))
    await hooks.close(1_000)
  })
})
