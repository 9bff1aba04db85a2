/** Which recorded groups still run, and are ours beyond doubt: a stranger is never signalled. */
import { isOver, type KernelProcess, processTable, variablesOf } from '../group/process-table.ts'
import type { GroupRecord } from './record.ts'

/** Every program of a run has its id in its environment, and hands it on to its children. */
export const runVariable = 'GATEHOUSE_RUN'

export interface Recognized {
  readonly ours: readonly GroupRecord[]
  /** Their leaders are gone, and none of the rest says of which run it is. */
  readonly doubtful: readonly GroupRecord[]
}

export function recognize(records: readonly GroupRecord[]): Recognized {
  const table = processTable()
  const own = table.find(({ pid }) => pid === process.pid)?.group
  const running = records.filter(({ pid }) => pid !== own && membersOf(table, pid).some((one) => !isOver(one)))
  const ofWhom = Object.groupBy(running, (record) => whose(record, table))
  return { ours: ofWhom.ours ?? [], doubtful: ofWhom.doubtful ?? [] }
}

function whose({ pid, started, run }: GroupRecord, table: readonly KernelProcess[]): 'ours' | 'doubtful' | 'strangers' {
  const leader = table.find((one) => one.pid === pid)
  if (leader) return leader.started === started ? 'ours' : 'strangers'
  // The kernel gives no pid away while it is the id of a group. So these are what our leader left behind, unless the whole
  // group went, another took its number and left members behind itself.
  return membersOf(table, pid).some((one) => isOfRun(one, run)) ? 'ours' : 'doubtful'
}

function membersOf(table: readonly KernelProcess[], group: number): readonly KernelProcess[] {
  return table.filter((one) => one.group === group)
}

function isOfRun({ pid }: KernelProcess, run: string): boolean {
  return variablesOf(pid).includes(`${runVariable}=${run}`)
}
