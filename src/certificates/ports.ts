/** What certificates gives to the rest of the house; runtime/ hands it to whoever terminates TLS. */

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
  /** ISO 8601, UTC. */
  readonly notAfter: string
  /** Sources that were preferred to this one, and why each cannot serve. */
  readonly skipped: readonly SkippedSource[]
}

export interface SkippedSource {
  readonly source: CertificateSourceKind
  readonly error: string
}

export type CertificateSourceKind = 'files' | 'internal'
