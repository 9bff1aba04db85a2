/**
 * Changes from one plan to the next: stops what was removed or needs a new process, starts what is new, adjusts the
 * rest.
 */
import { isDeepStrictEqual } from 'node:util'
import {
  changedVariables,
  changeWords,
  needsRestart,
  type ProcessChange,
  processChanges,
} from '../plan/diff/process-changes.ts'
import type { ProcessPlan } from '../plan/model/plan.ts'
import type { Log } from '../shared/log.ts'
import { Slices } from '../shared/slices.ts'
import type { AppliedChanges, PlannedChange } from './applied.ts'
import type { SupervisedProcess } from './process/process.ts'
import type { ProcessSet } from './process-set.ts'
import { canRoll } from './rolling/roll.ts'
import type { Rolls } from './rolling/rolls.ts'
import { StopDeadline, stopInReverse } from './stop/stop-order.ts'

/** What a change of plans needs of the supervisor. */
export interface ChangeContext {
  readonly processes: ProcessSet
  readonly rolls: Rolls
  readonly log: Log
  create(plan: ProcessPlan): SupervisedProcess
  /** Starts these new ones, and schedules the tasks of the plan in force. */
  begin(created: readonly SupervisedProcess[]): void
  /** This process is supervised by another plan than before. */
  adopted(process: SupervisedProcess): void
  /** `before` the start, processes are only exchanged; once it is `over`, none is created any more. */
  phase(): 'before' | 'running' | 'over'
}

interface Change {
  readonly after: ProcessPlan
  readonly changes: readonly ProcessChange[]
}

interface Difference {
  readonly came: readonly ProcessPlan[]
  readonly went: readonly ProcessPlan[]
  readonly same: readonly ProcessPlan[]
  /** These need a new process; the others do not. */
  readonly replaced: readonly Change[]
  readonly adjusted: readonly Change[]
  /** Only how they are written in the file changed (`written`). */
  readonly reworded: readonly ProcessPlan[]
}

export async function changeOver(context: ChangeContext, next: readonly ProcessPlan[]): Promise<AppliedChanges> {
  const { processes, rolls, log } = context
  await rolls.keepOnly(next)
  const { came, went, same, replaced, adjusted, reworded } = await difference(context, next)
  for (const { after, changes } of [...replaced, ...adjusted]) log.info(changeWords(changes), { process: after.name })
  const before = processes.byName
  const [rolling, restarted] = partition(replaced, ({ after }) => canRoll(before.get(after.name), after))
  const ending = new Set([...went.map(nameOf), ...restarted.map(nameOfChange)])
  // All of them first: a new process may need the port or the lock of an old one.
  await stopInReverse(
    [...before.values()].filter(({ plan }) => ending.has(plan.name)),
    new StopDeadline(),
  )
  if (context.phase() === 'over')
    return { started: [], stopped: [...ending], restarted: [], unchanged: same.map(nameOf) }
  const created: SupervisedProcess[] = []
  const present = processes.byName
  processes.set(
    next.map((plan) => {
      const kept = ending.has(plan.name) ? undefined : present.get(plan.name)
      const process = kept ?? context.create(plan)
      if (!kept) created.push(process)
      return process
    }),
  )
  for (const plan of [...adjusted.map(({ after }) => after), ...reworded]) adopt(context, plan)
  // Before those that wait for them, which would find their dependencies down for good.
  const revived = context.phase() === 'running' ? revive(context, created) : []
  if (context.phase() === 'running') context.begin(created)
  const kept = rolling.map(({ after }) => rolls.begin(processes.byName.get(after.name) as SupervisedProcess, after))
  processes.reconcile()
  return {
    started: came.map(nameOf),
    stopped: went.map(nameOf),
    restarted: restarted.map(nameOfChange),
    unchanged: same.map(nameOf),
    ...(adjusted.length > 0 && { adjusted: adjusted.map(nameOfChange) }),
    ...(revived.length > 0 && { revived }),
    ...(rolling.length > 0 && {
      rolling: { processes: rolling.map(nameOfChange), kept: Promise.all(kept).then((lists) => lists.flat()) },
    }),
  }
}

/** What `changeOver` would do, in words; nothing is changed. */
export async function planned(context: ChangeContext, next: readonly ProcessPlan[]): Promise<readonly PlannedChange[]> {
  const { came, went, replaced, adjusted } = await difference(context, next)
  const words = ({ after, changes }: Change) => {
    const rolls = needsRestart(changes) && canRoll(context.processes.byName.get(after.name), after)
    return {
      process: after.name,
      words: changeWords(changes) + (rolls ? '; keeps serving until its successor is ready' : ''),
    }
  }
  return [
    ...went.map(({ name }) => ({ process: name, words: 'stops, because it was removed from the file' })),
    ...replaced.map(words),
    ...adjusted.map(words),
    ...came.map(({ name }) => ({ process: name, words: 'starts, because it is new' })),
  ]
}

async function difference({ processes, rolls }: ChangeContext, next: readonly ProcessPlan[]): Promise<Difference> {
  const slices = new Slices()
  const before = new Map(
    [...processes.byName.values()].map(({ plan }) => [plan.name, rolls.successorOf(plan.name)?.plan ?? plan]),
  )
  const names = new Set(next.map(nameOf))
  const went = [...before.values()].filter(({ name }) => !names.has(name))
  const came: ProcessPlan[] = []
  const same: ProcessPlan[] = []
  const reworded: ProcessPlan[] = []
  const replaced: Change[] = []
  const adjusted: Change[] = []
  for (const after of next) {
    await slices.next()
    const old = before.get(after.name)
    const variables = old && (await slices.of(changedVariables(old.environment, after.environment)))
    const changes = old ? processChanges(old, after, variables) : []
    if (!old) came.push(after)
    else if (needsRestart(changes)) replaced.push({ after, changes })
    else if (changes.length > 0) adjusted.push({ after, changes })
    else if (isDeepStrictEqual(old.written, after.written)) same.push(after)
    else reworded.push(after)
  }
  return { came, went, same: [...same, ...reworded], replaced, adjusted, reworded }
}

function adopt({ processes, rolls, adopted }: ChangeContext, plan: ProcessPlan): void {
  const process = rolls.successorOf(plan.name) ?? processes.byName.get(plan.name)
  if (!process) return
  const wasScheduled = process.plan.schedule !== undefined
  process.adopt(plan)
  adopted(process)
  // A task without a schedule runs once, at the start, which is now.
  if (wasScheduled && !plan.schedule && process.state === 'stopped') process.start()
}

/**
 * Restarts what failed for good, since the change may have fixed the cause and others may be waiting for it; and
 * services that have ended as their old policy allowed.
 */
function revive({ processes, log }: ChangeContext, created: readonly SupervisedProcess[]): readonly string[] {
  const owed = [...processes.byName.values()].filter((process) => {
    const { plan, state, finalFailure } = process
    if (created.includes(process) || plan.schedule) return false
    return finalFailure || (state === 'exited' && plan.kind === 'service' && plan.restart.policy === 'always')
  })
  for (const process of owed) {
    log.info('starting again; its earlier failures no longer count', { process: process.plan.name })
    process.start()
  }
  return owed.map(({ plan }) => plan.name)
}

function partition<T>(items: readonly T[], belongs: (item: T) => boolean): readonly [T[], T[]] {
  return [items.filter(belongs), items.filter((item) => !belongs(item))]
}

function nameOf({ name }: { readonly name: string }): string {
  return name
}

function nameOfChange({ after }: Change): string {
  return after.name
}
