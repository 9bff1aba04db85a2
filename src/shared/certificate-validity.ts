import type { X509Certificate } from 'node:crypto'
import type { Milliseconds } from './time/duration.ts'

/** Unix time in milliseconds. */
interface Lifetime {
  readonly notBefore: Milliseconds
  readonly notAfter: Milliseconds
}

/**
 * Tolerated lag of our clock: clients' clocks differ as well, and CAs backdate certificates by an hour for that reason.
 */
export const skew: Milliseconds = 300_000

/** Why clients reject a certificate now, as a predicate; undefined if they do not. `now`: Unix time. */
export function validityProblem({ notBefore, notAfter }: Lifetime, now: Milliseconds = Date.now()): string | undefined {
  if (notAfter <= now) return `expired on ${new Date(notAfter).toISOString()}`
  if (notBefore > now + skew)
    return `is not valid before ${new Date(notBefore).toISOString()}; is this machine's clock right?`
  return undefined
}

export function lifeOfLeaf({ validFromDate, validToDate }: X509Certificate): Lifetime {
  return { notBefore: validFromDate.getTime(), notAfter: validToDate.getTime() }
}
