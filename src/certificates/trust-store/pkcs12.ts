import { createHash, createHmac, type X509Certificate } from 'node:crypto'
import type { asn1 } from 'node-forge'

/*
 * A PKCS#12 file (RFC 7292) with nothing but trusted certificates. Built by hand on forge's ASN.1: forge's own PKCS#12
 * lacks the attribute without which Java sees no entries, and cannot parse certificates with elliptic curves. Here they
 * are opaque bytes.
 */

/** Java's default. It protects nothing: certificates are public, and it is part of every command line. */
export const storePassword = 'changeit'

const oid = {
  data: '1.2.840.113549.1.7.1',
  certificateBag: '1.2.840.113549.1.12.10.1.3',
  x509: '1.2.840.113549.1.9.22.1',
  friendlyName: '1.2.840.113549.1.9.20',
  /** Oracle's: "this entry is trusted, for that use". Java skips certificates that lack it (JDK-8005408). */
  trustedKeyUsage: '2.16.840.1.113894.746875.1.1',
  anyUse: '2.5.29.37.0',
  sha256: '2.16.840.1.101.3.4.2.1',
} as const

/** OpenSSL's default; more would only cost time, since the password is public. */
const iterations = 2_048

/**
 * The bytes of a store with these certificates, each once, in their order. The same certificates give the same bytes.
 * Java 12 and later, and the latest of 8 and 11, accept its SHA-256.
 */
export async function trustStoreOf(certificates: readonly X509Certificate[]): Promise<Buffer> {
  const { asn1 } = (await import('node-forge')).default
  const { Class, Type } = asn1
  const plain = (type: asn1.Type, value: string) => asn1.create(Class.UNIVERSAL, type, false, value)
  const sequence = (...parts: asn1.Asn1[]) => asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, parts)
  const set = (...parts: asn1.Asn1[]) => asn1.create(Class.UNIVERSAL, Type.SET, true, parts)
  const explicit = (part: asn1.Asn1) => asn1.create(Class.CONTEXT_SPECIFIC, 0, true, [part])
  const octets = (bytes: Buffer) => plain(Type.OCTETSTRING, bytes.toString('latin1'))
  const integer = (value: number) => plain(Type.INTEGER, asn1.integerToDer(value).getBytes())
  const id = (value: string) => plain(Type.OID, asn1.oidToDer(value).getBytes())
  const encode = (part: asn1.Asn1) => Buffer.from(asn1.toDer(part).getBytes(), 'latin1')
  // Not encrypted: there is nothing to hide, and no cipher that some Java version has disabled.
  const content = (bytes: Buffer) => sequence(id(oid.data), explicit(octets(bytes)))

  const bag = (certificate: X509Certificate) =>
    sequence(
      id(oid.certificateBag),
      explicit(sequence(id(oid.x509), explicit(octets(certificate.raw)))),
      set(
        sequence(id(oid.friendlyName), set(plain(Type.BMPSTRING, aliasOf(certificate)))),
        sequence(id(oid.trustedKeyUsage), set(id(oid.anyUse))),
      ),
    )
  const safe = encode(sequence(content(encode(sequence(...certificates.map(bag))))))
  // Not random, so that an unchanged store is not written again; the salt protects no password here.
  const salt = createHash('sha256').update(safe).digest()
  const mac = createHmac('sha256', macKey(salt)).update(safe).digest()
  const digest = sequence(sequence(id(oid.sha256), plain(Type.NULL, '')), octets(mac))
  return encode(sequence(integer(3), content(safe), sequence(digest, octets(salt), integer(iterations))))
}

/** Unique by its fingerprint, in ASCII and in lower case, as Java compares it: `isrg root x1 (96bcec06264976f3)`. */
export function aliasOf({ subject, fingerprint256 }: X509Certificate): string {
  // Some old CAs have no common name.
  const name = /^CN=(.+)$/m.exec(subject)?.[1] ?? /^OU=(.+)$/m.exec(subject)?.[1] ?? /^O=(.+)$/m.exec(subject)?.[1]
  const plainName = (name ?? 'ca').toLowerCase().replaceAll(/[^ -~]/g, '_')
  return `${plainName} (${fingerprint256.replaceAll(':', '').slice(0, 16).toLowerCase()})`
}

/** RFC 7292 appendix B.2 with SHA-256, for a key of one block: then it is nothing but repeated hashing. */
function macKey(salt: Buffer): Buffer {
  // As BMPString with its two terminating bytes (appendix B.1).
  const password = Buffer.from([...`${storePassword}\0`].flatMap((letter) => [0, letter.charCodeAt(0)]))
  const forMac = Buffer.alloc(blockSize, 3)
  let key = createHash('sha256').update(forMac).update(filled(salt)).update(filled(password)).digest()
  for (let round = 1; round < iterations; round++) key = createHash('sha256').update(key).digest()
  return key
}

/** Of SHA-256, in bytes. */
const blockSize = 64

/** Repeated up to the end of a block. */
function filled(bytes: Buffer): Buffer {
  return Buffer.alloc(Math.ceil(bytes.length / blockSize) * blockSize, bytes)
}
