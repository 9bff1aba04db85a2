/**
 * Programs that go to the background: they leave their group for a session of their own and end their first process, with 0. For us
 * that looks like an end; the program runs on with nobody to watch or stop it, holds its port, and each restart starts another.
 */
import { readFileSync, readlinkSync } from 'node:fs'
import { basename } from 'node:path'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { sleep } from '../../shared/time/timer.ts'
import { isLeaderOfOurs } from '../spawn/spawn.ts'
import { isOver, type KernelProcess, processTable, variablesOf } from './process-table.ts'

/** In the environment of each program, and so of all that it starts: the name of its process. */
export const processVariable = 'GATEHOUSE_PROCESS'

/** A program goes to the background at its start; what leaves something behind when it ends much later is none of these. */
export const longestDetour: Milliseconds = 30_000

/** Helpers that were left behind by chance, such as `timeout 1 pg_isready`, end by themselves: who is there after it means to stay. */
const chance: Milliseconds = 1_000

/** The run that seems to have ended. */
export interface SeemingEnd {
  readonly name: string
  readonly command: readonly string[]
  /** When it was forked, in the kernel's ticks. */
  readonly started: number
  /** Besides `processVariable`: what all programs of this Gatehouse have in their environment. */
  readonly mark: Readonly<Record<string, string>>
}

export interface Daemon {
  readonly pid: number
  readonly group: number
  /** Of the program. */
  readonly name: string
}

/** Those that it left outside of its group and that stay, orphans all of them. Empty where there is no /proc. */
export async function daemonsOf(end: SeemingEnd): Promise<readonly Daemon[]> {
  if (orphansOf(end).length === 0) return []
  await sleep(chance)
  return orphansOf(end)
}

function orphansOf(end: SeemingEnd): readonly Daemon[] {
  const table = processTable()
  const reapers = reapersIn(table)
  const own = table.find(({ pid }) => pid === process.pid)
  return table
    .filter((one) => !isOver(one) && one.started >= end.started && reapers.has(one.parent))
    .filter(({ group, session }) => group > 1 && group !== own?.group && !isLeaderOfOurs(session))
    .flatMap(({ pid, group }) => {
      const name = nameOf(pid)
      return belongsTo(end, pid, name) ? [{ pid, group, name }] : []
    })
}

/** Who adopts orphans here: PID 1, or an ancestor of ours that has asked for them (PR_SET_CHILD_SUBREAPER, prctl(2)). */
function reapersIn(table: readonly KernelProcess[]): ReadonlySet<number> {
  const parents = new Map(table.map(({ pid, parent }) => [pid, parent]))
  const reapers = new Set([1])
  for (let pid: number | undefined = process.pid; pid; pid = parents.get(pid)) reapers.add(pid)
  return reapers
}

/**
 * By its environment; or, since many daemons write their title over that (redis-server, nginx), by its name, if that is a word of the
 * command. A stranger with another environment is none, nor is the machine's own redis-server: systemd gives each of its units a
 * cgroup, which is inherited.
 */
function belongsTo({ name, command, mark }: SeemingEnd, pid: number, program: string): boolean {
  const variables = variablesOf(pid)
  if (variables.some((line) => /^\w+=/.test(line))) {
    return Object.entries({ ...mark, [processVariable]: name }).every(([key, value]) =>
      variables.includes(`${key}=${value}`),
    )
  }
  if (cgroupOf(pid) !== cgroupOf(process.pid)) return false
  const words = command.flatMap((word) => word.split(/[^\w./-]+/)).map((word) => basename(word))
  return words.includes(program) || words.includes(basename(executableOf(pid)))
}

function cgroupOf(pid: number): string {
  return read(() => readFileSync(`/proc/${pid}/cgroup`, 'latin1'))
}

function nameOf(pid: number): string {
  return read(() => readFileSync(`/proc/${pid}/comm`, 'utf8')).trim()
}

function executableOf(pid: number): string {
  return read(() => readlinkSync(`/proc/${pid}/exe`))
}

/** Empty: it has ended meanwhile, or is not for us to read. */
function read(how: () => string): string {
  try {
    return how()
  } catch {
    return ''
  }
}

/** By which option each stays in the foreground. */
const foreground: Readonly<Record<string, string>> = {
  'redis-server': '`--daemonize no`',
  nginx: '`-g "daemon off;"`',
  apache2: '`-D FOREGROUND`',
  httpd: '`-D FOREGROUND`',
  sshd: '`-D`',
  haproxy: '`-db`',
  memcached: 'no `-d`',
  mongod: 'no `--fork`',
  cron: '`-f`',
  crond: '`-f`',
  dnsmasq: '`--keep-in-foreground`',
  rsyslogd: '`-n`',
  supervisord: '`--nodaemon`',
  postfix: '`start-fg`',
  postgres: '`postgres` itself in place of `pg_ctl`',
}

/** What is wrong with it, as a predicate, and what would be right. */
export function daemonWords({ name, pid }: Daemon): string {
  const option = Object.entries(foreground).find(([program]) => name === program)?.[1]
  const how = option ? ` with ${option}` : ' (look for an option such as `--foreground`, `--no-daemon` or `-F`)'
  return `went to the background (${name}, pid ${pid}), where it cannot be supervised, and was stopped; run it in the foreground${how}`
}
