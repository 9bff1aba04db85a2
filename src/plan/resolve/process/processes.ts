import type { ProcessConfig } from '../../../config/schema/process/process.ts'
import { dependencyGraph } from '../../graph/dependency-graph.ts'
import { startOrder } from '../../graph/graph.ts'
import { launchBounds } from '../../launch-size.ts'
import { chosenLater, withOwnPort } from '../../model/own-port.ts'
import type { Dependency, ProcessPlan, SchedulePlan } from '../../model/plan.ts'
import { resolveRights } from '../../model/rights.ts'
import { absolute, keyPosition, type PlanContext } from '../plan-context.ts'
import { withWritten } from '../written.ts'
import { resolveBackup } from './backup.ts'
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
  const { environment = {}, size = 0 } = context.launches.get(name) ?? {}
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

/** What `when` excludes counts as satisfied. */
function resolveDependencies({ content }: PlanContext, { dependsOn }: ProcessConfig): readonly Dependency[] {
  return Object.entries(dependsOn)
    .filter(([process]) => !content.excluded.processes.has(process))
    .map(([process, condition]) => ({ process, condition }))
}
