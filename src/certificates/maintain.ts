import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { AcmePlan, CertificatePlan } from '../plan/model/certificates.ts'
import { messageOf } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import type { ServedCertificate } from '../shared/served.ts'
import { setInterval } from '../shared/time/timer.ts'
import { type AcmeIssuer, createAcmeIssuer } from './acme/acme-issuer.ts'
import { createAuthority } from './ca/authority.ts'
import type { CertificateStatus, ChallengePresenter, RunDnsHook } from './certificate-source.ts'
import { ManagedCertificate } from './managed-certificate.ts'
import type { Issuers } from './source-state.ts'

/** Every certificate of the plan: obtained, renewed in time, and passed to listeners when one changes. */
export interface Certificates {
  /**
   * What can be served at once for the plans of the options, in their order: it does not wait for any CA, and at worst
   * the internal one serves. Throws `certificate-unusable` if even that one cannot.
   */
  load(): Promise<readonly ServedCertificate[]>
  /**
   * Does the same for new plans and replaces the old ones; files are read again even if the plans are the same.
   * Stricter than `load`: a new certificate that none of its sources can serve is an error, unless there is an ACME
   * server among them. If it throws the old plans and certificates stay in use.
   */
  apply(plans: readonly CertificatePlan[]): Promise<readonly ServedCertificate[]>
  /** The listener, which must not throw, gets the whole list when it changes. Returns what unsubscribes it. */
  subscribe(listener: CertificatesListener): () => void
  /** From now on checks every few seconds what has changed and what is due. Does not keep the process alive. */
  watch(): void
  /**
   * Gets a new certificate for this name from its ACME server now, then revokes the old one if `revoke`. Rejects with
   * the reason.
   */
  renew(name: string, options: { readonly revoke: boolean }): Promise<CertificateStatus>
  /** PEM of the internal CA's root, created if there is none. Rejects with `certificate-unusable`. */
  internalRoot(): Promise<string>
  close(): void
  /** For the status, in the order of the plans. */
  describe(): readonly CertificateStatus[]
}

export type CertificatesListener = (certificates: readonly ServedCertificate[]) => void

export interface CertificatesOptions {
  readonly plans: readonly CertificatePlan[]
  /** Absolute path of the folder for state; the internal CA is below it in `internal`, ACME in `acme`. */
  readonly storage: string
  readonly presenter: ChallengePresenter
  readonly runDnsHook: RunDnsHook
  readonly log: Log
}

/** A pair that is replaced on disk is noticed within seconds; a check costs a few stats. */
const checkInterval = 2_000

export function createCertificates(options: CertificatesOptions): Certificates {
  const { storage, log } = options
  /** Of plans in use: after a reload the others are garbage-collected. */
  const acmeIssuers = new WeakMap<AcmePlan, AcmeIssuer>()
  const issuers: Issuers = {
    authority: createAuthority(join(storage, 'internal'), log),
    acme(plan) {
      const known = acmeIssuers.get(plan) ?? createAcmeIssuer({ ...options, plan })
      acmeIssuers.set(plan, known)
      return known
    },
    log,
  }
  const listeners = new Set<CertificatesListener>()
  const serialize = createTurns()
  let managed: readonly ManagedCertificate[] = []
  let served: readonly ServedCertificate[] = []
  let timer: NodeJS.Timeout | undefined

  function publish(): readonly ServedCertificate[] {
    const list = managed.map((certificate) => certificate.served)
    if (isDeepStrictEqual(list, served)) return served
    served = list
    for (const listener of listeners) listener(served)
    return served
  }

  /** Certificates with the same plan keep their state, above all their failures, which a reload must not reset. */
  async function manage(plans: readonly CertificatePlan[], strict: boolean): Promise<readonly ServedCertificate[]> {
    const next = plans.map(
      (plan) => managed.find((one) => samePlan(one.plan, plan)) ?? new ManagedCertificate(plan, issuers, scheduleCheck),
    )
    for (const certificate of next) await certificate.choose({ force: true, strict })
    for (const certificate of managed) if (!next.includes(certificate)) certificate.close()
    managed = next
    return publish()
  }

  async function checkAll(): Promise<void> {
    for (const certificate of managed) {
      try {
        await certificate.choose()
      } catch (error) {
        log.error(messageOf(error))
      }
      certificate.startAttempts()
    }
    publish()
  }

  function scheduleCheck(): void {
    if (timer) void serialize(checkAll)
  }

  return {
    load: () => serialize(() => manage(options.plans, false)),
    apply: (plans) => serialize(() => manage(plans, true)),
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    watch() {
      timer ??= setInterval(scheduleCheck, checkInterval).unref()
      scheduleCheck()
    },
    async renew(name, options) {
      const certificate = managed.find(({ plan }) => plan.domains.includes(name))
      if (!certificate) throw new Error(`no certificate for ${name}`)
      await certificate.renew(options)
      await serialize(checkAll)
      return certificate.status()
    },
    internalRoot: () => serialize(() => issuers.authority.root()),
    close() {
      clearInterval(timer)
      timer = undefined
      listeners.clear()
      for (const certificate of managed) certificate.close()
    },
    describe: () => managed.map((certificate) => certificate.status()),
  }
}

function samePlan({ position: _, ...one }: CertificatePlan, { position: __, ...other }: CertificatePlan): boolean {
  return isDeepStrictEqual(one, other)
}

/** One piece of work after another: a reload and a renewal at the same time could create two internal roots. */
function createTurns(): <Result>(work: () => Promise<Result>) => Promise<Result> {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const result = last.then(work)
    last = result.catch(() => {})
    return result
  }
}
