/** The port of a process in its own words: `{port}` in commands, probes and PORT, and a probe's port that is its own. */
import type { ProcessPlan } from './processes.ts'

/** Stands in a plan for a port that is chosen when the process is spawned (`port: auto`). */
export const chosenLater = 0

export const portPlaceholder = '{port}'

/** The same plan with this port put in wherever the process's own is meant. */
export function withOwnPort(plan: ProcessPlan, port: number): ProcessPlan {
  const { command, written, environment, startup, ready, alive } = plan
  return {
    ...plan,
    port,
    command: putIn(command, port),
    ...(written && { written: putIn(written, port) }),
    ...(environment.PORT === portPlaceholder && { environment: { ...environment, PORT: String(port) } }),
    ...(startup && { startup: putIn(startup, port) }),
    ...(ready && { ready: putIn(ready, port) }),
    ...(alive && { alive: putIn(alive, port) }),
  }
}

/** Probes are plain data; whatever kinds there will be, a port and a text in them mean the same. */
function putIn<T>(part: T, port: number): T {
  if (typeof part === 'string') return part.replaceAll(portPlaceholder, String(port)) as T
  if (Array.isArray(part)) return part.map((item) => putIn(item, port)) as T
  if (typeof part !== 'object' || part === null) return part
  const entries = Object.entries(part).map(([key, value]) => {
    return [key, key === 'port' && value === chosenLater ? port : putIn(value, port)]
  })
  return Object.fromEntries(entries) as T
}
