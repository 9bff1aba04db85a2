import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Gatehouse } from '../../e2e/support/gatehouse.ts'
import { runningProcesses } from '../../e2e/support/processes.ts'

const fixtures = join(import.meta.dirname, '../../fixtures/programs')

/** Programs that outlive a Gatehouse that is killed, each in its way; lines of `processes`. */
export const hardToEnd = `  stubborn:
    command: [node, ${fixtures}/ignores-sigterm.js, --grandchild]
    ready: { log: "^ready$" }
    stop: { grace: 300ms }
  orphaning:
    # Its leader dies of SIGPIPE when Gatehouse is gone; what it started lives on, without its output.
    command: [sh, -c, "sleep 600 >/dev/null 2>&1 & echo up; while sleep 0.02; do echo tick; done"]
    ready: { log: "^up$" }
`

/**
 * The pids of the shells that are to end what this Gatehouse leaves behind; found by the id of the run in its record.
 */
export function guardiansOf({ file }: Gatehouse): readonly number[] {
  const run = runOf(dirname(file))
  return runningProcesses().flatMap(({ pid, command }) => (command.includes(`gatehouse-guardian ${run}`) ? [pid] : []))
}

const runs = new Map<string, string>()

/** Remembered, since an end in order removes the record. */
function runOf(folder: string): string {
  try {
    const { groups } = JSON.parse(readFileSync(`${folder}/control.sock.groups`, 'utf8'))
    runs.set(folder, groups.at(-1).run)
  } catch {}
  const run = runs.get(folder)
  if (run === undefined) throw new Error('it has no record of what it runs')
  return run
}

/** As if the whole machine's memory had been wanted: Gatehouse and its guardian are gone at once. */
export async function killWithGuardian(gatehouse: Gatehouse): Promise<void> {
  for (const pid of guardiansOf(gatehouse)) process.kill(pid, 'SIGKILL')
  gatehouse.signal('SIGKILL')
  await gatehouse.exit
}

export async function until(check: () => boolean): Promise<void> {
  const ends = performance.now() + 15_000
  while (!check()) {
    if (performance.now() > ends) throw new Error('it did not come to that within 15 s')
    await sleep(20)
  }
}
