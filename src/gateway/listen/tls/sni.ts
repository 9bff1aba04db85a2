import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls'
import type { ServedCertificate } from '../../../shared/served.ts'
import type { ClientAuthorities } from './client-certificates.ts'

/** Chooses the certificates of a listener's TLS handshakes. */
export interface SniChooser {
  /** The context for the name that a client sent; undefined: there is no certificate for it. */
  choose(name: string): SecureContext | undefined
  /**
   * The server's own context: the certificate for clients that send no name, since they connected to an address. Its
   * ticket key is used for all names: OpenSSL takes it from the context that a connection began with.
   */
  readonly fallback: SecureContextOptions | undefined
}

/** The same in every thread and run: sessions of another context are not resumed. */
const sessionIdContext = 'gatehouse'

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

/** What the handshakes of all listeners use. */
export interface TlsSettings {
  readonly certificates: readonly ServedCertificate[]
  /** 48 bytes that seal session tickets; a secret. */
  readonly ticketKey: Uint8Array
  /** By the name of the listener; the others do not ask clients for certificates. */
  readonly authorities: ReadonlyMap<string, ClientAuthorities>
}

/** Throws if a certificate is unusable. */
export function sniByListener(settings: TlsSettings): (listener: { readonly name: string }) => SniChooser {
  const common = createSni(settings)
  const own = new Map([...settings.authorities].map(([name, clients]) => [name, createSni(settings, clients)] as const))
  return ({ name }) => own.get(name) ?? common
}

function createSni({ certificates, ticketKey }: TlsSettings, clients?: ClientAuthorities): SniChooser {
  // Every context needs them: clients are verified by the authorities of the chosen one.
  const ca = clients && { ca: clients.ca }
  const unnamed = certificates.find((certificate) => certificate.anyName) ?? certificates[0]
  const byName = new Map<string, SecureContext>()
  let anyName: SecureContext | undefined
  for (const { names, certificate, key, anyName: any } of certificates) {
    const context = createSecureContext({ cert: certificate, key, ...ca, ...tlsFloor })
    if (any) anyName ??= context
    for (const name of names) if (!byName.has(name)) byName.set(name, context)
  }
  return {
    choose(sent) {
      const name = sent.toLowerCase().replace(/\.$/, '')
      const wildcard = `*${name.slice(name.indexOf('.'))}`
      return byName.get(name) ?? (name.includes('.') ? byName.get(wildcard) : undefined) ?? anyName
    },
    fallback: unnamed && {
      cert: unnamed.certificate,
      key: unnamed.key,
      ...ca,
      ...tlsFloor,
      sessionIdContext: clients?.sessionIdContext ?? sessionIdContext,
      ticketKeys: Buffer.from(ticketKey),
    },
  }
}
