/** One certificate of the plan: keeps the best source in service, and ACME at work for as long as nothing better serves. */
import type { CertificatePlan } from '../plan/model/certificates.ts'
import { GatehouseError, messageOf } from '../shared/errors.ts'
import type { ServedCertificate } from '../shared/served.ts'
import { AcmeAttempts } from './acme/acme-attempts.ts'
import type { CertificateStatus } from './certificate-source.ts'
import type { IssuedCertificate } from './pem.ts'
import { type Issuers, SourceState } from './source-state.ts'

export class ManagedCertificate {
  readonly plan: CertificatePlan
  readonly #issuers: Issuers
  readonly #sources: readonly SourceState[]
  /** By their sources. */
  readonly #attempts: ReadonlyMap<SourceState, AcmeAttempts>
  /** Of our own CA, for when nothing else can serve: a browser's warning is better than no answer at all. */
  readonly #stopgap: SourceState
  #held: SourceState | undefined
  /** What was told last of the one in service. */
  #trouble: string | undefined

  /** `changed` is called when something happened that deserves a look. */
  constructor(plan: CertificatePlan, issuers: Issuers, changed: () => void) {
    this.plan = plan
    this.#issuers = issuers
    this.#sources = plan.use.map((source) => new SourceState(source, plan.domains, issuers))
    this.#stopgap = new SourceState({ kind: 'internal' }, plan.domains, issuers)
    this.#attempts = new Map(
      this.#sources.flatMap((state) => {
        const { source } = state
        if (source.kind !== 'acme') return []
        const options = { domains: plan.domains, issuer: issuers.acme(source), log: issuers.log, changed }
        return [[state, new AcmeAttempts(options)]]
      }),
    )
  }

  /**
   * Chooses again; `anew` reads what has not changed, too. Throws `certificate-unusable` if nothing can serve, not even our own
   * CA; with `strict` also if only that one can and nothing better is to be hoped for.
   */
  async choose({ anew = false, strict = false } = {}): Promise<void> {
    const before = this.#held
    const served = before?.issued
    let next = await this.#firstThatServes(anew)
    if (!next) {
      if (strict && !before && this.#attempts.size === 0) this.#unusable()
      await this.#stopgap.refresh(anew)
      next = this.#stopgap.issued ? this.#stopgap : undefined
    }
    // One that has just expired is still better than none: some clients go on.
    this.#held = next ?? (before?.issued ? before : this.#unusable())
    if (this.#held !== before) this.#narrateChoice(this.#held, before !== undefined)
    else if (served && this.#held.issued !== served) this.#narrateRenewal(served)
    this.#narrateTrouble(this.#held)
  }

  async #firstThatServes(anew: boolean): Promise<SourceState | undefined> {
    let stopsSoon: SourceState | undefined
    for (const state of this.#sources) {
      // Browsers warn of our own CA: it is no successor to what they trust.
      if (stopsSoon && state.source.kind === 'internal') continue
      await state.refresh(anew)
      if (!state.serves) continue
      if (!state.makesRoom) return state
      stopsSoon ??= state
    }
    return stopsSoon
  }

  /** Sets ACME to work where that is due. Does not wait for it. */
  pursue(): void {
    let adopted: IssuedCertificate | undefined
    for (const state of this.#sources) {
      const attempts = this.#attempts.get(state)
      if (!attempts) {
        if (state.serves && !state.makesRoom) return
        if (state.serves) adopted ??= state.issued
        continue
      }
      // Another one would not be valid sooner: it is dated by the CA's clock. To ask for more would only use up its limits.
      const current = state.serves || state.isPremature ? state.issued : undefined
      if (current) void attempts.seekAdvice(current)
      if (!attempts.isDue(current)) return
      attempts.begin(current)
      // The next one is asked only when this one cannot, or cannot in time.
      const serving = current ?? adopted
      const waits = !attempts.failing || (serving !== undefined && !attempts.inEmergency(serving))
      if (waits) return
    }
  }

  /** A new one from the ACME source that serves, else from the first. Rejects with the reason if there is none or if it fails. */
  async renew({ revoke }: { readonly revoke: boolean }): Promise<IssuedCertificate> {
    const state = [this.#held, ...this.#sources].find((one) => one !== undefined && this.#attempts.has(one))
    const attempts = state && this.#attempts.get(state)
    if (!state || !attempts || state.source.kind !== 'acme')
      throw new GatehouseError('certificate-unusable', `${this.#names} has no ACME source to renew it from`)
    const old = state.issued
    const made = await attempts.now(old)
    if (!revoke || !old) return made
    try {
      await this.#issuers.acme(state.source).revoke(old.certificate)
    } catch (error) {
      throw new Error(`renewed, but the one before could not be revoked: ${messageOf(error)}`, { cause: error })
    }
    return made
  }

  /** Only after `choose`. */
  get served(): ServedCertificate {
    const { source, issued } = this.#inService
    const { certificate, key } = issued
    return { names: this.plan.domains, certificate, key, anyName: source.kind === 'files' && source.anyName }
  }

  status(): CertificateStatus {
    const { state, source, issued } = this.#inService
    const preferred = this.#preferredTo(state)
    const told = state === this.#stopgap ? preferred : [...preferred, state]
    const attempts = [...this.#attempts].find(([one]) => one === state) ?? [...this.#attempts][0]
    return {
      names: this.plan.domains,
      source: source.kind,
      issuer: issued.issuer,
      notBefore: issued.notBefore.toISOString(),
      notAfter: issued.notAfter.toISOString(),
      skipped: told.flatMap(({ source: { kind }, problem }) =>
        problem === undefined ? [] : [{ source: kind, error: problem }],
      ),
      stopgap: state === this.#stopgap,
      ...(attempts && { renewal: attempts[1].status(this.#replacedBy(attempts[0])) }),
    }
  }

  close(): void {
    for (const attempts of this.#attempts.values()) attempts.close()
  }

  /** The certificate that the next one of this ACME source takes the place of. */
  #replacedBy(acme: SourceState): IssuedCertificate | undefined {
    if (this.#held?.adopted) return this.#held.issued
    return acme.serves ? acme.issued : undefined
  }

  get #inService(): { state: SourceState; source: SourceState['source']; issued: IssuedCertificate } {
    const state = this.#held
    if (!state?.issued) throw new Error('no certificate was chosen yet')
    return { state, source: state.source, issued: state.issued }
  }

  #preferredTo(held: SourceState): readonly SourceState[] {
    return held === this.#stopgap ? this.#sources : this.#sources.slice(0, this.#sources.indexOf(held))
  }

  #narrateChoice(held: SourceState, changed: boolean): void {
    const { log } = this.#issuers
    if (changed) {
      const { source, issued } = this.#inService
      log.info(`the certificate for ${this.#names} is now from ${source.kind}, by ${issued.issuer}`)
    }
    const kind = held === this.#stopgap ? 'a certificate of our own CA, which browsers warn of,' : held.source.kind
    for (const { source, problem, makesRoom } of this.#preferredTo(held)) {
      if (makesRoom) continue
      log.warn(
        `certificate for ${this.#names}: ${kind} serves instead of ${source.kind}: ${problem ?? 'it cannot serve yet'}`,
      )
    }
  }

  #narrateRenewal(before: IssuedCertificate): void {
    const { source, issued } = this.#inService
    // ACME tells of each certificate itself, and reads it again from storage.
    if (source.kind === 'acme' || issued.certificate === before.certificate) return
    this.#issuers.log.info(`renewed the certificate for ${this.#names}, until ${issued.notAfter.toISOString()}`)
  }

  /** Said once for each reason: what serves goes on, but will not for ever. */
  #narrateTrouble({ problem, issued }: SourceState): void {
    if (problem === this.#trouble) return
    this.#trouble = problem
    if (problem === undefined || !issued) return
    const until = issued.notAfter.toISOString()
    this.#issuers.log.error(`cannot renew the certificate for ${this.#names}, which expires on ${until}: ${problem}`)
  }

  get #names(): string {
    return this.plan.domains.join(', ')
  }

  #unusable(): never {
    const { file, line, column } = this.plan.position
    const all = [...this.#sources, this.#stopgap].filter(({ problem }) => problem !== undefined)
    const told = all.filter(({ source }, index) => all.findIndex((one) => one.source.kind === source.kind) === index)
    const reasons = told.map(({ source, problem }) => `\n  ${source.kind}: ${problem}`).join('')
    throw new GatehouseError(
      'certificate-unusable',
      `${file}:${line}:${column}: no source can serve the certificate for ${this.#names}:${reasons}`,
    )
  }
}
