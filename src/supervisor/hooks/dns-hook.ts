/** The operator's command that sets and clears TXT records, for proving to an ACME server that a name is ours. */
import type { DnsHookPlan } from '../../plan/model/plan.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import type { OutputSink } from '../output/output-sink.ts'
import { type CommandHearing, runCommand } from '../run-command.ts'

/** It may wait until the record can be seen everywhere. */
const timeout: Milliseconds = 300_000

/**
 * Runs the command with these further words. Rejects with the reason, and the last line that it wrote, unless it exits 0 in
 * time. Its output goes to the log as `dns-hook`.
 */
export async function runDnsHook(
  { run, directory, environment }: DnsHookPlan,
  words: readonly string[],
  output: OutputSink,
): Promise<void> {
  const hear: CommandHearing = {
    line: (stream, text) => output.line('dns-hook', stream, text),
    record: (stream, text) => output.record('dns-hook', stream, text),
  }
  const program = { command: [...run, ...words], directory, environment }
  const { failure, spawned, lastOutput } = await runCommand(program, hear, { timeout })
  if (failure === undefined) return
  const last = lastOutput.at(-1)
  throw new Error(`the dns hook${spawned ? '' : ':'} ${failure}${last === undefined ? '' : `: ${last}`}`)
}
