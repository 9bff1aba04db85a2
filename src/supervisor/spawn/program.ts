/** What is really executed: a program as the plan has it, fitted to the place in which it will run. */

import type { ProcessPlan } from '../../plan/model/plan.ts'
import type { WrittenCommand } from '../../plan/model/processes.ts'
import type { RightsPlan } from '../../plan/model/rights.ts'

/** What to run, where, and all that it sees of the environment. */
export interface Program {
  readonly command: readonly string[]
  /** Absolute. */
  readonly directory: string
  readonly environment: Readonly<Record<string, string>>
  /** What to say of its name and directory; absent: themselves. */
  readonly written?: Omit<WrittenCommand, 'command'>
  /** Absent: ours. */
  readonly rights?: RightsPlan
}

/** A command, and what to say of its program. */
interface Command {
  readonly command: readonly string[]
  readonly written?: string | undefined
}

/** `run`: another one that is to see the same surroundings, such as that of a probe. */
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
