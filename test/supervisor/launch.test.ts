/**
 * What runs between Gatehouse and a program: nothing of it may be moved by the program's environment while it has
 * root's rights, and the program gets that environment to the byte. Only root may change its user.
 */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ProcessPlan } from '../../src/plan/model/plan.ts'
import type { RightsPlan } from '../../src/plan/model/rights.ts'
import { launchOf } from '../../src/supervisor/rights/launch.ts'
import type { Program } from '../../src/supervisor/spawn/program.ts'
import { never, planFor, testSupervisor } from './test-supervisor.ts'

const isRoot = process.geteuid?.() === 0
const daemon = { user: { name: 'daemon' } } as const
const locked = { ...daemon, noNewPrivileges: true } as const

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-launch-'))
  chmodSync(folder, 0o777)
})

afterEach(() => rmSync(folder, { recursive: true, maxRetries: 5 }))

function plan(
  rights: RightsPlan | undefined,
  command: readonly string[],
  more: Partial<ProcessPlan> = {},
): ProcessPlan {
  const wanted = { kind: 'task', restart: never, directory: folder, command, ...(rights && { rights }) } as const
  return planFor('it', { ...wanted, ...more })
}

async function said(one: ProcessPlan): Promise<readonly string[]> {
  const { supervisor, untilState, lines } = testSupervisor([one])
  supervisor.start()
  const { exit, lastOutput } = await untilState('it', 'exited')
  expect({ exit, lastOutput }).toMatchObject({ exit: { code: 0, signal: null } })
  return lines.map(({ text }) => text)
}

/** What it really got, by name; as Latin-1, so that bytes are compared and no characters. */
async function environmentOf(one: ProcessPlan): Promise<Readonly<Record<string, string>>> {
  const encoded = (await said({ ...one, command: ['base64', '--wrap=0', '/proc/self/environ'] })).join('')
  const entries = Buffer.from(encoded, 'base64').toString('latin1').split('\0').slice(0, -1)
  return Object.fromEntries(
    entries.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
  )
}

/**
 * Names that a loader, a C library, a shell or a runtime obeys, names that no shell could set, and values of every
 * kind.
 */
const odd: Readonly<Record<string, string>> = {
  LD_LIBRARY_PATH: '/somewhere/lib',
  LD_BIND_NOW: '1',
  GLIBC_TUNABLES: 'glibc.malloc.check=1',
  GCONV_PATH: '/somewhere/gconv',
  LOCPATH: '/somewhere/locale',
  MALLOC_ARENA_MAX: '2',
  BASH_ENV: '/somewhere/script',
  ENV: '/somewhere/script',
  SHELLOPTS: 'xtrace',
  PS4: '$(id)',
  IFS: '/',
  NODE_OPTIONS: '--require /somewhere.js',
  POSIXLY_CORRECT: '',
  LC_ALL: 'xx_XX.nothing',
  UID: '7',
  PPID: 'x',
  OPTIND: 'abc',
  SHLVL: 'many',
  PWD: '/wrong',
  _: 'underscore',
  _0: 'zero',
  _1: '${_0}',
  'spring.datasource.url': 'jdbc:x',
  'BASH_FUNC_f%%': '() { :; }',
  'with blank "and\' \\quotes $x ${y} #z': 'named so',
  '-i': 'like an option',
  '#': 'like a comment',
  'umläut€': 'ä€😀',
  lines: 'one\ntwo\r\n\tthree\n',
  quotes: `'"\`\\ \\n \\_ \\c ' "`,
  dollars: '$HOME ${HOME} $$ $(id) %s %n',
  blanks: '   ',
  empty: '',
  equals: '=a=b=',
  comment: '# no comment',
}

