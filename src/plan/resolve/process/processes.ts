import { applyLayers } from '../../../config/environment/environment.ts'
import type { ProcessConfig } from '../../../config/schema/process/process.ts'
import { dependencyGraph } from '../../graph/dependency-graph.ts'
import { startOrder } from '../../graph/graph.ts'
import { launchBounds, launchSize } from '../../launch-size.ts'
import { chosenLater, portPlaceholder, withOwnPort } from '../../model/own-port.ts'
import type { Dependency, ProcessPlan, SchedulePlan } from '../../model/plan.ts'
import { resolveRights, withoutAccount } from '../../model/rights.ts'
import { namedInFull } from '../own-secrets.ts'
import { absolute, keyPosition, type PlanContext } from '../plan-context.ts'
import { withWritten } from '../written.ts'
import { resolveBackup } from './backup.ts'
import { inherited } from './inherited.ts'
import { resolveOutput } from './output.ts'
import { resolveProbes } from './probes.ts'
import { resolveRestart, rollingReadiness } from './restart.ts'
import { resolveStop } from './stop.ts'

/** The processes in dependency order. Only for a config that passed every check. */
export function resolveProcesses(context: PlanContext): readonly ProcessPlan[] {
  const plans = new Map(
    Object.entries(context.config.processes).map(([name, process]) => [name, resolveProcess(context, name, process)]),
  )
  return startOrder(dependencyGraph(context)).flatMap((name) => plans.get(name) ?? [])
}

function resolveProcess(context: PlanContext, name: string, process: ProcessConfig): ProcessPlan {
  const { kind, schedule, port, essential, criticality } = process
  const rights = resolveRights(process)
  const backup = resolveBackup(context, name, process)
  const environment = childEnvironment(context, name, process)
  const size = launchSize(process.command, environment)
  const plan: ProcessPlan = {
    name,
    kind,
    ...(schedule && { schedule: resolveSchedule(schedule) }),
    ...(backup && { backup }),
    command: process.command,
    directory: absolute(context, process.directory ?? '.'),
    environment,
    ...(size > launchBounds.least && { launchSize: size }),
    ...(rights && { rights }),
    ...(port !== undefined && { port }),
    dependsOn: resolveDependencies(context, process),
    ...rollingReadiness(process),
    ...resolveProbes(process),
    restart: resolveRestart(process),
    essential,
    criticality,
    ...(process.memory !== undefined && { memory: process.memory }),
    output: resolveOutput(process),
    stop: resolveStop(process),
    position: keyPosition(context, ['processes', name]),
  }
  const shown = withWritten(context, plan)
  return port === undefined || port === chosenLater ? shown : withOwnPort(shown, port)
}

function resolveSchedule({ cron, timezone }: NonNullable<ProcessConfig['schedule']>): SchedulePlan {
  return { cron, ...(timezone !== undefined && { timezone }) }
}

/** In order of precedence, lowest first: shared variables, its own files, its port, its own `set`. */
export function childEnvironment(
  { content, environment }: PlanContext,
  name: string,
  { port, user, environment: own }: ProcessConfig,
): Readonly<Record<string, string>> {
  const { files = {}, set = {}, unset = new Set<string>() } = content.processEnvironments.get(name) ?? {}
  const shared = { ...inherited(environment, own?.only), ...namedInFull(content.environment, own?.only) }
  const common = user ? withoutAccount(shared) : shared
  return applyLayers(common, { files: { ...files, ...(port !== undefined && { PORT: portPlaceholder }) }, set, unset })
}

/** What `when` excludes counts as satisfied. */
function resolveDependencies({ content }: PlanContext, { dependsOn }: ProcessConfig): readonly Dependency[] {
  return Object.entries(dependsOn)
    .filter(([process]) => !content.excluded.processes.has(process))
    .map(([process, condition]) => ({ process, condition }))
}
