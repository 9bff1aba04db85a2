import type { Log } from '../../shared/log.ts'
import type { ListenerEvents } from './listener.ts'

/** Warns at most this often per listener, so that a flood of connections does not flood the log too. */
const warnEvery = 10_000

/** Warns about connections that were closed before a request could be read. */
export function refusals(log: Log): ListenerEvents['refused'] {
  const warned = new Map<string, { at: number; since: number }>()
  return ({ name }, cause) => {
    const now = performance.now()
    const last = warned.get(name) ?? { at: Number.NEGATIVE_INFINITY, since: 0 }
    last.since += 1
    warned.set(name, last)
    if (now - last.at < warnEvery) return
    log.warn(`listener ${name}: closed ${last.since} connections; last cause: ${cause}`)
    last.at = now
    last.since = 0
  }
}
