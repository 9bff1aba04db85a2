import type { ProcessPlan } from '../plan/types.ts'
import type { Log } from '../shared/log.ts'
import type { State } from './machine.ts'
import type { OutputSink } from './ports.ts'
import type { SupervisedProcess } from './process.ts'

/** What a supervised process needs of the supervisor that it is part of. */
export interface Surroundings {
  readonly output: OutputSink
  readonly log: Log
  /** Names of the dependencies whose condition is not met at this moment. */
  unmet(plan: ProcessPlan): readonly string[]
  /** Its state changed, or whether it is ready. */
  changed(process: SupervisedProcess, from: State): void
}
