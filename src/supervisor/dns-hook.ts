/** The operator's command that sets and clears TXT records, for proving to an ACME server that a name is ours. */
import type { DnsHookPlan } from '../plan/types.ts'
import { formatDuration, type Milliseconds } from '../shared/duration.ts'
import { describeExit } from './exit.ts'
import type { OutputSink } from './ports.ts'
import { Run } from './run.ts'
import { spawnGroup } from './spawn.ts'
import { climbDown } from './stop.ts'

/** It may wait until the record can be seen everywhere. */
const patience: Milliseconds = 300_000
const grace: Milliseconds = 1_000

/**
 * Runs the command with these further words. Rejects with the reason, and the last line that it wrote, unless it exits 0 in
 * time. Its output goes to the log as `dns-hook`.
 */
export async function runDnsHook(
  { run: command, directory, environment }: DnsHookPlan,
  words: readonly string[],
  output: OutputSink,
): Promise<void> {
  const spawned = spawnGroup({ command: [...command, ...words], directory, environment }, 'piped')
  if ('failed' in spawned) throw new Error(`the dns hook: ${(await spawned.failed).reason}`)
  const { child } = spawned
  const run = new Run(child, {
    multiline: undefined,
    line: (stream, text) => output.line('dns-hook', stream, text),
    record: (stream, text) => output.record('dns-hook', stream, text),
  })
  const late = Promise.withResolvers<string>()
  const timer = setTimeout(() => late.resolve(`was not done within ${formatDuration(patience)}`), patience)
  const failure = await Promise.race([
    late.promise,
    child.exited.then((exit) => (exit.code === 0 ? undefined : describeExit(exit))),
  ])
  clearTimeout(timer)
  const ladder = climbDown(child, { signal: 'SIGTERM', grace, graceOver: () => ladder.kill() })
  await ladder.gone
  await run.outputRead()
  const last = run.lastOutput.at(-1)
  if (failure !== undefined) throw new Error(`the dns hook ${failure}${last === undefined ? '' : `: ${last}`}`)
}
