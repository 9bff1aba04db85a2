/** One certificate of the plan: serves from the best source, and keeps asking ACME while no better source serves. */
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
  readonly #attempts: ReadonlyMap<SourceState, AcmeAttempts>
  /** The internal CA, when nothing else can serve: a browser's warning is better than no answer. */
  readonly #fallback: SourceState
  #inUse: SourceState | undefined
  /** The problem of the source in use that was logged last. */
  #loggedProblem: string | undefined

  /** `changed` is called when the certificate or its status may have changed. */
  constructor(plan: CertificatePlan, issuers: Issuers, changed: () => void) {
    this.plan = plan
    this.#issuers = issuers
    this.#sources = plan.use.map((source) => new SourceState(source, plan.domains, issuers))
    this.#fallback = new SourceState({ kind: 'internal' }, plan.domains, issuers)
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
   * Chooses the source again; `force` reads unchanged files, too. Throws `certificate-unusable` if nothing can serve,
   * not even the internal CA; with `strict` also if only that one can and there is no ACME source to wait for.
   */
  async choose({ force = false, strict = false } = {}): Promise<void> {
    const before = this.#inUse
    const served = before?.issued
    let next = await this.#firstThatServes(force)
    if (!next) {
      if (strict && !before && this.#attempts.size === 0) this.#unusable()
      await this.#fallback.refresh(force)
      next = this.#fallback.issued ? this.#fallback : undefined
    }
    // An expired certificate is better than none: some clients accept it.
    this.#inUse = next ?? (before?.issued ? before : this.#unusable())
    if (this.#inUse !== before) this.#logChoice(this.#inUse, before !== undefined)
    else if (served && this.#inUse.issued !== served) this.#logRenewal(served)
    this.#logProblem(this.#inUse)
  }

  async #firstThatServes(force: boolean): Promise<SourceState | undefined> {
    let stopsSoon: SourceState | undefined
    for (const state of this.#sources) {
      // Browsers warn about the internal CA: it must not replace a certificate that they trust.
      if (stopsSoon && state.source.kind === 'internal') continue
      await state.refresh(force)
      if (!state.serves) continue
      if (!state.yieldsToLater) return state
      stopsSoon ??= state
    }
    return stopsSoon
  }

  /** Starts ACME attempts that are due, without waiting for them. */
  startAttempts(): void {
    let adopted: IssuedCertificate | undefined
    for (const state of this.#sources) {
      const attempts = this.#attempts.get(state)
      if (!attempts) {
        if (state.serves && !state.yieldsToLater) return
        if (state.serves) adopted ??= state.issued
        continue
      }
      // A certificate that is not valid yet is not replaced: the next one would have the same date, and cost the CA's
      // rate limit.
      const current = state.serves || state.isPremature ? state.issued : undefined
      if (current) void attempts.updateAdvice(current)
      if (!attempts.isDue(current)) return
      attempts.start(current)
      // The next source is asked only if this one fails, or not in time.
      const serving = current ?? adopted
      const waits = !attempts.failing || (serving !== undefined && !attempts.inEmergency(serving))
      if (waits) return
    }
  }

  /** From the ACME source in use, else from the first one. Rejects with the reason if there is none or if it fails. */
  async renew({ revoke }: { readonly revoke: boolean }): Promise<IssuedCertificate> {
    const state = [this.#inUse, ...this.#sources].find((one) => one !== undefined && this.#attempts.has(one))
    const attempts = state && this.#attempts.get(state)
    if (!state || !attempts || state.source.kind !== 'acme')
      throw new GatehouseError(
        'certificate-unusable',
        `the certificate for ${this.#names} has no ACME source to renew it from`,
      )
    const old = state.issued
    const made = await attempts.renewNow(old)
    if (!revoke || !old) return made
    try {
      await this.#issuers.acme(state.source).revoke(old.certificate)
    } catch (error) {
      throw new Error(`renewed, but the old one could not be revoked: ${messageOf(error)}`, { cause: error })
    }
    return made
  }

  /** Only after `choose`. */
  get served(): ServedCertificate {
    const { source, issued } = this.#current
    const { certificate, key } = issued
    return { names: this.plan.domains, certificate, key, anyName: source.kind === 'files' && source.anyName }
  }

  status(): CertificateStatus {
    const { state, source, issued } = this.#current
    const preferred = this.#preferredTo(state)
    const reported = state === this.#fallback ? preferred : [...preferred, state]
    const attempts = [...this.#attempts].find(([one]) => one === state) ?? [...this.#attempts][0]
    return {
      names: this.plan.domains,
      source: source.kind,
      issuer: issued.issuer,
      notBefore: issued.notBefore.toISOString(),
      notAfter: issued.notAfter.toISOString(),
      skipped: reported.flatMap(({ source: { kind }, problem }) =>
        problem === undefined ? [] : [{ source: kind, error: problem }],
      ),
      fallback: state === this.#fallback,
      ...(attempts && { renewal: attempts[1].status(this.#replacedBy(attempts[0])) }),
    }
  }

  close(): void {
    for (const attempts of this.#attempts.values()) attempts.close()
  }

  /** The certificate that the next one of this ACME source will replace. */
  #replacedBy(acme: SourceState): IssuedCertificate | undefined {
    if (this.#inUse?.adopted) return this.#inUse.issued
    return acme.serves ? acme.issued : undefined
  }

  get #current(): { state: SourceState; source: SourceState['source']; issued: IssuedCertificate } {
    const state = this.#inUse
    if (!state?.issued) throw new Error('no certificate was chosen yet')
    return { state, source: state.source, issued: state.issued }
  }

  #preferredTo(state: SourceState): readonly SourceState[] {
    return state === this.#fallback ? this.#sources : this.#sources.slice(0, this.#sources.indexOf(state))
  }

  #logChoice(state: SourceState, changed: boolean): void {
    const { log } = this.#issuers
    if (changed) {
      const { source, issued } = this.#current
      log.info(`the certificate for ${this.#names} is now from ${source.kind}, issued by ${issued.issuer}`)
    }
    const kind = state === this.#fallback ? 'the internal CA, which browsers warn about,' : state.source.kind
    for (const { source, problem, yieldsToLater } of this.#preferredTo(state)) {
      if (yieldsToLater) continue
      const reason = problem ?? 'it cannot serve yet'
      log.warn(`certificate for ${this.#names}: ${kind} serves instead of ${source.kind}: ${reason}`)
    }
  }

  #logRenewal(before: IssuedCertificate): void {
    const { source, issued } = this.#current
    // ACME attempts log this themselves; the certificate is then read again from storage.
    if (source.kind === 'acme' || issued.certificate === before.certificate) return
    this.#issuers.log.info(`renewed the certificate for ${this.#names}, valid until ${issued.notAfter.toISOString()}`)
  }

  /** Logged once for each reason. */
  #logProblem({ problem, issued }: SourceState): void {
    if (problem === this.#loggedProblem) return
    this.#loggedProblem = problem
    if (problem === undefined || !issued) return
    const until = issued.notAfter.toISOString()
    this.#issuers.log.error(`cannot renew the certificate for ${this.#names}, which expires on ${until}: ${problem}`)
  }

  get #names(): string {
    return this.plan.domains.join(', ')
  }

  #unusable(): never {
    const { file, line, column } = this.plan.position
    const all = [...this.#sources, this.#fallback].filter(({ problem }) => problem !== undefined)
    const distinct = all.filter(
      ({ source }, index) => all.findIndex((one) => one.source.kind === source.kind) === index,
    )
    const reasons = distinct.map(({ source, problem }) => `\n  ${source.kind}: ${problem}`).join('')
    throw new GatehouseError(
      'certificate-unusable',
      `${file}:${line}:${column}: no source can serve the certificate for ${this.#names}:${reasons}`,
    )
  }
}
