/** What certificates gives to the rest of the house; runtime/ hands it to whoever terminates TLS. */

import type { CertificateSourcePlan, DnsHookPlan } from '../plan/model/plan.ts'
import type { ServedChallenge } from '../shared/served.ts'
import type { Milliseconds } from '../shared/time/duration.ts'

/** What may be told of a certificate in a status: no keys. */
export interface CertificateStatus {
  readonly names: readonly string[]
  /** Which source of the config file it came from. */
  readonly source: CertificateSourceKind
  /** Common name of whoever signed it. */
  readonly issuer: string
  /** These two in ISO 8601, UTC. */
  readonly notBefore?: string
  readonly notAfter: string
  /** Sources that were preferred to this one, and why each cannot serve. */
  readonly skipped: readonly SkippedSource[]
  /** None of its sources can serve: our own CA does, which browsers warn of. */
  readonly stopgap: boolean
  /** Where one of its sources is an ACME server. */
  readonly renewal?: RenewalStatus
}

/** What an ACME server is asked for, and what came of it. */
export interface RenewalStatus {
  /** Unix time: when it is due by its life, or by what the CA says. */
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

/** Shows challenges to the world; runtime/ wires it to the gateway threads and to hooks. */
export interface ChallengePresenter {
  /** Resolves when it can be seen wherever the server may look: in every gateway thread, in the DNS. */
  present(challenge: ServedChallenge): Promise<void>
  /** Never rejects. */
  withdraw(challenge: ServedChallenge): Promise<void>
}

/** Runs the command with these further words; rejects with the reason, its last line of output included, if it does not end well. */
export type RunDnsHook = (hook: DnsHookPlan, words: readonly string[]) => Promise<void>
