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

/** So much of the life is left when it is due. */
const leftWhenDue = 1 / 3
/** Replicas and neighbours that were started together do not come in one wave: so much of the life, at most, earlier. */
const spread = 1 / 20
const leftInEmergency = 1 / 50
/** Issuing takes seconds: a life that is shorter than this needs all of them. */
const slowestIssue: Milliseconds = 20_000

/** Unix time. `random` in [0, 1) stays the same for one certificate, so that the time does not wander with each look. */
export function dueAt(life: Lifetime, random: number, window?: RenewalWindow): Milliseconds {
  const whole = life.notAfter - life.notBefore
  if (!window) return life.notAfter - whole * (leftWhenDue + spread * random)
  // A window in the past means at once (RFC 9773 §4.2); one that reaches beyond the life of the certificate, which test servers
  // name for short ones, is cut to it: else half of all new certificates would be replaced as soon as they are there.
  const end = Math.min(window.end, lastMoment(life))
  const start = Math.min(Math.max(window.start, life.notBefore), end)
  return start + random * (end - start)
}

/** So little is left that no pause after failures counts any more. */
export function isEmergency(life: Lifetime, now: Milliseconds): boolean {
  return now > lastMoment(life)
}

function lastMoment({ notBefore, notAfter }: Lifetime): Milliseconds {
  const whole = notAfter - notBefore
  return notAfter - Math.max(whole * leftInEmergency, Math.min(slowestIssue, whole / 4))
}

const minute: Milliseconds = 60_000
/** After the first failure, the second …; then always the last. CAs count failures by the hour, some by the week. */
const steps: readonly Milliseconds[] = [1, 2, 5, 10, 20, 30, 60, 120, 180, 360].map((minutes) => minutes * minute)
/** In an emergency; also what is left of a short life is divided so. */
const shortestPause: Milliseconds = 5_000
/** A CA that names a longer time is asked once a day all the same: a mistake there must not let the certificate expire here. */
const longestHeeded: Milliseconds = 24 * 60 * minute

export interface Failure {
  /** In a row, this one included. */
  readonly failures: number
  /** What the CA asked for. */
  readonly retryAfter?: Milliseconds
  /** Of the certificate in service, if there is one: a certificate of an hour cannot wait for six. */
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
