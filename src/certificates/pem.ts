import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import type { Lifetime } from './renewal.ts'

/** A certificate that a source can give, with its facts. PEM texts; the key is a secret. */
export interface IssuedCertificate {
  /** Leaf first, then intermediates; nothing but certificates. */
  readonly certificate: string
  /** PKCS#8. */
  readonly key: string
  /** Common name of the leaf's issuer. */
  readonly issuer: string
  readonly notBefore: Date
  readonly notAfter: Date
  /** In [0, 1), derived from the certificate: it spreads renewals without moving their time at each check. */
  readonly random: number
}

/** Reads the facts of a pair from its leaf, once: certificates are checked every few seconds. */
export function withFacts(
  leaf: X509Certificate,
  pair: Pick<IssuedCertificate, 'certificate' | 'key'>,
): IssuedCertificate {
  const { validFromDate: notBefore, validToDate: notAfter, fingerprint256 } = leaf
  const random = Number.parseInt(fingerprint256.replaceAll(':', '').slice(0, 8), 16) / 2 ** 32
  return { certificate: pair.certificate, key: pair.key, issuer: issuerOf(leaf), notBefore, notAfter, random }
}

/** The certificates of a PEM text, in order; other blocks and text are skipped. Throws if one does not parse. */
export function certificatesIn(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----/gs) ?? []
  return blocks.map((block) => new X509Certificate(block))
}

/**
 * True if a client that asks for this domain (a name, an address or a `*.` wildcard) accepts the certificate's names.
 */
export function covers(leaf: X509Certificate, domain: string): boolean {
  if (isIP(domain) !== 0) return leaf.checkIP(domain) !== undefined
  return leaf.checkHost(domain.replace(/^\*\./, 'any-label.')) !== undefined
}

/** The common name of the issuer, or all of its name if it has none. */
function issuerOf(leaf: X509Certificate): string {
  const commonName = /^CN=(.+)$/m.exec(leaf.issuer)?.[1]
  return commonName ?? leaf.issuer.replaceAll('\n', ', ')
}

export function lifeOf({ notBefore, notAfter }: IssuedCertificate): Lifetime {
  return { notBefore: notBefore.getTime(), notAfter: notAfter.getTime() }
}
