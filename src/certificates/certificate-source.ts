/** The types that certificates shares with the rest of Gatehouse. */

import type { CertificateSourcePlan, DnsHookPlan } from '../plan/model/plan.ts'
import type { ServedChallenge } from '../shared/served.ts'
import type { Milliseconds } from '../shared/time/duration.ts'

/** A certificate in the status: no keys. */
export interface CertificateStatus {
  readonly names: readonly string[]
  /** The source in the config file that it came from. */
  readonly source: CertificateSourceKind
  /** Common name of the issuer. */
  readonly issuer: string
  /** These two in ISO 8601, UTC. */
  readonly notBefore?: string
  readonly notAfter: string
  /** Sources that were preferred to this one, and why each cannot serve. */
  readonly skipped: readonly SkippedSource[]
  /** None of its sources can serve: the internal CA does, which browsers warn about. */
  readonly fallback: boolean
  /** If one of its sources is an ACME server. */
  readonly renewal?: RenewalStatus
}

/** The renewal of a certificate by its ACME server. */
export interface RenewalStatus {
  /** Unix time: when it is due, by its lifetime or by the CA's advice. */
  readonly due?: Milliseconds
  readonly advised: boolean
  readonly failures: number
  readonly lastError?: string
  /** Unix time; after a failure. */
  readonly nextAttempt?: Milliseconds
  readonly underWay: boolean
}

export interface SkippedSource {
  readonly source: CertificateSourceKind
  readonly error: string
}

export type CertificateSourceKind = CertificateSourcePlan['kind']

/** Shows challenges to ACME servers; app wires it to the gateway threads and to hooks. */
export interface ChallengePresenter {
  /** Resolves when the server can see it wherever it looks: in every gateway thread, in the DNS. */
  present(challenge: ServedChallenge): Promise<void>
  /** Never rejects. */
  withdraw(challenge: ServedChallenge): Promise<void>
}

/**
 * Runs the command with these further arguments; rejects with the reason, its last line of output included, if it
 * fails.
 */
export type RunDnsHook = (hook: DnsHookPlan, words: readonly string[]) => Promise<void>
