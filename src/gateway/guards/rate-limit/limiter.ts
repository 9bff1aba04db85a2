/** Where requests are counted: in our own table, or with other replicas in a store. */
import { hash } from 'node:crypto'
import type { Milliseconds } from '../../../shared/time/duration.ts'
import type { FleetLimits } from './fleet.ts'
import type { Allowance, RateLimitTable } from './table.ts'

/** Counts a request of `who`. 0: it is within the allowance; else the milliseconds until the window of `who` is over. */
export type Counter = (who: string) => Milliseconds | Promise<Milliseconds>

export interface Limiter {
  /** `limit`: one counter where it is the same. */
  counter(limit: string, allowance: Allowance): Counter
}

export function limiterOf(table: RateLimitTable): Limiter {
  return { counter: (limit, allowance) => (who) => table.take(limit + who, allowance) }
}

export function fleetLimiterOf(fleet: FleetLimits): Limiter {
  return {
    counter(limit, allowance) {
      // Equal in all replicas that have this limit, of this version of the config or another.
      const prefix = `${digest(limit).slice(0, 12)}:`
      return (who) => fleet.take({ own: limit + who, shared: prefix + publicName(who) }, allowance)
    },
  }
}

/** Who looks into Redis may read an address there, but no value of a header or cookie: it may be a key or a session. */
function publicName(who: string): string {
  return /^[\da-f.:]+$/.test(who) ? who : digest(who).slice(0, 32)
}

function digest(text: string): string {
  return hash('sha256', text, 'hex')
}
