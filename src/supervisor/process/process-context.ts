import type { BackupPlan } from '../../plan/model/backups.ts'
import type { ProcessPlan } from '../../plan/model/plan.ts'
import type { Log } from '../../shared/log.ts'
import type { Attempt, Owner } from '../backups/attempt.ts'
import type { GroupLedger } from '../leftovers/ledger.ts'
import type { OutputSink } from '../output/output-sink.ts'
import type { Exit } from '../spawn/exit.ts'
import type { State } from './machine.ts'

/** What a supervised process needs from its supervisor. */
export interface ProcessContext {
  readonly output: OutputSink
  readonly log: Log
  /** Names of the dependencies whose condition is not met now. */
  unmet(plan: ProcessPlan): readonly string[]
  /** The same, for all direct and indirect dependencies. */
  unmetBelow(plan: ProcessPlan): readonly string[]
  /** Whether one of those has failed its last check, so that it may turn out not to be ready. */
  isInDoubtBelow(plan: ProcessPlan): boolean
  /** A free port of 127.0.0.1; see spare-ports.ts. */
  sparePort(): Promise<number>
  /** The plan with a setting for the memory that its program may use. */
  withMemoryHint(plan: ProcessPlan): ProcessPlan
  /** Begins the backup of one run. Rejects with Node's error if the folder cannot be written to. */
  beginBackup(plan: ProcessPlan, backup: BackupPlan, owner?: Owner): Promise<Attempt>
  /** Absent: if Gatehouse is killed, what ran cannot be found again. */
  readonly ledger?: GroupLedger
  /** Whether the kernel killed the process for memory; to be asked once for each exit. */
  killedForMemory(plan: ProcessPlan, exit: Exit): boolean
  /** The process changed its state, or whether it is ready. */
  changed(before: PreviousState): void
}

/** How a process was before it changed. */
export interface PreviousState {
  readonly state: State
  readonly ready: boolean
}
