import type { BackupPlan } from '../../plan/model/backups.ts'
import type { ProcessPlan } from '../../plan/model/plan.ts'
import type { Log } from '../../shared/log.ts'
import type { Attempt, Owner } from '../backups/attempt.ts'
import type { GroupLedger } from '../leftovers/ledger.ts'
import type { OutputSink } from '../output/output-sink.ts'
import type { Exit } from '../spawn/exit.ts'
import type { State } from './machine.ts'

/** What a supervised process needs of the supervisor that it is part of. */
export interface ProcessContext {
  readonly output: OutputSink
  readonly log: Log
  /** Names of the dependencies whose condition is not met at this moment. */
  unmet(plan: ProcessPlan): readonly string[]
  /** The same, and of all that its dependencies depend on. */
  unmetBelow(plan: ProcessPlan): readonly string[]
  /** Whether one of those has failed its last check, and may turn out not to be ready. */
  isInDoubtBelow(plan: ProcessPlan): boolean
  /** A port of 127.0.0.1 that nobody has; see spare-ports.ts. */
  sparePort(): Promise<number>
  /** The plan with what its program should know of the memory that it may use. */
  withMemoryHint(plan: ProcessPlan): ProcessPlan
  /** For one run. Rejects with Node's error if nothing can be written there. */
  beginBackup(plan: ProcessPlan, backup: BackupPlan, owner?: Owner): Promise<Attempt>
  /** Absent: should we be killed, nobody will know what ran. */
  readonly ledger?: GroupLedger
  /** Whether the kernel killed the process that ended so; to be asked once for each end. */
  killedForMemory(plan: ProcessPlan, exit: Exit): boolean
  /** The process changed its state, or whether it is ready. */
  changed(before: Before): void
}

/** How a process was before it changed. */
export interface Before {
  readonly state: State
  readonly ready: boolean
}
