/** Which certificates are served, and where each may come from. */
import type { SourcePosition } from '../../config/diagnostics.ts'

export interface CertificatePlan {
  /** Lower-case names; the `*` of `*.example.com` is one label. */
  readonly domains: readonly string[]
  /** In order of preference: the first that can serve is used. */
  readonly use: readonly CertificateSourcePlan[]
  readonly position: SourcePosition
}

export type CertificateSourcePlan =
  /** `anyName`: also served for names that no certificate covers. */
  | { readonly kind: 'files'; readonly certificate: string; readonly key: string; readonly anyName: boolean }
  /** Absolute path of a folder as certbot keeps it below `live/`: `fullchain.pem` and `privkey.pem`. */
  | { readonly kind: 'certbot'; readonly folder: string }
  /** Absolute path of Caddy's storage: `certificates/<issuer>/<name>/<name>.crt` and `.key`. */
  | { readonly kind: 'caddy'; readonly storage: string }
  | AcmePlan
  | { readonly kind: 'internal' }

export interface AcmePlan {
  readonly kind: 'acme'
  /** URL. */
  readonly directory: string
  /** URL of the CA's staging directory, which has no strict rate limits; absent if it has none. */
  readonly staging?: string
  /** Absolute path of a PEM file with roots to trust for the directory, in addition to those of the system. */
  readonly trust?: string
  readonly email?: string
  /** `hmac` is base64url, and a secret. */
  readonly externalAccount?: { readonly keyId: string; readonly hmac: string }
  /** The preferred one first. */
  readonly challenges: readonly AcmeChallengeType[]
  /** A command that sets and clears TXT records. */
  readonly dns?: DnsHookPlan
  /** Of the certificate, as the CA names it (for example `shortlived`). */
  readonly profile?: string
  /** Common name of the root whose chain is preferred. */
  readonly preferredChain?: string
  readonly key: CertificateKeyType
}

export type AcmeChallengeType = 'http-01' | 'tls-alpn-01' | 'dns-01'

export type CertificateKeyType = 'ecdsa-p256' | 'ecdsa-p384' | 'rsa-2048' | 'rsa-4096'

/** Called with `set` or `clear`, the name of the record and its value as arguments. */
export interface DnsHookPlan {
  readonly run: readonly string[]
  /** Absolute working directory: that of the config file. */
  readonly directory: string
  /** Its whole environment. Contains secrets: never logged, never part of a status. */
  readonly environment: Readonly<Record<string, string>>
}

/** A trust store file for programs that do not read the certificates of the system. */
export interface TrustStorePlan {
  readonly name: string
  /** Absolute path of the PKCS#12 file that is written. */
  readonly file: string
  /** Absolute path of a folder: its `*.crt` and `*.pem`. */
  readonly certificates?: string
  /** Includes the CAs of the system. */
  readonly system: boolean
  /** Includes the root of the internal CA. */
  readonly internal: boolean
  readonly position: SourcePosition
}
