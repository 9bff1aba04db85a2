/** Runs a command to its end: one that is not a process of the plan, such as a hook. */

import { formatDuration, type Milliseconds } from '../shared/time/duration.ts'
import { setTimeout } from '../shared/time/timer.ts'
import type { OutputListener } from './output/output-sink.ts'
import { Run } from './process/run.ts'
import { describeExit } from './spawn/exit.ts'
import type { Program } from './spawn/program.ts'
import { spawnGroup } from './spawn/spawn.ts'
import { stopGroup } from './stop/stop.ts'

/** Between SIGTERM and SIGKILL, for what is left of the command's group. */
const grace: Milliseconds = 1_000

/** Takes its output: each line at once, and lines that belong together as one record. */
export type CommandOutput = Pick<OutputListener, 'line' | 'record'>

export interface CommandLimits {
  readonly timeout: Milliseconds
  /** Ends it early. */
  readonly signal?: AbortSignal
}

export interface CommandEnd {
  /** Undefined: it exited with 0 in time. Else the reason, as a predicate; or why it could not be spawned. */
  readonly failure?: string
  readonly spawned: boolean
  /** Not spawned because this machine is short of a resource: the next attempt may succeed. */
  readonly local?: true
  /** The last lines that it wrote. */
  readonly lastOutput: readonly string[]
}

/** Runs it in its own group, which is stopped when its first process has ended. Never rejects. */
export async function runCommand(
  program: Program,
  output: CommandOutput,
  { timeout, signal }: CommandLimits,
): Promise<CommandEnd> {
  const spawned = spawnGroup(program, 'piped')
  if ('failed' in spawned) {
    const { reason, local } = await spawned.failed
    return { failure: reason, spawned: false, lastOutput: [], ...(local && { local }) }
  }
  const { child } = spawned
  const run = new Run(child, { multiline: undefined, ...output })
  const ended = Promise.withResolvers<string | undefined>()
  const late = setTimeout(() => ended.resolve(`timed out after ${formatDuration(timeout)}`), timeout)
  const abandon = () => ended.resolve('did not finish before Gatehouse exited')
  signal?.addEventListener('abort', abandon, { once: true })
  if (signal?.aborted) abandon()
  void child.exited.then((exit) => ended.resolve(exit.code === 0 ? undefined : describeExit(exit)))
  const failure = await ended.promise
  clearTimeout(late)
  signal?.removeEventListener('abort', abandon)
  const stop = stopGroup(child, { signal: 'SIGTERM', grace, graceOver: () => stop.kill() })
  await stop.gone
  await run.outputRead()
  return { ...(failure !== undefined && { failure }), spawned: true, lastOutput: run.lastOutput }
}
