/**
 * Machines with a network of their own (network_namespaces(7)) and cables between them (veth(4)). Nothing of it has a name or is
 * seen outside: a machine lasts as long as its first process and what runs in it, a cable as long as both machines. The first process ends
 * with the pipe from the test, however the test ends.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { part } from '../../parts.ts'

export interface Machine {
  /** Of its first process. */
  readonly pid: number
  /** The words of a command line that runs these inside of it; program and process id stay the same. */
  inside(...words: readonly string[]): string[]
  /** Resolves when its first process is gone; the caller ends what still runs in it. */
  close(): Promise<void>
}

/** One end of a cable. */
export interface Plug {
  readonly machine: Machine
  /** With the length of its prefix: `10.0.1.2/24`. */
  readonly address: string
}

/** Words before a command that has no reason to end by itself: it is killed when the test's process is gone (prctl(2), PR_SET_PDEATHSIG). */
export const endsWithUs: readonly string[] = ['setpriv', '--pdeathsig', 'KILL']

/** Why there can be no machines here, or undefined. Namespaces need root, or rather CAP_SYS_ADMIN and CAP_NET_ADMIN. */
export function noNetwork(): string | undefined {
  if (part('ip') === undefined) return 'ip is missing'
  try {
    execFileSync('unshare', ['--net', 'true'], { stdio: 'pipe' })
    return undefined
  } catch (error) {
    return `network namespaces are not allowed here: ${(error as Error).message}`
  }
}

export async function openMachine(): Promise<Machine> {
  const first = spawn('unshare', ['--net', 'sh', '-c', 'echo up; read end'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = once(first, 'close')
  await Promise.race([
    once(first.stdout, 'data'),
    ended.then(([code]) => Promise.reject(new Error(`no network namespace: exit code ${code}`))),
  ])
  const { pid = 0 } = first
  const machine: Machine = {
    pid,
    inside: (...words) => ['/usr/bin/nsenter', `--net=/proc/${pid}/ns/net`, ...words],
    async close() {
      first.stdin.end()
      await ended
    },
  }
  ip(machine, 'link', 'set', 'lo', 'up')
  return machine
}

/** Both ends get their address, and a route to the other's subnet. */
export function connect(one: Plug, other: Plug): void {
  const [first, second] = [nameFor(one.address), nameFor(other.address)]
  ip(one.machine, 'link', 'add', first, 'type', 'veth', 'peer', 'name', second, 'netns', String(other.machine.pid))
  for (const [{ machine, address }, name] of [[one, first] as const, [other, second] as const]) {
    ip(machine, 'address', 'add', address, 'dev', name)
    ip(machine, 'link', 'set', name, 'up')
  }
}

/** At most 15 characters, and another one for each address. */
function nameFor(address: string): string {
  return `v${address.replace(/\/.*/, '').replaceAll('.', 'x')}`.slice(0, 15)
}

function ip(machine: Machine, ...words: readonly string[]): void {
  const [command = '', ...rest] = machine.inside('ip', ...words)
  execFileSync(command, rest, { stdio: ['ignore', 'ignore', 'pipe'] })
}