describe.runIf(isRoot)('the environment of a program with another user', () => {
  it('arrives to the byte, whatever its names and values are', async () => {
    const { environment, name } = plan(daemon, [], { environment: odd })
    const account = { HOME: '/usr/sbin', USER: 'daemon', LOGNAME: 'daemon' }
    const expected = { ...environment, ...account, GATEHOUSE_PROCESS: name }
    const bytes = Object.entries(expected).map((entry) => entry.map((text) => Buffer.from(text).toString('latin1')))
    expect(await environmentOf(plan(locked, [], { environment: odd }))).toEqual(Object.fromEntries(bytes))
  })

  it('is obeyed by no loader that has root’s rights', async () => {
    // The loader writes a file for each image that it starts under such an environment; who owns it is who ran.
    const environment = { LD_DEBUG: 'files', LD_DEBUG_OUTPUT: join(folder, 'trace') }
    const rights: RightsPlan = { ...locked, nice: 3, limits: { coreSize: { soft: 0, hard: 0 } } }
    await said(plan(rights, ['true'], { environment }))
    const traces = readdirSync(folder).filter((name) => name.startsWith('trace'))
    expect(traces.length).toBeGreaterThan(0)
    for (const name of traces) {
      expect(statSync(join(folder, name)).uid).toBe(1)
      expect(readFileSync(join(folder, name), 'utf8')).not.toMatch(/setpriv|prlimit|\/nice|\/env\b/)
    }
  })

  it('is seen neither by the tools that run as root, nor by who reads command lines', () => {
    const value = 'a-secret-value'
    const program: Program = {
      command: ['true'],
      directory: '/',
      environment: { ...odd, PATH: `/bin:${folder}`, TOKEN: value },
      rights: { ...locked, nice: 3, limits: { coreSize: { soft: 0, hard: 0 } } },
    }
    const launch = launchOf(program)
    if ('failure' in launch) throw new Error(launch.failure.reason)
    for (const name of Object.keys(launch.environment)) expect(name).toMatch(/^_\d+$/)
    for (const secret of Object.values(program.environment).filter((text) => text.length > 5))
      expect(launch.command.join('\n')).not.toContain(secret)
    const tools = launch.command.filter((word) => word.startsWith('/'))
    expect(tools.map((path) => path.replace(/^.*\//, ''))).toEqual(['nice', 'prlimit', 'setpriv', 'env'])
    for (const path of tools) expect(path).toMatch(/^(\/usr)?\/s?bin\//)
  })

  it('names the place of its program, not that of our tools; nor does our own PATH', async () => {
    const folders = [join(folder, 'first'), join(folder, 'second')] as const
    for (const place of folders) mkdirSync(place)
    for (const name of ['nice', 'prlimit', 'setpriv', 'env', 'mkfifo', 'sh', 'true'])
      writeFileSync(join(folders[0], name), `#!/bin/sh\n: >${folder}/called-${name}\nexit 9\n`, { mode: 0o755 })
    writeFileSync(join(folders[1], 'only-there'), '#!/bin/sh\necho found by its PATH as $(id -u)\n', { mode: 0o755 })
    const path = process.env.PATH
    process.env.PATH = folders[0]
    try {
      const environment = { PATH: `${folders[1]}:/usr/bin:/bin` }
      const rights: RightsPlan = { ...locked, nice: 3, limits: { coreSize: { soft: 0, hard: 0 } } }
      expect(await said(plan(rights, ['only-there'], { environment }))).toEqual(['found by its PATH as 1'])
    } finally {
      process.env.PATH = path
    }
    expect(readdirSync(folder).filter((name) => name.startsWith('called-'))).toEqual([])
  })

  it('that is larger than an argument of env(1) can name is refused, with the reason', async () => {
    const names = Array.from({ length: 3_000 }, (_, index) => [`A_NAME_OF_SOME_LENGTH_WHICH_IS_LONG_${index}`, 'x'])
    const { supervisor, untilState } = testSupervisor([
      plan(locked, ['true'], { environment: Object.fromEntries(names) }),
    ])
    supervisor.start()
    expect((await untilState('it', 'fatal')).reason).toMatch(
      /^environment: 300\d variables are too many to pass to another user/,
    )
  })

  it('may have a program whose name looks like a variable or an option', async () => {
    for (const name of ['a=b', '-i', '--'])
      writeFileSync(join(folder, name), '#!/bin/sh\necho "$# $1"\n', { mode: 0o755 })
    const environment = { PATH: `${folder}:/usr/bin:/bin` }
    expect(await said(plan(locked, [join(folder, 'a=b'), 'c=d'], { environment }))).toEqual(['1 c=d'])
    for (const name of ['a=b', '-i', '--'])
      expect(await said(plan(locked, [name, '-x'], { environment }))).toEqual(['1 -x'])
  })
})

describe('libraries that a program has for itself', () => {
  it.each([
    ['are not those of the tools before it', {}],
    ['are not, nor if it changes its niceness', { nice: 19 }],
  ] as const)('%s', async (_, rights) => {
    // Names a file that does not exist: a program that reads it complains on stderr, or does not even start.
    const environment = { LD_LIBRARY_PATH: folder, LD_BIND_NOW: '1', 'a.b': '${x}' }
    writeFileSync(join(folder, 'libc.so.6'), 'this is none')
    const statically = plan(rights, ['sh', '-c', 'echo never'], { environment })
    const { supervisor, untilState } = testSupervisor([statically])
    supervisor.start()
    const { exit, lastOutput } = await untilState('it', 'exited')
    expect(exit?.code).toBe(127)
    expect(lastOutput?.join('\n')).toMatch(/^sh: error while loading shared libraries/)
  })
})

describe.runIf(isRoot)('programs with more rights by their file modes', () => {
  const state = ['sh', '-c', 'grep NoNewPrivs /proc/self/status; dd if=/proc/self/status of=probed 2>/dev/null; :']
  const probe = { kind: 'exec', command: ['sh', '-c', 'grep NoNewPrivs /proc/self/status >probed'] } as const

  it.each([
    ['give a process with a user none', locked, '1'],
    ['give a process with a user theirs where the file lets them', daemon, '0'],
    ['give a process of our own user theirs', undefined, '0'],
    ['give a process of our own user none where the file says so', { noNewPrivileges: true } as const, '1'],
  ])('%s, and its probes neither more nor less', async (_, rights, expected) => {
    expect(await said(plan(rights, state))).toEqual([`NoNewPrivs:\t${expected}`])
    rmSync(join(folder, 'probed'), { force: true })
    const ready = { ...probe, every: 100, timeout: 5_000, deadline: 20_000 }
    const { supervisor, untilState } = testSupervisor([plan(rights, ['sleep', '60'], { kind: 'service', ready })])
    supervisor.start()
    await untilState('it', 'running')
    expect(readFileSync(join(folder, 'probed'), 'utf8')).toBe(`NoNewPrivs:\t${expected}\n`)
  })

  it('do not make root of who runs a copy of id(1) that is setuid', async () => {
    const id = join(folder, 'id')
    writeFileSync(id, readFileSync(existsSync('/usr/bin/id') ? '/usr/bin/id' : '/bin/id'))
    chmodSync(id, 0o4755)
    expect(await said(plan(locked, [id, '-u']))).toEqual(['1'])
    expect(await said(plan(daemon, [id, '-u']))).toEqual(['0'])
  })
})
