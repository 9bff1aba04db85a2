/** A command of the operator's that is run to its end: a hook, not a process of the plan. */

import { formatDuration, type Milliseconds } from '../shared/time/duration.ts'
import { setTimeout } from '../shared/time/timer.ts'
import type { Listening } from './output/output-sink.ts'
import { Run } from './process/run.ts'
import { describeExit } from './spawn/exit.ts'
import type { Program } from './spawn/program.ts'
import { spawnGroup } from './spawn/spawn.ts'
import { climbDown } from './stop/stop.ts'

/** Between SIGTERM and SIGKILL, for whoever is left of the command's group when its time is over. */
const grace: Milliseconds = 1_000

/** What hears its output: each line at once, and what belongs together as one. */
export type CommandHearing = Pick<Listening, 'line' | 'record'>

export interface CommandLimits {
  readonly timeout: Milliseconds
  /** Ends it early. */
  readonly signal?: AbortSignal
}

export interface CommandEnd {
  /** Undefined: it exited 0 in time. Else why not, as a predicate; or why it could not be spawned. */
  readonly failure?: string
  readonly spawned: boolean
  /** Not spawned for want of something of this machine's: it may go better the next time. */
  readonly local?: true
  /** The last lines that it wrote. */
  readonly lastOutput: readonly string[]
}

/** Runs it in a group of its own, which is ended with it. Never rejects. */
export async function runCommand(
  program: Program,
  hear: CommandHearing,
  { timeout, signal }: CommandLimits,
): Promise<CommandEnd> {
  const spawned = spawnGroup(program, 'piped')
  if ('failed' in spawned) {
    const { reason, local } = await spawned.failed
    return { failure: reason, spawned: false, lastOutput: [], ...(local && { local }) }
  }
  const { child } = spawned
  const run = new Run(child, { multiline: undefined, ...hear })
  const ended = Promise.withResolvers<string | undefined>()
  const late = setTimeout(() => ended.resolve(`timed out after ${formatDuration(timeout)}`), timeout)
  const abandon = () => ended.resolve('did not finish before Gatehouse exited')
  signal?.addEventListener('abort', abandon, { once: true })
  if (signal?.aborted) abandon()
  void child.exited.then((exit) => ended.resolve(exit.code === 0 ? undefined : describeExit(exit)))
  const failure = await ended.promise
  clearTimeout(late)
  signal?.removeEventListener('abort', abandon)
  const ladder = climbDown(child, { signal: 'SIGTERM', grace, graceOver: () => ladder.kill() })
  await ladder.gone
  await run.outputRead()
  return { ...(failure !== undefined && { failure }), spawned: true, lastOutput: run.lastOutput }
}
