/** One source of one certificate: what it can give now, and why not. */
import { join } from 'node:path'
import type { CertificateSourcePlan } from '../plan/model/certificates.ts'
import { validityProblem } from '../shared/certificate-validity.ts'
import { messageOf } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import type { AcmeIssuer } from './acme/acme-issuer.ts'
import type { Authority } from './ca/authority.ts'
import { findCaddyPair } from './files/caddy-storage.ts'
import { fileSign } from './files/file-sign.ts'
import { certificateFromFiles } from './files/files.ts'
import { type IssuedCertificate, lifeOf } from './pem.ts'
import { isAdopted, makesRoom } from './succession.ts'

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

/** What is issued by ourselves is looked after every hour; a pair of files is parsed again then even if nobody wrote to it. */
const longestTrust = 3_600_000

export class SourceState {
  readonly source: CertificateSourcePlan
  readonly #domains: readonly string[]
  readonly #issuers: Issuers
  #sign: string | undefined
  #read = Number.NEGATIVE_INFINITY
  /** The last good one; a mistake in newer files does not take it away. */
  issued: IssuedCertificate | undefined
  /** Of the last reading. */
  #flaw: string | undefined

  constructor(source: CertificateSourcePlan, domains: readonly string[], issuers: Issuers) {
    this.source = source
    this.#domains = domains
    this.#issuers = issuers
  }

  /** Has something that clients accept at this time. */
  get serves(): boolean {
    return this.issued !== undefined && validityProblem(lifeOf(this.issued)) === undefined
  }

  /** Why it cannot serve, or why not with what lies there now. */
  get problem(): string | undefined {
    return (this.issued && validityProblem(lifeOf(this.issued))) ?? this.#flaw
  }

  /** Its time is still to come, by our clock. */
  get isPremature(): boolean {
    return this.issued !== undefined && !this.serves && this.issued.notAfter.getTime() > Date.now()
  }

  get adopted(): boolean {
    return isAdopted(this.source.kind)
  }

  /** Serves, but a later source that can do so for longer takes its place. */
  get makesRoom(): boolean {
    const { issued, source } = this
    if (!issued || !this.serves) return false
    return makesRoom({ kind: source.kind, life: lifeOf(issued), random: issued.random, now: Date.now() })
  }

  /** Reads again what has changed since the last time; `anew`: whether it has or not. Never rejects. */
  async refresh(anew = false): Promise<void> {
    try {
      const pair = await this.#pair()
      const sign = await this.#signOf(pair)
      // By the clock on the wall, whichever way it was moved: it is what certificates expire by.
      const recent = Math.abs(Date.now() - this.#read) < longestTrust
      if (!anew && recent && sign === this.#sign) return
      this.#sign = sign
      this.#read = Date.now()
      this.issued = await this.#give(pair)
      this.#flaw = undefined
    } catch (error) {
      this.#read = Date.now()
      this.#flaw = messageOf(error)
    }
  }

  async #give(pair: Pair | undefined): Promise<IssuedCertificate> {
    const { source } = this
    const { authority, log } = this.#issuers
    if (source.kind === 'internal') return authority.issue(this.#domains)
    if (source.kind === 'acme') {
      const stored = await this.#issuers.acme(source).stored(this.#domains)
      if (!stored) throw new Error('none has been issued yet')
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

  async #signOf(pair: Pair | undefined): Promise<string | undefined> {
    if (this.source.kind === 'acme') return this.#issuers.acme(this.source).storedSign(this.#domains)
    if (!pair) return undefined
    const signs = await Promise.all([pair.certificate, pair.key].map(fileSign))
    return [...signs, pair.certificate].join(' ')
  }
}
