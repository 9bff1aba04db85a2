/** The only place that spawns processes. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { withReserve } from '../../shared/system/descriptors.ts'
import { systemPath } from '../../shared/system/system-tools.ts'
import { launchOf } from '../rights/launch.ts'
import { toolPath } from '../rights/tools.ts'
import type { Exit } from './exit.ts'
import { openPipes } from './pipe.ts'
import type { Program } from './program.ts'
import { explainSpawnFailure, type SpawnFailure } from './spawn-failure.ts'
import { type ReadAs, watchStatus } from './wait-status.ts'

export interface Child {
  /** Of the process, and the id of its group. */
  readonly pid: number
  /** Null if its output is ignored. */
  readonly stdout: Readable | null
  readonly stderr: Readable | null
  /** Set if its stdout and stderr are sockets, which it cannot open by name: why there are no pipes. */
  readonly withoutPipes?: string
  /** Its output on further file descriptors, by number. */
  readonly notifications: ReadonlyMap<number, Readable>
  /** Resolves when it has ended and was reaped. Others of its group may live on, and output may still be unread. */
  readonly exited: Promise<Exit>
}

export type Spawned = { readonly child: Child } | { readonly failed: Promise<SpawnFailure> }

/** Pids of running processes from `spawnGroup`, each the leader of its own session. */
const leaders = new Set<number>()

/** False for orphans that we adopted as PID 1, which are our children as well. */
export function isLeaderOfOurs(pid: number): boolean {
  return leaders.has(pid)
}

/**
 * Starts a program as the leader of a new session and process group, so that a signal to the group reaches all its
 * descendants (except those that leave the group), and Ctrl-C at our terminal reaches none of them. Never throws.
 * `descriptors`: further ones, from 3 on, that it can write to.
 *
 * A umask can only be inherited. Until `spawn` returns it also applies to our other threads. That is harmless: no other
 * process is spawned meanwhile, all files are created with an explicit mode, of which a mask only removes bits, and the
 * schema rejects masks that remove the owner's.
 */
export function spawnGroup(
  program: Program,
  output: 'piped' | 'ignored',
  descriptors: readonly number[] = [],
): Spawned {
  try {
    return withReserve(() => spawnNow(program, output, descriptors))
  } catch (error) {
    // Some failures of spawn(2) come as an event, others are thrown (arguments too long, a NUL in them, no memory).
    return { failed: Promise.resolve(explainSpawnFailure(program, error)) }
  }
}

function spawnNow(program: Program, output: 'piped' | 'ignored', descriptors: readonly number[]): Spawned {
  const launch = launchOf(program)
  if ('failure' in launch) return { failed: Promise.resolve(launch.failure) }
  const [file = '', ...words] = launch.command
  const opened = output === 'piped' ? openPipes(makeFifos, descriptors.length) : undefined
  const pipes = opened && 'ends' in opened ? opened : undefined
  const withoutPipes = opened && 'reason' in opened ? { withoutPipes: opened.reason } : {}
  const stream = output === 'piped' ? 'pipe' : 'ignore'
  const [out, err, ...ends] = pipes?.ends ?? ([stream, stream] as const)
  let child: ChildProcess
  const ownMask = launch.umask === undefined ? undefined : process.umask(launch.umask)
  try {
    child = spawn(file, words, {
      cwd: program.directory,
      env: launch.environment,
      detached: true,
      stdio: ['ignore', out, err, ...placed(descriptors, (index) => ends[index] ?? stream)],
    })
  } catch (error) {
    pipes?.abandon()
    throw error
  } finally {
    if (ownMask !== undefined) process.umask(ownMask)
    pipes?.handOver()
  }
  const { pid } = child
  const { stdout, stderr } = pipes ?? child
  if (pid === undefined) {
    pipes?.abandon()
    const failed = new Promise<SpawnFailure>((resolve) => {
      child.once('error', (error) => resolve(explainSpawnFailure(program, error)))
    })
    return { failed }
  }
  const exitOf = watchStatus(pid, [stdout, stderr], readAs)
  leaders.add(pid)
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => {
      leaders.delete(pid)
      resolve(exitOf({ code, signal }))
    })
  })
  const notifications = new Map(
    descriptors.map((number, index) => [number, pipes?.others[index] ?? (child.stdio[number] as Readable)]),
  )
  return { child: { pid, stdout, stderr, notifications, exited, ...withoutPipes } }
}

/** The child's descriptors 3, 4, …: `ignore` where none was asked for (libuv skips those from 3 on). */
function placed<T>(descriptors: readonly number[], pick: (index: number) => T): (T | 'ignore')[] {
  return Array.from({ length: Math.max(2, ...descriptors) - 2 }, (_, offset) => {
    const index = descriptors.indexOf(offset + 3)
    return index === -1 ? 'ignore' : pick(index)
  })
}

const readAs: ReadAs = ({ uid, gid }, path) => {
  const [setpriv, cat] = [toolPath('setpriv'), toolPath('cat')]
  if (setpriv === undefined || cat === undefined) return undefined
  const words = ['--reuid', `${uid}`, '--regid', `${gid}`, '--clear-groups', '--', cat, path]
  return (
    spawnSync(setpriv, words, { encoding: 'latin1', stdio: ['ignore', 'pipe', 'ignore'], env: {} }).stdout ?? undefined
  )
}

/**
 * Writable by all, so that a child that changed its user can open its own /dev/stdout; the folder can be entered only
 * by us.
 */
function makeFifos(paths: readonly string[]): boolean {
  const mkfifo = toolPath('mkfifo')
  return mkfifo !== undefined && succeeds(mkfifo, ['-m', '622', ...paths])
}

/** Runs a small system tool to its end, which takes some milliseconds; returns whether it exited with 0. */
export function succeeds(file: string, words: readonly string[]): boolean {
  return spawnSync(file, words, { stdio: 'ignore', env: {} }).status === 0
}

export interface GuardianProcess {
  write(text: string): void
  end(text: string): void
}

/**
 * Starts a shell in its own session that reads from a pipe whose other end only we hold. It keeps neither us nor our
 * output open. Calls `failed` if there is no shell, and `ended` when it has ended.
 */
export function spawnGuardian(
  script: string,
  words: readonly string[],
  listener: { failed(error: Error): void; ended(): void },
): GuardianProcess {
  const shell = spawn('/bin/sh', ['-c', script, 'gatehouse-guardian', ...words], {
    cwd: '/',
    env: { PATH: systemPath },
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  shell.unref()
  ;(shell.stdin as Socket).unref()
  shell.stdin.on('error', () => {}) // it has ended; `exit` reports that
  shell.once('error', listener.failed)
  shell.once('exit', listener.ended)
  return {
    write: (text) => void shell.stdin.write(text),
    end: (text) => void shell.stdin.end(text),
  }
}
