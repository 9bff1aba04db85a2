/** What is executed: the program of a plan, or a command that runs beside it. */

import type { ProcessPlan } from '../../plan/model/plan.ts'
import type { WrittenCommand } from '../../plan/model/processes.ts'
import type { RightsPlan } from '../../plan/model/rights.ts'

/** What to run, where, and with which environment. */
export interface Program {
  readonly command: readonly string[]
  /** Absolute. */
  readonly directory: string
  readonly environment: Readonly<Record<string, string>>
  /** Its name and directory as they may be logged; absent: themselves. */
  readonly written?: Omit<WrittenCommand, 'command'>
  /** Absent: ours. */
  readonly rights?: RightsPlan
}

/** A command, and its program as it may be logged. */
interface Command {
  readonly command: readonly string[]
  readonly written?: string | undefined
}

/** `run`: another command with the same directory, environment and rights, such as that of a probe. */
export function programOf(
  plan: ProcessPlan,
  run: Command = { command: plan.command, written: plan.written?.program },
): Program {
  const { directory, environment, rights } = plan
  const written = {
    ...(run.written !== undefined && { program: run.written }),
    ...(plan.written?.directory !== undefined && { directory: plan.written.directory }),
  }
  return { command: run.command, directory, environment, written, ...(rights && { rights }) }
}
