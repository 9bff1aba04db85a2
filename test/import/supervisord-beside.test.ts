/** The same file run by supervisord and, imported, by us: what the programs get from both is the same. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { gatehouse } from '../cli/gatehouse-command.ts'
import { projectFolder, startGatehouse } from '../e2e/support/gatehouse.ts'
import { part } from '../parts.ts'

const supervisord = part('supervisord')
const isRoot = process.getuid?.() === 0
const program = join(projectFolder, 'test/fixtures/programs/writes-itself-down.js')

interface Facts {
  readonly words: readonly string[]
  readonly environment: readonly string[]
  readonly directory: string
}

/**
 * Variables that each of the two gives its children to tell them who started them, and the one with which tests start
 * ours.
 */
const own = /^(SUPERVISOR_\w+|GATEHOUSE_\w+|NODE_COMPILE_CACHE)=/

describe.skipIf(!supervisord)('programs of a supervisord.conf', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-beside-'))
  const out = join(folder, 'out')
  const conf = join(folder, 'supervisord.conf')
  const variables = {
    HOME: folder,
    PATH: process.env.PATH ?? '',
    // Python sets LC_CTYPE where there is none.
    LANG: 'C.UTF-8',
    ARGS: '--two "words here"',
    DIR: out,
    ONE: 'a b',
    TOKEN: 'x;y',
  }
  let theirs: Record<string, Facts> = {}
  let ours: Record<string, Facts> = {}

  beforeAll(async () => {
    for (const path of [folder, out]) {
      mkdirSync(path, { recursive: true })
      chmodSync(path, 0o777)
    }
    writeFileSync(conf, configuration(folder))
    theirs = await bySupervisord(conf, out, variables)
    ours = await byGatehouse(conf, out, variables)
  }, 60_000)
  afterAll(() => rmSync(folder, { recursive: true }))

  it('are the same ones', () => {
    expect(Object.keys(theirs)).toEqual(Object.keys(ours))
    expect(Object.keys(ours).length).toBe(isRoot ? 6 : 5)
  })

  it.each(['plain', 'surrounded', 'split', 'worker-0', 'worker-1'])(
    '%s has the same words, variables, folder, mask and rights',
    (name) => {
      expect(ours[name]).toEqual(theirs[name])
      expect(ours[name]).toMatchObject({ leader: true })
    },
  )

  it('of another user, too, but for the variables that name the user', ({ skip }) => {
    if (!isRoot) skip('only root starts programs as others')
    const account = /^(HOME|USER|LOGNAME)=/
    const without = (facts: Facts | undefined) => ({
      ...facts,
      environment: facts?.environment.filter((line) => !account.test(line)),
    })
    expect(without(ours.nobody)).toEqual(without(theirs.nobody))
    expect(ours.nobody?.environment).toContain('USER=nobody')
    expect(theirs.nobody?.environment).toContain(`HOME=${variables.HOME}`)
  })

  it('have what was written, where quotes and variables stand in each other', () => {
    expect(ours.split?.words).toEqual(['--two', 'words here', 'a b', `--in=${out}/x`, 'it\\$s', '50%', 'a#b'])
    expect(ours.surrounded?.environment).toEqual(
      expect.arrayContaining(['LIST=a,b', 'TOKEN=x;y', `WHERE=${out}/deep`, 'EMPTY=']),
    )
  })
})

function configuration(folder: string): string {
  const start = `${process.execPath} ${program} %(ENV_DIR)s`
  const sections = [
    [
      'supervisord',
      'nodaemon=true',
      `logfile=${folder}/supervisord.log`,
      `pidfile=${folder}/supervisord.pid`,
      `childlogdir=${folder}`,
      'environment=REGION="eu",TOKEN="hidden"',
    ],
    // As one group they are stopped at the same time, not one each second.
    ['group:all', `programs=plain,surrounded,split,worker${isRoot ? ',nobody' : ''}`],
    ['program:plain', 'directory=/', `command=${start}/%(program_name)s`],
    [
      'program:surrounded',
      `command=${start}/%(program_name)s %(ENV_WHERE)s`,
      'directory=/tmp',
      'umask=027',
      'environment=LIST="a,b",TOKEN="x;y",',
      '  WHERE="%(ENV_DIR)s/deep", EMPTY=""',
      'priority=5',
    ],
    [
      'program:split',
      'directory=%(ENV_HOME)s',
      `command=${start}/split %(ENV_ARGS)s "%(ENV_ONE)s" --in=%(ENV_DIR)s/x "it\\$s" 50%% a#b ; not these`,
      'priority=6',
    ],
    [
      'program:worker',
      'directory=%(here)s',
      'process_name=%(program_name)s-%(process_num)d',
      `command=${start}/worker-%(process_num)d`,
      'numprocs=2',
    ],
    ...(isRoot ? [['program:nobody', `command=${start}/nobody`, 'directory=/tmp', 'user=nobody']] : []),
  ]
  return sections.map(([name, ...lines]) => [`[${name}]`, ...lines, ''].join('\n')).join('\n')
}

async function bySupervisord(conf: string, out: string, env: Record<string, string>): Promise<Record<string, Facts>> {
  const child = spawn(supervisord ?? '', ['-n', '-c', conf], { env, stdio: 'ignore' })
  const exited = once(child, 'exit')
  try {
    return await written(out)
  } finally {
    child.kill('SIGTERM')
    await exited
  }
}

async function byGatehouse(conf: string, out: string, env: Record<string, string>): Promise<Record<string, Facts>> {
  const { code, out: config } = await gatehouse('import', conf)
  expect(code).toBe(0)
  const running = startGatehouse({ config: `${config}\ncontrol: { socket: ./control.sock }\n`, env })
  try {
    return await written(out)
  } finally {
    await running.stop()
  }
}

/** Once all have written; the files are taken away. */
async function written(out: string): Promise<Record<string, Facts>> {
  const names = () => readdirSync(out).filter((name) => !name.endsWith('.new'))
  await vi.waitFor(() => expect(names()).toHaveLength(isRoot ? 6 : 5), { timeout: 15_000 })
  return Object.fromEntries(
    names()
      .sort()
      .map((name) => {
        const facts = JSON.parse(readFileSync(join(out, name), 'utf8')) as Facts
        rmSync(join(out, name))
        return [name, { ...facts, environment: facts.environment.filter((line) => !own.test(line)) }]
      }),
  )
}
