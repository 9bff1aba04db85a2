/** The one place where processes are born. */
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
  /** Null if its output is not wanted. */
  readonly stdout: Readable | null
  readonly stderr: Readable | null
  /** Why its stdout and stderr are sockets, which it cannot open by name. */
  readonly withoutPipes?: string
  /** What it writes to further file descriptors, by their numbers. */
  readonly notifications: ReadonlyMap<number, Readable>
  /** It ended and was reaped. Members of its group may live on, and output may still be on its way. */
  readonly exited: Promise<Exit>
}

export type Spawned = { readonly child: Child } | { readonly failed: Promise<SpawnFailure> }

/** Those of `spawnGroup` that live, each the leader of its own session. */
const leaders = new Set<number>()

/** Told from an orphan that was given to us as PID 1, which is our child as well. */
export function isLeaderOfOurs(pid: number): boolean {
  return leaders.has(pid)
}

/**
 * Starts a program as the leader of a new session and process group, so that a signal to the group reaches all its
 * descendants (but those that leave it by themselves), and Ctrl-C at our terminal reaches none of them. Never throws.
 * `descriptors`: further ones, from 3 on, that it can write to.
 *
 * A umask can only be inherited. While Node spawns (which is over when `spawn` returns) it is that of our other threads as well,
 * but no process but this one is born under it, and it can do their files no harm: each names its mode, of which a mask
 * takes away and adds nothing, and the schema lets none take from the owner.
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

/** What stands at 3, 4, … of the child's table of descriptors: nothing where none was asked for (libuv skips what is ignored from 3 on). */
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

/** Writable by all, in a folder that only we can enter: a child that changed its user may still open its own /dev/stdout. */
function makeFifos(paths: readonly string[]): boolean {
  const mkfifo = toolPath('mkfifo')
  return mkfifo !== undefined && succeeds(mkfifo, ['-m', '622', ...paths])
}

/** Runs a small tool of the system's to its end, which takes some milliseconds, and says whether it went well. */
export function succeeds(file: string, words: readonly string[]): boolean {
  return spawnSync(file, words, { stdio: 'ignore', env: {} }).status === 0
}

export interface GuardianProcess {
  write(text: string): void
  end(text: string): void
}

/**
 * Starts a shell in a session of its own that reads from a pipe whose other end nobody but us holds. It keeps neither us nor our output
 * alive. `failed`: there is no shell; `ended`: it is gone.
 */
export function spawnGuardian(
  script: string,
  words: readonly string[],
  told: { failed(error: Error): void; ended(): void },
): GuardianProcess {
  const shell = spawn('/bin/sh', ['-c', script, 'gatehouse-guardian', ...words], {
    cwd: '/',
    env: { PATH: systemPath },
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  shell.unref()
  ;(shell.stdin as Socket).unref()
  shell.stdin.on('error', () => {}) // it is gone, which is told by its exit
  shell.once('error', told.failed)
  shell.once('exit', told.ended)
  return {
    write: (text) => void shell.stdin.write(text),
    end: (text) => void shell.stdin.end(text),
  }
}
