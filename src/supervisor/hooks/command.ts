import type { HookPlan } from '../../plan/hooks.ts'
import { formatDuration, type Milliseconds } from '../../shared/duration.ts'
import type { SupervisorEvent } from '../events.ts'
import { describeExit } from '../exit.ts'
import type { OutputSink } from '../ports.ts'
import { Run } from '../run.ts'
import { spawnGroup } from '../spawn.ts'
import { climbDown } from '../stop.ts'
import { hookVariables } from './message.ts'

/** Between SIGTERM and SIGKILL, for whoever is left of the command's group when its time is over. */
const grace: Milliseconds = 1_000

/** Takes what commands write, as the output of a process `hook`. */
export type HookOutput = Pick<OutputSink, 'record'>

type Command = Extract<HookPlan['call'], { readonly kind: 'run' }>

/**
 * Runs a command in a group of its own, which is ended with it. Its output goes to the log. Resolves with undefined if it
 * exits 0 in time, else with why not. Never rejects.
 */
export async function runHookCommand(
  { command, written, directory, environment }: Command,
  event: SupervisorEvent,
  {
    output,
    signal,
    timeout,
  }: { readonly output: HookOutput; readonly signal: AbortSignal; readonly timeout: Milliseconds },
): Promise<string | undefined> {
  const program = {
    command,
    directory,
    environment: { ...environment, ...hookVariables(event) },
    ...(written !== undefined && { written: { program: written } }),
  }
  const spawned = spawnGroup(program, 'piped')
  if ('failed' in spawned) return (await spawned.failed).reason
  const { child } = spawned
  const run = new Run(child, {
    multiline: undefined,
    line() {},
    record: (stream, text) => output.record('hook', stream, text),
  })
  const ended = Promise.withResolvers<string | undefined>()
  const late = setTimeout(() => ended.resolve(`was not done within ${formatDuration(timeout)}`), timeout)
  const abandon = () => ended.resolve('was not done when gatehouse ended')
  signal.addEventListener('abort', abandon, { once: true })
  if (signal.aborted) abandon()
  void child.exited.then((exit) => ended.resolve(exit.code === 0 ? undefined : describeExit(exit)))
  const failure = await ended.promise
  clearTimeout(late)
  signal.removeEventListener('abort', abandon)
  const ladder = climbDown(child, { signal: 'SIGTERM', grace, graceOver: () => ladder.kill() })
  await ladder.gone
  await run.outputRead()
  return failure
}
