/** What is really executed: a program as the plan has it, fitted to the place in which it will run. */
import type { RightsPlan } from '../plan/rights.ts'
import type { ProcessPlan } from '../plan/types.ts'

/** What to run, where, and all that it sees of the environment. */
export interface Program {
  readonly command: readonly string[]
  /** Absolute. */
  readonly directory: string
  readonly environment: Readonly<Record<string, string>>
  /** Absent: ours. */
  readonly rights?: RightsPlan
}

/** `command`: another one that is to see the same surroundings, such as that of a probe. */
export function programOf(plan: ProcessPlan, command: readonly string[] = plan.command): Program {
  const { directory, environment, rights } = plan
  return { command, directory, environment, ...(rights && { rights }) }
}
