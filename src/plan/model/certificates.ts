/** Which certificates are served, and where each may come from. */
import type { SourcePosition } from '../../config/diagnostics.ts'

export interface CertificatePlan {
  /** Lower-case names; `*.example.com` stands for one label. */
  readonly domains: readonly string[]
  /** In order of preference: the first that can serve does. */
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
  /** Of the same CA, for trying without its limits; absent if it has none. */
  readonly staging?: string
  /** Absolute path of a PEM file with roots that are trusted for the directory, beside those of the system. */
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

/** Called with `set` or `clear`, the name of the record and its value as further words. */
export interface DnsHookPlan {
  readonly run: readonly string[]
  /** Absolute working directory: that of the config file. */
  readonly directory: string
  /** All that it sees. Holds secrets: never logged, never part of a status. */
  readonly environment: Readonly<Record<string, string>>
}

/** A file of certificates that programs trust, made for those that do not read the system's. */
export interface TrustStorePlan {
  readonly name: string
  /** Absolute path of the PKCS#12 file that is written. */
  readonly file: string
  /** Absolute path of a folder: its `*.crt` and `*.pem`. */
  readonly certificates?: string
  /** Also those that the system trusts. */
  readonly system: boolean
  /** Also the root of our internal CA. */
  readonly internal: boolean
  readonly position: SourcePosition
}
