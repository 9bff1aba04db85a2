/**
 * Another user, another mask, other limits: as the kernel shows them, of real programs. Only root may change its user.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { getPriority, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ProcessPlan } from '../../src/plan/model/plan.ts'
import type { RightsPlan } from '../../src/plan/model/rights.ts'
import { isGroupAlive } from '../../src/supervisor/group/group.ts'
import { raiseOpenFiles, settable, softAtStart } from '../../src/supervisor/rights/open-files.ts'
import { RightsError } from '../../src/supervisor/rights/rights-error.ts'
import { tool } from '../../src/supervisor/rights/tools.ts'
import { succeeds } from '../../src/supervisor/spawn/spawn.ts'
import { unusedId } from '../support/unused-id.ts'
import { otherUser, unprivileged } from '../unprivileged.ts'
import { never, planFor, testSupervisor } from './test-supervisor.ts'

const isRoot = process.geteuid?.() === 0
// A container's root has often no capability to raise a limit, and CI's root sometimes has: both are distinguished
// here.
const effective = BigInt(`0x${/^CapEff:\s*(\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]}`)
const mayRaiseLimits = ((effective >> 24n) & 1n) === 1n
const mayLowerNiceness = ((effective >> 23n) & 1n) === 1n

/** Says all that the kernel knows of it, its environment and its niceness, and opens its own stdout by name. */
const confession =
  'cat /proc/self/status /proc/self/limits && echo "Pid of the shell: $$" && echo "Niceness: $(nice)" && env && echo "opened by name" >/dev/stdout'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-rights-'))
  chmodSync(folder, 0o777)
})

afterEach(() => rmSync(folder, { recursive: true }))

function planWith(rights: RightsPlan, more: Partial<ProcessPlan> = {}): ProcessPlan {
  const plan = planFor('it', { kind: 'task', restart: never, directory: folder, command: ['sh', '-c', confession] })
  return { ...plan, rights, ...more, environment: { ...plan.environment, ...more.environment } }
}

/** `Name: value` and `NAME=value` of what it said, by name; and its limits. */
async function run(plan: ProcessPlan) {
  const { supervisor, untilState, lines, events } = testSupervisor([plan])
  supervisor.start()
  const { exit, reason } = await untilState('it', 'exited')
  expect({ exit, reason }).toMatchObject({ exit: { code: 0, signal: null } })
  const texts = lines.map(({ text }) => text)
  const spawned = events.find((event) => event.type === 'transition' && event.to === 'starting')
  const all = texts.map((text) => /^([\w ]+?)[:=]\s*(.*)$/.exec(text)).filter((match) => match !== null)
  return {
    texts,
    of: Object.fromEntries(all.map(([, name = '', value = '']) => [name, value])),
    limit: (name: string) =>
      texts
        .find((text) => text.startsWith(name))
        ?.slice(name.length)
        .trim()
        .split(/\s+/)
        .slice(0, 2),
    pid: spawned && 'pid' in spawned ? spawned.pid : undefined,
  }
}

async function fate(plan: ProcessPlan): Promise<string | undefined> {
  const { supervisor, untilState } = testSupervisor([plan])
  supervisor.start()
  return (await untilState('it', 'fatal')).reason
}

function idsOf(text = ''): number[] {
  return text
    .trim()
    .split(/\s+/)
    .map(Number)
    .sort((a, b) => a - b)
}

