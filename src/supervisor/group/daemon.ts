/**
 * Programs that daemonize: they leave their group for their own session, and their first process exits with 0. To us
 * that looks like an end; but the program runs on unsupervised, holds its port, and each restart starts another.
 */
import { readFileSync, readlinkSync } from 'node:fs'
import { basename } from 'node:path'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { sleep } from '../../shared/time/timer.ts'
import { isLeaderOfOurs } from '../spawn/spawn.ts'
import { isOver, type KernelProcess, processTable, variablesOf } from './process-table.ts'

/** The variable with the name of the process, in the environment of its program and all that it starts. */
export const processVariable = 'GATEHOUSE_PROCESS'

/** A program daemonizes soon after its start; what it leaves behind after this time is no daemon. */
export const daemonWindow: Milliseconds = 30_000

/** Short commands that were left behind by chance, such as `timeout 1 pg_isready`, end within this time. */
const settleTime: Milliseconds = 1_000

/** The run that seems to have ended. */
export interface EndedRun {
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

/** The orphans that it left outside its group and that keep running. Empty where there is no /proc. */
export async function daemonsOf(end: EndedRun): Promise<readonly Daemon[]> {
  if (orphansOf(end).length === 0) return []
  await sleep(settleTime)
  return orphansOf(end)
}

function orphansOf(end: EndedRun): readonly Daemon[] {
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

/** The processes that adopt orphans: PID 1, or a subreaper among our ancestors (PR_SET_CHILD_SUBREAPER, prctl(2)). */
function reapersIn(table: readonly KernelProcess[]): ReadonlySet<number> {
  const parents = new Map(table.map(({ pid, parent }) => [pid, parent]))
  const reapers = new Set([1])
  for (let pid: number | undefined = process.pid; pid; pid = parents.get(pid)) reapers.add(pid)
  return reapers
}

/**
 * By its environment; or, since many daemons overwrite that with their title (redis-server, nginx), by its name, if
 * that is a word of the command. The machine's own redis-server is excluded by its cgroup: systemd gives each unit one,
 * which is inherited.
 */
function belongsTo({ name, command, mark }: EndedRun, pid: number, program: string): boolean {
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

/** Empty: it has ended meanwhile, or we may not read it. */
function read(how: () => string): string {
  try {
    return how()
  } catch {
    return ''
  }
}

/** The option that keeps each in the foreground. */
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

/** What is wrong, as a predicate, and the fix. */
export function daemonWords({ name, pid }: Daemon): string {
  const option = Object.entries(foreground).find(([program]) => name === program)?.[1]
  const how = option ? ` with ${option}` : ' (look for an option such as `--foreground`, `--no-daemon` or `-F`)'
  return `went to the background (${name}, pid ${pid}), where it cannot be supervised, and was stopped; run it in the foreground${how}`
}
