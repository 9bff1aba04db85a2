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
import { sizeFailure } from '../spawn/argument-size.ts'
import { programOf } from '../spawn/program.ts'
import { type Child, spawnGroup } from '../spawn/spawn.ts'
import type { SpawnFailure } from '../spawn/spawn-failure.ts'
import type { ProcessContext } from './process-context.ts'

/** What was prepared for a run. */
interface Prepared {
  /** With the port on which it serves. */
  readonly plan: ProcessPlan
  /** For a task that makes backups. */
  readonly backup?: Attempt
}

export interface StartedProgram extends Prepared {
  readonly child: Child
}

export interface StartListener {
  /** Checked after each wait: if a stop, or even another start, came meanwhile, neither of the others is called. */
  isAwaited(): boolean
  started(program: StartedProgram): void
  failed(failure: SpawnFailure): void
}

/**
 * Starts the program of a plan: at once, unless a port or a backup must be prepared first. Calls `started` or `failed`
 * once.
 */
export function startProgram(plan: ProcessPlan, context: ProcessContext, listener: StartListener): void {
  const { isAwaited, started, failed } = listener
  const spawn = ({ plan: placed, backup }: Prepared) => {
    const { ledger } = context
    const refused = sizeFailure(placed)
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
      warnOfSockets(spawned.child, context.log)
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

/** Warned once: it concerns the machine, and all programs alike. */
let warnedOfSockets = false

function warnOfSockets({ withoutPipes }: Child, log: Log): void {
  if (withoutPipes === undefined || warnedOfSockets) return
  warnedOfSockets = true
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
    // A disk that stays full must be seen by the operator: as a failed task.
    const local = isLocalFault(error) && !isDiskFull(error)
    return { reason, exitCode: 126, transient: true, ...(local && { local }) }
  }
}

/**
 * The plan with the port of this run: a free one for `port: auto`, else that of the plan unless another program has it.
 */
async function place(plan: ProcessPlan, context: ProcessContext): Promise<ProcessPlan | SpawnFailure> {
  if (plan.port === undefined) return plan
  if (plan.port !== chosenLater) return (await takenPort(plan.port)) ?? plan
  const port = await context.sparePort().catch(outOfPorts)
  return typeof port === 'object' ? port : withOwnPort(plan, port)
}

/** The user that the program will run as, if it is not ours. A missing user is reported by the spawn. */
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
  // A function, since `$&` in a path would insert the placeholder.
  return { ...plan, command: plan.command.map((word) => word.replaceAll(backupPlaceholder, () => path)) }
}
