import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import type { Lifetime } from './renewal.ts'

/** A certificate that a source can give, with its facts. PEM texts; the key is a secret. */
export interface IssuedCertificate {
  /** Leaf first, then intermediates; nothing but certificates. */
  readonly certificate: string
  /** PKCS#8. */
  readonly key: string
  /** Common name of whoever signed the leaf. */
  readonly issuer: string
  readonly notBefore: Date
  readonly notAfter: Date
  /** In [0, 1): the same for one certificate at every look, so that what is planned by it does not wander. */
  readonly random: number
}

/** What is known of a pair by its leaf, read once: certificates are looked at every few seconds. */
export function withFacts(
  leaf: X509Certificate,
  pair: Pick<IssuedCertificate, 'certificate' | 'key'>,
): IssuedCertificate {
  const { validFromDate: notBefore, validToDate: notAfter, fingerprint256 } = leaf
  const random = Number.parseInt(fingerprint256.replaceAll(':', '').slice(0, 8), 16) / 2 ** 32
  return { certificate: pair.certificate, key: pair.key, issuer: issuerOf(leaf), notBefore, notAfter, random }
}

/** The certificates of a PEM text in its order; other blocks and text between them are passed over. Throws if one does not parse. */
export function certificatesIn(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----/gs) ?? []
  return blocks.map((block) => new X509Certificate(block))
}

/** True if a client that asks for this domain (a name, an address or a `*.` wildcard) accepts the certificate's names. */
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