describe.runIf(isRoot)('another user', () => {
  it('has its own ids, groups and account variables, and none of our capabilities', async () => {
    // Whoever is a member of a group beside its own, if this machine has one.
    const member = /^[^:\n]+:[^:\n]*:\d+:([^,\n]+)/m.exec(readFileSync('/etc/group', 'utf8'))?.[1] ?? 'daemon'
    const id = (option: string) => execFileSync('id', [option, member], { encoding: 'utf8' }).trim()
    const home = readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .find((line) => line.startsWith(`${member}:`))
      ?.split(':')[5]
    const { of, texts, pid } = await run(planWith({ user: { name: member } }))
    expect(of.Uid?.split(/\s+/)).toEqual([id('-u'), id('-u'), id('-u'), id('-u')])
    expect(of.Gid?.split(/\s+/)).toEqual([id('-g'), id('-g'), id('-g'), id('-g')])
    expect(idsOf(of.Groups)).toEqual(idsOf(id('-G')))
    expect(of).toMatchObject({ HOME: home, USER: member, LOGNAME: member, PATH: '/usr/bin:/bin' })
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapAmb']) expect([set, Number(`0x${of[set]}`)]).toEqual([set, 0])
    expect(of['Pid of the shell']).toBe(String(pid))
    expect(texts).toContain('opened by name')
  })

  it('may be a number with a group and with further groups, of which no file of the machine knows', async () => {
    const [user, group, further] = [await unusedId(), await unusedId(), await unusedId()]
    const { of } = await run(
      planWith({ user: { name: `${user}`, group: `${group}`, groups: [`${further}`, 'daemon'] } }),
    )
    expect(of.Uid).toMatch(new RegExp(`^${user}\\b`))
    expect(of.Gid).toMatch(new RegExp(`^${group}\\b`))
    expect(idsOf(of.Groups)).toEqual([1, group, further].sort((a, b) => a - b))
    expect(of).toMatchObject({ HOME: '/' })
    expect(of).not.toHaveProperty('USER')
  })

  it('has none of our supplementary groups when it asks for none', async () => {
    const { of } = await run(planWith({ user: { name: 'nobody', groups: [] } }))
    expect(idsOf(of.Groups)).toEqual(idsOf(execFileSync('id', ['-g', 'nobody'], { encoding: 'utf8' })))
  })

  it('keeps the HOME that the process sets itself', async () => {
    const { of } = await run(planWith({ user: { name: 'daemon' } }, { environment: { HOME: '/elsewhere' } }))
    expect(of).toMatchObject({ HOME: '/elsewhere', USER: 'daemon' })
  })

  it('runs the probe, too', async () => {
    const ready = {
      kind: 'exec',
      command: ['sh', '-c', 'touch by-the-probe'],
      every: 10,
      timeout: 5_000,
      deadline: 15_000,
    } as const
    const plan = planWith(
      { user: { name: 'daemon' }, umask: 0o077 },
      { kind: 'service', command: ['sleep', '60'], ready },
    )
    const { supervisor, untilState } = testSupervisor([plan])
    supervisor.start()
    await untilState('it', 'running')
    const { uid, mode } = statSync(join(folder, 'by-the-probe'))
    expect([uid, mode & 0o777]).toEqual([1, 0o600])
  })

  it('is signalled by us as anyone else', async () => {
    const { supervisor, untilState } = testSupervisor([
      planWith({ user: { name: 'daemon' } }, { kind: 'service', command: ['sh', '-c', 'sleep 60 & sleep 60'] }),
    ])
    supervisor.start()
    const { pid = 0 } = await untilState('it', 'running')
    await supervisor.stop({ budget: 10_000 })
    expect(isGroupAlive(pid)).toBe(false)
  })

  it('which does not exist is fatal, and the reason names the option and the fix', async () => {
    expect(await fate(planWith({ user: { name: 'no-such-user' } }))).toBe(
      'user: there is no user no-such-user in /etc/passwd; create it, or name another',
    )
    const unlisted = await unusedId()
    expect(await fate(planWith({ user: { name: `${unlisted}` } }))).toBe(
      `user: ${unlisted} is not in /etc/passwd; name its group, too: "${unlisted}:${unlisted}"`,
    )
    expect(await fate(planWith({ user: { name: 'daemon', group: 'no-such-group' } }))).toMatch(
      /^user: there is no group/,
    )
    expect(await fate(planWith({ user: { name: 'daemon', groups: ['no-such-group'] } }))).toMatch(
      /^groups: there is no group no-such-group in \/etc\/group/,
    )
  })

  it('is refused to a Gatehouse that is not root, and the user that it is already is none other', async () => {
    await unprivileged(async () => {
      expect(await fate(planWith({ user: { name: 'daemon' } }))).toBe(
        `user: becoming daemon needs root, and Gatehouse runs as uid ${otherUser}; start it as root, or as daemon`,
      )
    })
  })

  it('does not hide that a program is not there, not executable, or has no directory', async () => {
    writeFileSync(join(folder, 'plain.txt'), '')
    const rights = { user: { name: 'daemon' } }
    expect(await fate(planWith(rights, { command: ['no-such-program'] }))).toBe(
      'command: the program no-such-program was not found in its PATH',
    )
    expect(await fate(planWith(rights, { command: ['./plain.txt'] }))).toMatch(/plain\.txt is not executable/)
    expect(await fate(planWith(rights, { command: ['./gone'] }))).toMatch(/gone does not exist$/)
    expect(await fate(planWith(rights, { command: ['./..'] }))).toMatch(/is a directory, not a program$/)
    expect(await fate(planWith(rights, { directory: '/no/such/folder' }))).toBe(
      'directory: /no/such/folder does not exist',
    )
  })

  it('may not read a script that is ours, which its last line says', async () => {
    const hidden = join(folder, 'hidden')
    writeFileSync(hidden, '#!/bin/cat\n', { mode: 0o700 })
    const { supervisor, untilState } = testSupervisor([planWith({ user: { name: 'daemon' } }, { command: [hidden] })])
    supervisor.start()
    expect((await untilState('it', 'exited')).lastOutput).toEqual([`/usr/bin/env: '${hidden}': Permission denied`])
  })

  it('needs tools, and a missing one is named with its package', () => {
    const missing = () => undefined
    expect(() => tool('setpriv', ['-x'], 'user', missing)).toThrow(
      new RightsError('setpriv: not found in /usr/bin, /bin, /usr/sbin, /sbin; install util-linux, which `user` needs'),
    )
    expect(() => tool('nice', ['-n', '1'], 'nice', missing)).toThrow('install coreutils, which `nice` needs')
    expect(tool('setpriv', [], 'user', missing)).toEqual([])
  })
})

