import type { HookPlan } from '../../plan/model/hooks.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { sleep } from '../../shared/time/timer.ts'
import type { SupervisorEvent } from '../events/events.ts'
import type { OutputSink } from '../output/output-sink.ts'
import { type CommandOutput, runCommand } from '../run-command.ts'
import { hookVariables } from './message.ts'
import { shortageRetries } from './shortage-retries.ts'

/** Takes the output of commands, as that of a process `hook`. */
export type HookOutput = Pick<OutputSink, 'record'>

type Command = Extract<HookPlan['call'], { readonly kind: 'run' }>

/**
 * Runs a command in its own group, which is stopped with it. Its output goes to the log. Resolves with undefined if it
 * exits with 0 in time, else with the reason. Never rejects.
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
  const lines: CommandOutput = { line() {}, record: (stream, text) => output.record('hook', stream, text) }
  for (let tries = 1; ; tries += 1) {
    const { failure, local } = await runCommand(program, lines, { timeout, signal })
    if (!local || signal.aborted || tries === shortageRetries.most) return failure
    await sleep(shortageRetries.pause, undefined, { signal }).catch(() => {})
  }
}
