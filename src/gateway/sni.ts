import { createSecureContext, type SecureContext } from 'node:tls'
import type { ServedCertificate } from './ports.ts'

/** Chooses the certificate of a TLS handshake; a change counts from the next handshake on. */
export interface SniChooser {
  /** The context for a name the client sent; undefined: no certificate may be served for it. */
  choose(name: string): SecureContext | undefined
  /** For clients that name no host, since they dialled an address. */
  readonly fallback: ServedCertificate | undefined
}

// TLS 1.2 with forward secrecy and AEAD only, in Mozilla's "intermediate" spirit; TLS 1.3 suites are fixed by OpenSSL.
export const tlsFloor = {
  minVersion: 'TLSv1.2',
  ciphers: [
    'TLS_AES_128_GCM_SHA256',
    'TLS_AES_256_GCM_SHA384',
    'TLS_CHACHA20_POLY1305_SHA256',
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES128-GCM-SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-RSA-AES256-GCM-SHA384',
    'ECDHE-ECDSA-CHACHA20-POLY1305',
    'ECDHE-RSA-CHACHA20-POLY1305',
  ].join(':'),
} as const

export function createSni(certificates: readonly ServedCertificate[]): SniChooser {
  const byName = new Map<string, SecureContext>()
  let anyName: SecureContext | undefined
  for (const { names, certificate, key, anyName: any } of certificates) {
    const context = createSecureContext({ cert: certificate, key, ...tlsFloor })
    if (any) anyName ??= context
    for (const name of names) if (!byName.has(name)) byName.set(name, context)
  }
  return {
    choose(sent) {
      const name = sent.toLowerCase().replace(/\.$/, '')
      const wildcard = `*${name.slice(name.indexOf('.'))}`
      return byName.get(name) ?? (name.includes('.') ? byName.get(wildcard) : undefined) ?? anyName
    },
    fallback: certificates.find((certificate) => certificate.anyName) ?? certificates[0],
  }
}
