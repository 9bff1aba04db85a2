/** Finds the recorded groups that still run and are certainly ours: a stranger is never signalled. */
import { isOver, type KernelProcess, processTable, variablesOf } from '../group/process-table.ts'
import type { GroupRecord } from './record.ts'

/** The variable with the id of the run, in the environment of every program and its children. */
export const runVariable = 'GATEHOUSE_RUN'

export interface Recognized {
  readonly ours: readonly GroupRecord[]
  /** Their leaders are gone, and no member has the id of the run. */
  readonly doubtful: readonly GroupRecord[]
}

export function recognize(records: readonly GroupRecord[]): Recognized {
  const table = processTable()
  const own = table.find(({ pid }) => pid === process.pid)?.group
  const running = records.filter(({ pid }) => pid !== own && membersOf(table, pid).some((one) => !isOver(one)))
  const byOwner = Object.groupBy(running, (record) => ownerOf(record, table))
  return { ours: byOwner.ours ?? [], doubtful: byOwner.doubtful ?? [] }
}

function ownerOf({ pid, started, run }: GroupRecord, table: readonly KernelProcess[]): 'ours' | 'doubtful' | 'foreign' {
  const leader = table.find((one) => one.pid === pid)
  if (leader) return leader.started === started ? 'ours' : 'foreign'
  // The kernel does not reuse a pid while it is the id of a group. So these are what our leader left behind, unless the
  // whole group ended and another leader got the pid, which is gone as well.
  return membersOf(table, pid).some((one) => isOfRun(one, run)) ? 'ours' : 'doubtful'
}

function membersOf(table: readonly KernelProcess[], group: number): readonly KernelProcess[] {
  return table.filter((one) => one.group === group)
}

function isOfRun({ pid }: KernelProcess, run: string): boolean {
  return variablesOf(pid).includes(`${runVariable}=${run}`)
}
