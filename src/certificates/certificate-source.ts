/** What certificates gives to the rest of the house; runtime/ hands it to whoever terminates TLS. */

import type { CertificateSourcePlan, DnsHookPlan } from '../plan/model/plan.ts'
import type { AttemptStatus } from './acme/acme-attempts.ts'

/**
 * A certificate ready to serve. PEM texts; the key is a secret. Lists of them are in the order of the config file. The
 * one with `anyName`, else the first, is also for clients that name no host, as those that dial an address do (RFC 6066
 * §3 allows no address in SNI). A name that no certificate covers is refused, unless one has `anyName`.
 */
export interface ServedCertificate {
  /** Lower-case names it serves; `*.example.com` stands for one label. */
  readonly names: readonly string[]
  /** Leaf first, then intermediates. */
  readonly certificate: string
  /** PKCS#8. */
  readonly key: string
  /** Also served for names that no certificate covers. */
  readonly anyName: boolean
}

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
  readonly renewal?: AttemptStatus
}

export interface SkippedSource {
  readonly source: CertificateSourceKind
  readonly error: string
}

export type CertificateSourceKind = CertificateSourcePlan['kind']

/** What an ACME server looks for to see that a name is ours (RFC 8555 §8, RFC 8737). */
export interface PresentedChallenge {
  readonly type: 'http-01' | 'tls-alpn-01' | 'dns-01'
  readonly name: string
  readonly token: string
  /** http-01: the body to answer with; dns-01: the value of the TXT record. */
  readonly proof: string
  /** tls-alpn-01: what to serve to a client that asks for `acme-tls/1`. PEM; the key is of no further use. */
  readonly pair?: { readonly certificate: string; readonly key: string }
}

/** Shows challenges to the world; runtime/ wires it to the gateway threads and to hooks. */
export interface ChallengePresenter {
  /** Resolves when it can be seen wherever the server may look: in every gateway thread, in the DNS. */
  present(challenge: PresentedChallenge): Promise<void>
  /** Never rejects. */
  withdraw(challenge: PresentedChallenge): Promise<void>
}

/** Runs the command with these further words; rejects with the reason, its last line of output included, if it does not end well. */
export type RunDnsHook = (hook: DnsHookPlan, words: readonly string[]) => Promise<void>
