/** One source of one certificate: what it can give now, and why not. */
import { join } from 'node:path'
import type { CertificateSourcePlan } from '../plan/model/certificates.ts'
import { validityProblem } from '../shared/certificate-validity.ts'
import { messageOf } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import type { AcmeIssuer } from './acme/acme-issuer.ts'
import type { Authority } from './ca/authority.ts'
import { findCaddyPair } from './files/caddy-storage.ts'
import { fileVersion } from './files/file-version.ts'
import { certificateFromFiles } from './files/files.ts'
import { type IssuedCertificate, lifeOf } from './pem.ts'
import { isAdopted, yieldsToLater } from './succession.ts'

/** What sources need to do their work. */
export interface Issuers {
  readonly authority: Authority
  /** For each ACME source, as the object that the plan has for it. */
  acme(source: Extract<CertificateSourcePlan, { kind: 'acme' }>): AcmeIssuer
  readonly log: Log
}

interface Pair {
  readonly certificate: string
  readonly key: string
}

/** Even an unchanged source is read again after this time. */
const longestTrust = 3_600_000

export class SourceState {
  readonly source: CertificateSourcePlan
  readonly #domains: readonly string[]
  readonly #issuers: Issuers
  #version: string | undefined
  #readAt = Number.NEGATIVE_INFINITY
  /** The last good one; mistakes in newer files do not remove it. */
  issued: IssuedCertificate | undefined
  #readError: string | undefined

  constructor(source: CertificateSourcePlan, domains: readonly string[], issuers: Issuers) {
    this.source = source
    this.#domains = domains
    this.#issuers = issuers
  }

  /** Has a certificate that clients accept now. */
  get serves(): boolean {
    return this.issued !== undefined && validityProblem(lifeOf(this.issued)) === undefined
  }

  /** Why it cannot serve, or cannot serve the newest files. */
  get problem(): string | undefined {
    return (this.issued && validityProblem(lifeOf(this.issued))) ?? this.#readError
  }

  /** Not valid yet, by our clock. */
  get isPremature(): boolean {
    return this.issued !== undefined && !this.serves && this.issued.notAfter.getTime() > Date.now()
  }

  get adopted(): boolean {
    return isAdopted(this.source.kind)
  }

  /** Serves, but a later source that serves for longer is preferred. */
  get yieldsToLater(): boolean {
    const { issued, source } = this
    if (!issued || !this.serves) return false
    return yieldsToLater({ kind: source.kind, life: lifeOf(issued), random: issued.random, now: Date.now() })
  }

  /** Reads again if something has changed since the last time; `force`: in any case. Never rejects. */
  async refresh(force = false): Promise<void> {
    try {
      const pair = await this.#pair()
      const version = await this.#versionOf(pair)
      // By the system clock, in whichever direction it was set: certificates expire by it.
      const recent = Math.abs(Date.now() - this.#readAt) < longestTrust
      if (!force && recent && version === this.#version) return
      this.#version = version
      this.#readAt = Date.now()
      this.issued = await this.#read(pair)
      this.#readError = undefined
    } catch (error) {
      this.#readAt = Date.now()
      this.#readError = messageOf(error)
    }
  }

  async #read(pair: Pair | undefined): Promise<IssuedCertificate> {
    const { source } = this
    const { authority, log } = this.#issuers
    if (source.kind === 'internal') return authority.issue(this.#domains)
    if (source.kind === 'acme') {
      const stored = await this.#issuers.acme(source).stored(this.#domains)
      if (!stored) throw new Error('no certificate has been issued yet')
      return stored
    }
    const anyName = source.kind === 'files' && source.anyName
    const { certificate = '', key = '' } = pair ?? {}
    return certificateFromFiles({ kind: 'files', certificate, key, anyName }, this.#domains, log)
  }

  async #pair(): Promise<Pair | undefined> {
    const { source } = this
    switch (source.kind) {
      case 'files':
        return source
      case 'certbot':
        return { certificate: join(source.folder, 'fullchain.pem'), key: join(source.folder, 'privkey.pem') }
      case 'caddy':
        return findCaddyPair(source.storage, this.#domains[0] ?? '')
      default:
        return undefined
    }
  }

  async #versionOf(pair: Pair | undefined): Promise<string | undefined> {
    if (this.source.kind === 'acme') return this.#issuers.acme(this.source).storedVersion(this.#domains)
    if (!pair) return undefined
    const versions = await Promise.all([pair.certificate, pair.key].map(fileVersion))
    return [...versions, pair.certificate].join(' ')
  }
}
