/** Where a plan refers to a process's own port: `{port}` in commands, probes and PORT, and probes without a port. */
import type { ProcessPlan } from './processes.ts'

/** In a plan: a port that is chosen when the process is spawned (`port: auto`). */
export const chosenLater = 0

export const portPlaceholder = '{port}'

/** The plan with this port filled in wherever it refers to its own. */
export function withOwnPort(plan: ProcessPlan, port: number): ProcessPlan {
  const { command, written, environment, startup, ready, alive } = plan
  return {
    ...plan,
    port,
    command: fillIn(command, port),
    ...(written && { written: fillIn(written, port) }),
    ...(environment.PORT === portPlaceholder && { environment: { ...environment, PORT: String(port) } }),
    ...(startup && { startup: fillIn(startup, port) }),
    ...(ready && { ready: fillIn(ready, port) }),
    ...(alive && { alive: fillIn(alive, port) }),
  }
}

/** Probes are plain data: ports and texts mean the same in every kind of them. */
function fillIn<T>(part: T, port: number): T {
  if (typeof part === 'string') return part.replaceAll(portPlaceholder, String(port)) as T
  if (Array.isArray(part)) return part.map((item) => fillIn(item, port)) as T
  if (typeof part !== 'object' || part === null) return part
  const entries = Object.entries(part).map(([key, value]) => {
    return [key, key === 'port' && value === chosenLater ? port : fillIn(value, port)]
  })
  return Object.fromEntries(entries) as T
}
