import type { Log } from '../../shared/log.ts'
import type { ListenerEvents } from './listener.ts'

/** How often a listener says at most that it closes connections: a flood must not flood the log too. */
const sayEvery = 10_000

/** Tells the operator of connections that were closed before any request could be read. */
export function refusals(log: Log): ListenerEvents['refused'] {
  const said = new Map<string, { at: number; since: number }>()
  return ({ name }, cause) => {
    const now = performance.now()
    const last = said.get(name) ?? { at: Number.NEGATIVE_INFINITY, since: 0 }
    last.since += 1
    said.set(name, last)
    if (now - last.at < sayEvery) return
    log.warn(`listener ${name}: closed ${last.since} connections, the last for ${cause}`)
    last.at = now
    last.since = 0
  }
}