describe('a mask of modes', () => {
  it('is the program’s alone: ours is as before', async () => {
    const before = process.umask()
    const { of } = await run(planWith({ umask: 0o027 }))
    expect(of.Umask).toBe('0027')
    expect(process.umask()).toBe(before)
  })

  it('is given back when the program cannot be spawned', async () => {
    const before = process.umask()
    await fate(planWith({ umask: 0o077 }, { command: ['no-such-program'] }))
    expect(process.umask()).toBe(before)
  })
})

describe('niceness', () => {
  it('is as configured, whatever ours is', async () => {
    const { of, pid } = await run(planWith({ nice: getPriority() + 5 }))
    expect(of.Niceness).toBe(String(getPriority() + 5))
    expect(of['Pid of the shell']).toBe(String(pid))
  })

  it.runIf(isRoot && mayLowerNiceness)('may be lowered for another user', async () => {
    const { of } = await run(planWith({ nice: -3, user: { name: 'daemon' } }))
    expect([of.Niceness, of.Uid?.split(/\s+/)[0]]).toEqual(['-3', '1'])
  })

  it.runIf(isRoot)('may not be lowered by who is not root', async () => {
    await unprivileged(async () => {
      expect(await fate(planWith({ nice: -3 }))).toBe(
        'nice: -3 is below 0, that of Gatehouse itself; give the container the capability (--cap-add SYS_NICE), or raise it',
      )
    })
  })
})

