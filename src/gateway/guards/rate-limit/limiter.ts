/** Where requests are counted: in the local table, or with other replicas in a store. */
import { hash } from 'node:crypto'
import type { Milliseconds } from '../../../shared/time/duration.ts'
import type { FleetLimits } from './fleet.ts'
import type { Allowance, RateLimitTable } from './table.ts'

/** Counts a request of `key`. 0: it is within the limit; else the milliseconds until the window of `key` is over. */
export type Counter = (key: string) => Milliseconds | Promise<Milliseconds>

export interface Limiter {
  /** Equal `limit`s share their counters. */
  counter(limit: string, allowance: Allowance): Counter
}

export function limiterOf(table: RateLimitTable): Limiter {
  return { counter: (limit, allowance) => (key) => table.take(limit + key, allowance) }
}

export function fleetLimiterOf(fleet: FleetLimits): Limiter {
  return {
    counter(limit, allowance) {
      // The same in all replicas that have this limit, whatever version of the config they run.
      const prefix = `${digest(limit).slice(0, 12)}:`
      return (key) => fleet.take({ own: limit + key, shared: prefix + publicName(key) }, allowance)
    },
  }
}

/** Addresses are stored in plain text in Redis; values of headers and cookies are hashed, since they may be secrets. */
function publicName(key: string): string {
  return /^[\da-f.:]+$/.test(key) ? key : digest(key).slice(0, 32)
}

function digest(text: string): string {
  return hash('sha256', text, 'hex')
}
