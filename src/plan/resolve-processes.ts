import type { LoadedContent } from '../config/load.ts'
import type { ProcessConfig } from '../config/schema/process.ts'
import { type Asked, absolute, keyAt } from './asked.ts'
import { dependencyGraph } from './dependency-graph.ts'
import { startOrder } from './graph.ts'
import { chosenLater, portPlaceholder, withOwnPort } from './own-port.ts'
import { resolveStop } from './resolve-stop.ts'
import type { Dependency, ProcessPlan, ReadinessProbe, SchedulePlan } from './types.ts'

/** The processes in dependency order; only for what passed every check. */
export function resolveProcesses(asked: Asked): readonly ProcessPlan[] {
  const plans = new Map(
    Object.entries(asked.config.processes).map(([name, process]) => [name, resolveProcess(asked, name, process)]),
  )
  return startOrder(dependencyGraph(asked)).flatMap((name) => plans.get(name) ?? [])
}

function resolveProcess(asked: Asked, name: string, process: ProcessConfig): ProcessPlan {
  const { kind, schedule, port, restart, essential, criticality } = process
  const ready = resolveProbe(process)
  const plan: ProcessPlan = {
    name,
    kind,
    ...(schedule && { schedule: resolveSchedule(schedule) }),
    command: process.command,
    directory: absolute(asked, process.directory ?? '.'),
    environment: childEnvironment(asked.content, name, port !== undefined),
    ...(port !== undefined && { port }),
    dependsOn: resolveDependencies(asked, process),
    ...(ready && { ready }),
    restart: { ...restart, policy: restart.policy ?? (kind === 'task' ? 'never' : 'always') },
    essential,
    criticality,
    ...(process.memory !== undefined && { memory: process.memory }),
    stop: resolveStop(process),
    position: keyAt(asked, ['processes', name]),
  }
  return port === undefined || port === chosenLater ? plan : withOwnPort(plan, port)
}

function resolveSchedule({ cron, timezone }: NonNullable<ProcessConfig['schedule']>): SchedulePlan {
  return { cron, ...(timezone !== undefined && { timezone }) }
}

/** From far to near: what all see, its own files, its port, its own `set`. */
function childEnvironment(content: LoadedContent, name: string, hasPort: boolean): Record<string, string> {
  const { files = {}, set = {} } = content.processEnvironments.get(name) ?? {}
  return { ...content.environment, ...files, ...(hasPort && { PORT: portPlaceholder }), ...set }
}

/** What `when` excludes counts as satisfied. */
function resolveDependencies({ content }: Asked, { dependsOn }: ProcessConfig): readonly Dependency[] {
  return Object.entries(dependsOn)
    .filter(([process]) => !content.excluded.processes.has(process))
    .map(([process, condition]) => ({ process, condition }))
}

function resolveProbe({ ready }: ProcessConfig): ReadinessProbe | undefined {
  if (!ready) return undefined
  const { http, tcp, exec, log, every, timeout, deadline } = ready
  const timing = { every, timeout, deadline }
  if (http !== undefined) {
    const url = http.startsWith('/') ? `http://127.0.0.1:${portPlaceholder}${http}` : http
    return { kind: 'http', url, ...timing }
  }
  if (tcp) return { kind: 'tcp', host: tcp.host ?? '127.0.0.1', port: tcp.port, ...timing }
  if (exec) return { kind: 'exec', command: exec, ...timing }
  return { kind: 'log', pattern: log ?? '', ...timing }
}
