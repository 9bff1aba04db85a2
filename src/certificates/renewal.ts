/** When a certificate is due, and how long to wait after a failure. Pure. */
import type { Milliseconds } from '../shared/time/duration.ts'

export interface Lifetime {
  /** Unix time in milliseconds. */
  readonly notBefore: Milliseconds
  readonly notAfter: Milliseconds
}

/** What the CA suggests (RFC 9773 §4.1); Unix time in milliseconds. */
export interface RenewalWindow {
  readonly start: Milliseconds
  readonly end: Milliseconds
  /** A page that says why, for example a revocation. */
  readonly explanation?: string
}

/** The part of its lifetime that is left when a certificate is due. */
const leftWhenDue = 1 / 3
/** Up to this part of the lifetime earlier, so that replicas that were started together do not renew all at once. */
const spread = 1 / 20
const leftInEmergency = 1 / 50
/** Issuing takes seconds: certificates that live for minutes need this much time. */
const slowestIssue: Milliseconds = 20_000

/**
 * Unix time. `random` in [0, 1) must stay the same for one certificate, so that the time does not move at each check.
 */
export function dueAt(life: Lifetime, random: number, window?: RenewalWindow): Milliseconds {
  const whole = life.notAfter - life.notBefore
  if (!window) return life.notAfter - whole * (leftWhenDue + spread * random)
  // A window in the past means at once (RFC 9773 §4.2). Test servers name windows beyond the lifetime of short-lived
  // certificates; without the cut half of all new certificates would be replaced at once.
  const end = Math.min(window.end, lastMoment(life))
  const start = Math.min(Math.max(window.start, life.notBefore), end)
  return start + random * (end - start)
}

/** Hardly any of the lifetime is left: the pauses after failures no longer matter. */
export function isEmergency(life: Lifetime, now: Milliseconds): boolean {
  return now > lastMoment(life)
}

function lastMoment({ notBefore, notAfter }: Lifetime): Milliseconds {
  const whole = notAfter - notBefore
  return notAfter - Math.max(whole * leftInEmergency, Math.min(slowestIssue, whole / 4))
}

const minute: Milliseconds = 60_000
/**
 * After the first failure, the second …; then always the last one. CAs count failures by the hour, some by the week.
 */
const steps: readonly Milliseconds[] = [1, 2, 5, 10, 20, 30, 60, 120, 180, 360].map((minutes) => minutes * minute)
/** In an emergency, and for short-lived certificates. */
const shortestPause: Milliseconds = 5_000
/** A longer `Retry-After` is cut to a day: a mistake of the CA must not let the certificate expire here. */
const longestHeeded: Milliseconds = 24 * 60 * minute

export interface Failure {
  /** In a row, this one included. */
  readonly failures: number
  /** From the CA. */
  readonly retryAfter?: Milliseconds
  /** Of the certificate in use, if there is one: a certificate that lives for an hour cannot wait for six. */
  readonly life?: Lifetime
  readonly now: Milliseconds
  /** In [0, 1). */
  readonly random: number
}

/** The pause until the next attempt. */
export function retryPause({ failures, retryAfter, life, now, random }: Failure): Milliseconds {
  const step = (steps[Math.min(failures, steps.length) - 1] ?? minute) * (1 + 0.2 * random)
  // Six more attempts, at least, before it expires.
  const ours = life ? Math.max(shortestPause, Math.min(step, (life.notAfter - now) / 6)) : step
  return Math.max(ours, Math.min(retryAfter ?? 0, longestHeeded))
}
