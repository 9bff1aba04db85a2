/**
 * The operator's command that sets and clears TXT records, with which we prove to an ACME server that a domain is ours.
 */
import type { DnsHookPlan } from '../../plan/model/plan.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import type { OutputSink } from '../output/output-sink.ts'
import { type CommandOutput, runCommand } from '../run-command.ts'

/** The command may wait until the record has propagated. */
const timeout: Milliseconds = 300_000

/**
 * Runs the command with these arguments appended. Rejects with the reason and the last line of its output, unless it
 * exits with 0 in time. Its output goes to the log as `dns-hook`.
 */
export async function runDnsHook(
  { run, directory, environment }: DnsHookPlan,
  words: readonly string[],
  output: OutputSink,
): Promise<void> {
  const lines: CommandOutput = {
    line: (stream, text) => output.line('dns-hook', stream, text),
    record: (stream, text) => output.record('dns-hook', stream, text),
  }
  const program = { command: [...run, ...words], directory, environment }
  const { failure, spawned, lastOutput } = await runCommand(program, lines, { timeout })
  if (failure === undefined) return
  const last = lastOutput.at(-1)
  throw new Error(`the dns hook${spawned ? '' : ':'} ${failure}${last === undefined ? '' : `: ${last}`}`)
}