describe('limits of the kernel', () => {
  it('hold for the program under any user, with its pid and environment unchanged', async () => {
    const { limit, of, pid, texts } = await run(
      planWith({
        limits: {
          openFiles: { soft: 100, hard: 200 },
          coreSize: { soft: 0, hard: 0 },
          stackSize: { soft: 4_194_304, hard: 8_388_608 },
          cpuTime: { soft: 60, hard: 90 },
          fileSize: { soft: 1_000_000, hard: 1_000_000 },
          lockedMemory: { soft: 4_096, hard: 65_536 },
          pendingSignals: { soft: 50, hard: 60 },
          messageQueues: { soft: 8_192, hard: 8_192 },
          realtimePriority: { soft: 0, hard: 0 },
          processes: { soft: 500, hard: 500 },
          dataSize: { soft: 1_000_000_000, hard: 2_000_000_000 },
          addressSpace: { soft: 2_000_000_000, hard: 3_000_000_000 },
        },
        ...(isRoot && { user: { name: 'daemon' } }),
      }),
    )
    expect(limit('Max open files')).toEqual(['100', '200'])
    expect(limit('Max core file size')).toEqual(['0', '0'])
    expect(limit('Max stack size')).toEqual(['4194304', '8388608'])
    expect(limit('Max cpu time')).toEqual(['60', '90'])
    expect(limit('Max file size')).toEqual(['1000000', '1000000'])
    expect(limit('Max locked memory')).toEqual(['4096', '65536'])
    expect(limit('Max pending signals')).toEqual(['50', '60'])
    expect(limit('Max msgqueue size')).toEqual(['8192', '8192'])
    expect(limit('Max realtime priority')).toEqual(['0', '0'])
    expect(limit('Max processes')).toEqual(['500', '500'])
    expect(limit('Max data size')).toEqual(['1000000000', '2000000000'])
    expect(limit('Max address space')).toEqual(['2000000000', '3000000000'])
    expect(of['Pid of the shell']).toBe(String(pid))
    expect(of.PATH).toBe('/usr/bin:/bin')
    expect(texts).toContain('opened by name')
  })

  it.runIf(isRoot && !mayRaiseLimits)('that are out of our own reach are fatal, with a hint', async () => {
    const hard = Number(/^Max processes +\S+ +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1])
    expect(hard).toBeGreaterThan(0)
    expect(await fate(planWith({ limits: { processes: { soft: hard + 1, hard: hard + 1 } } }))).toBe(
      `limits.processes: ${hard + 1} is above ${hard}, the hard limit of Gatehouse itself; ` +
        `start the container with --ulimit nproc=${hard + 1} or --cap-add SYS_RESOURCE, or lower it`,
    )
  })

  it('of open files are 1024 where ours was raised before our first line, so that it is unknown from what', async () => {
    const { limit } = await run(planWith({}))
    const [, hard = ''] = /^Max open files +\S+ +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    expect(limit('Max open files')).toEqual([String(Math.min(1_024, Number(hard))), hard])
    expect(softAtStart({ soft: 512, hard: 512 }, false)).toBe(512)
    expect(softAtStart({ soft: 'unlimited', hard: 'unlimited' }, false)).toBe(1_024)
    expect(softAtStart({ soft: 2_048, hard: 4_096 }, false)).toBe(2_048)
    expect(softAtStart({ soft: 65_536, hard: 65_536 }, true)).toBe(65_536)
  })

  it('of open files that were given above fs.nr_open are taken down to it, for they cannot be set again', () => {
    expect(settable({ soft: 1_024, hard: 1_073_741_816 }, 1_048_576)).toEqual({ soft: 1_024, hard: 1_048_576 })
    expect(settable({ soft: 'unlimited', hard: 'unlimited' }, 1_048_576)).toEqual({ soft: 1_048_576, hard: 1_048_576 })
    expect(settable({ soft: 1_024, hard: 1_048_576 }, 1_048_576)).toEqual({ soft: 1_024, hard: 1_048_576 })
    expect(settable({ soft: 1_024, hard: 'unlimited' }, undefined)).toEqual({ soft: 1_024, hard: 'unlimited' })
  })

  it('of open files are raised for ourselves, or a hint names what would raise them', () => {
    const limits = () => /^Max open files +(\S+) +(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.slice(1)
    const [, hard] = limits() ?? []
    execFileSync('prlimit', ['--pid', `${process.pid}`, '--nofile=500:'])
    expect(raiseOpenFiles(() => false)).toBe(
      `only 500 files and connections can be open at a time, though ${hard} are allowed: prlimit failed; ` +
        `raise the soft limit (\`ulimit -n\`, \`docker run --ulimit nofile=${hard}\`)`,
    )
    expect(raiseOpenFiles(succeeds)).toBeUndefined()
    expect(limits()).toEqual([hard, hard])
  })

  it('of open files end where the kernel’s own do', async () => {
    expect(await fate(planWith({ limits: { openFiles: { soft: 1024, hard: 'unlimited' } } }))).toMatch(
      /^limits\.openFiles: unlimited is above the maximum of the kernel, \d+ \(fs\.nr_open\)$/,
    )
  })
})
