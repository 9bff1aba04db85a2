import type { LoadedContent } from '../config/load.ts'
import type { ProcessConfig } from '../config/schema/process.ts'
import { type Asked, absolute, keyAt } from './asked.ts'
import { dependencyGraph } from './dependency-graph.ts'
import { startOrder } from './graph.ts'
import { resolveStop } from './resolve-stop.ts'
import type { Dependency, ProcessPlan, ReadinessProbe } from './types.ts'

/** The processes in dependency order; only for what passed every check. */
export function resolveProcesses(asked: Asked): readonly ProcessPlan[] {
  const plans = new Map(
    Object.entries(asked.config.processes).map(([name, process]) => [name, resolveProcess(asked, name, process)]),
  )
  return startOrder(dependencyGraph(asked)).flatMap((name) => plans.get(name) ?? [])
}

function resolveProcess(asked: Asked, name: string, process: ProcessConfig): ProcessPlan {
  const { kind, port, restart, essential, criticality } = process
  const ready = resolveProbe(process)
  return {
    name,
    kind,
    command: withPort(process.command, port),
    directory: absolute(asked, process.directory ?? '.'),
    environment: childEnvironment(asked.content, name, port),
    ...(port !== undefined && { port }),
    dependsOn: resolveDependencies(asked, process),
    ...(ready && { ready }),
    restart: { ...restart, policy: restart.policy ?? (kind === 'task' ? 'never' : 'always') },
    essential,
    criticality,
    stop: resolveStop(process),
    position: keyAt(asked, ['processes', name]),
  }
}

/** From far to near: what all see, its own files, its port, its own `set`. */
function childEnvironment(content: LoadedContent, name: string, port: number | undefined): Record<string, string> {
  const { files = {}, set = {} } = content.processEnvironments.get(name) ?? {}
  return { ...content.environment, ...files, ...(port !== undefined && { PORT: String(port) }), ...set }
}

/** What `when` excludes counts as satisfied. */
function resolveDependencies({ content }: Asked, { dependsOn }: ProcessConfig): readonly Dependency[] {
  return Object.entries(dependsOn)
    .filter(([process]) => !content.excluded.processes.has(process))
    .map(([process, condition]) => ({ process, condition }))
}

function resolveProbe({ ready, port }: ProcessConfig): ReadinessProbe | undefined {
  if (!ready) return undefined
  const { http, tcp, exec, log, every, timeout, deadline } = ready
  const timing = { every, timeout, deadline }
  if (http !== undefined) {
    const url = http.startsWith('/') ? `http://127.0.0.1:${port}${http}` : http
    return { kind: 'http', url: putPort(url, port), ...timing }
  }
  if (tcp) return { kind: 'tcp', host: tcp.host ?? '127.0.0.1', port: tcp.port, ...timing }
  if (exec) return { kind: 'exec', command: withPort(exec, port), ...timing }
  return { kind: 'log', pattern: log ?? '', ...timing }
}

function withPort(words: readonly string[], port: number | undefined): readonly string[] {
  return words.map((word) => putPort(word, port))
}

function putPort(word: string, port: number | undefined): string {
  return port === undefined ? word : word.replaceAll('{port}', String(port))
}
