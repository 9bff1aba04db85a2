import { backupPlaceholder } from '../../plan/model/backups.ts'
import { chosenLater, withOwnPort } from '../../plan/model/own-port.ts'
import type { ProcessPlan } from '../../plan/model/plan.ts'
import { codeOf } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import { isDiskFull, isLocalFault } from '../../shared/system/local-fault.ts'
import type { Attempt, Owner } from '../backups/attempt.ts'
import { processVariable } from '../group/daemon.ts'
import { outOfPorts } from '../listen-ports/spare-ports.ts'
import { takenPort } from '../listen-ports/taken-port.ts'
import { descriptorsOf } from '../probe/announcement.ts'
import { identityOf } from '../rights/identity.ts'
import { RightsError } from '../rights/rights-error.ts'
import { oversize } from '../spawn/argument-size.ts'
import { programOf } from '../spawn/program.ts'
import { type Child, spawnGroup } from '../spawn/spawn.ts'
import type { SpawnFailure } from '../spawn/spawn-failure.ts'
import type { ProcessContext } from './process-context.ts'

/** What was found for a run before it. */
interface Prepared {
  /** With the port on which it serves. */
  readonly plan: ProcessPlan
  /** Of a task that makes one. */
  readonly backup?: Attempt
}

export interface Begun extends Prepared {
  readonly child: Child
}

export interface Starter {
  /** Asked after each wait: a stop may have come meanwhile, and even another start. Nothing is told any more if not. */
  isAwaited(): boolean
  started(begun: Begun): void
  failed(failure: SpawnFailure): void
}

/** Starts the program of a plan: at once, unless something must be found for it first. Tells once how that went. */
export function startProgram(plan: ProcessPlan, context: ProcessContext, starter: Starter): void {
  const { isAwaited, started, failed } = starter
  const spawn = ({ plan: placed, backup }: Prepared) => {
    const { ledger } = context
    const refused = oversize(placed)
    if (refused) {
      void backup?.discard()
      void Promise.resolve().then(() => isAwaited() && failed(refused))
      return
    }
    const program = programOf(context.withMemoryHint(withPath(placed, backup)))
    const environment = { ...program.environment, ...ledger?.mark, [processVariable]: plan.name }
    const spawned = spawnGroup({ ...program, environment }, 'piped', descriptorsOf(placed))
    if ('child' in spawned) {
      ledger?.began(placed, spawned.child.pid)
      tellOfSockets(spawned.child, context.log)
      started({ child: spawned.child, plan: placed, ...(backup && { backup }) })
    } else {
      void backup?.discard()
      void spawned.failed.then((failure) => isAwaited() && failed(failure))
    }
  }
  if (plan.port === undefined && !plan.backup) {
    spawn({ plan })
    return
  }
  void prepare(plan, context).then((found) => {
    if (!isAwaited()) {
      if ('plan' in found) void found.backup?.discard()
    } else if ('plan' in found) spawn(found)
    else failed(found)
  })
}

/** Once for each of our runs: it is a fault of the place, and every program has it. */
let toldOfSockets = false

function tellOfSockets({ withoutPipes }: Child, log: Log): void {
  if (withoutPipes === undefined || toldOfSockets) return
  toldOfSockets = true
  log.warn(
    `programs that open /dev/stdout or /dev/stderr by name will fail with ENXIO (nginx, Apache): cannot create named pipes in ${withoutPipes}; set TMPDIR to a folder that user ${process.geteuid?.()} can write to, such as a tmpfs`,
  )
}

async function prepare(plan: ProcessPlan, context: ProcessContext): Promise<Prepared | SpawnFailure> {
  const placed = await place(plan, context)
  if ('reason' in placed) return placed
  if (!plan.backup) return { plan: placed }
  try {
    return { plan: placed, backup: await context.beginBackup(plan, plan.backup, ownerOf(plan)) }
  } catch (error) {
    const reason = `backup: cannot write to its backup folder (${codeOf(error)})`
    // A disk that stays full is for the operator to see: as a task that failed.
    const local = isLocalFault(error) && !isDiskFull(error)
    return { reason, exitCode: 126, transient: true, ...(local && { local }) }
  }
}

/** With a port that is its own: a spare one, or that of the plan if nobody else has it. */
async function place(plan: ProcessPlan, context: ProcessContext): Promise<ProcessPlan | SpawnFailure> {
  if (plan.port === undefined) return plan
  if (plan.port !== chosenLater) return (await takenPort(plan.port)) ?? plan
  const port = await context.sparePort().catch(outOfPorts)
  return typeof port === 'object' ? port : withOwnPort(plan, port)
}

/** The user under which it will run, if it is another than ours. One that there is not is told of by the spawn. */
function ownerOf({ rights }: ProcessPlan): Owner | undefined {
  if (!rights?.user) return undefined
  try {
    const { uid, gid } = identityOf(rights.user)
    return uid === process.geteuid?.() ? undefined : { uid, gid }
  } catch (error) {
    if (error instanceof RightsError) return undefined
    throw error
  }
}

function withPath(plan: ProcessPlan, backup: Attempt | undefined): ProcessPlan {
  const { path } = backup ?? {}
  if (path === undefined) return plan
  // As a function: `$&` in a path would otherwise mean the placeholder.
  return { ...plan, command: plan.command.map((word) => word.replaceAll(backupPlaceholder, () => path)) }
}
