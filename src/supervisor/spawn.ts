/** The one place where processes are born. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import type { Readable } from 'node:stream'
import type { Exit } from './exit.ts'
import { openPipes } from './pipe.ts'
import type { Program } from './program.ts'
import { explainSpawnFailure, type SpawnFailure } from './spawn-failure.ts'

export interface Child {
  /** Of the process, and the id of its group. */
  readonly pid: number
  /** Null if its output is not wanted. */
  readonly stdout: Readable | null
  readonly stderr: Readable | null
  /** It ended and was reaped. Members of its group may live on, and output may still be on its way. */
  readonly exited: Promise<Exit>
}

export type Spawned = { readonly child: Child } | { readonly failed: Promise<SpawnFailure> }

/**
 * Starts a program as the leader of a new session and process group, so that a signal to the group reaches all its
 * descendants (but those that leave it by themselves), and Ctrl-C at our terminal reaches none of them. Never throws.
 */
export function spawnGroup(program: Program, output: 'piped' | 'ignored'): Spawned {
  const [file = '', ...words] = program.command
  const pipes = output === 'piped' ? openPipes(makeFifos) : undefined
  const stream = output === 'piped' ? 'pipe' : 'ignore'
  const [out, err] = pipes?.ends ?? ([stream, stream] as const)
  let child: ChildProcess
  try {
    child = spawn(file, words, {
      cwd: program.directory,
      env: program.environment,
      detached: true,
      stdio: ['ignore', out, err],
    })
  } catch (error) {
    // Some failures come as an event, others are thrown (arguments too long, a NUL in them, no memory).
    pipes?.abandon()
    return { failed: Promise.resolve(explainSpawnFailure(program, error)) }
  } finally {
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
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }))
  })
  return { child: { pid, stdout, stderr, exited } }
}

/** Writable by all, in a folder that only we can enter: a child that changed its user may still open its own /dev/stdout. */
function makeFifos(paths: readonly string[]): boolean {
  return spawnSync('mkfifo', ['-m', '622', ...paths], { stdio: 'ignore' }).status === 0
}
