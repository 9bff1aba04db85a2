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

/** Every certificate of the plan: obtained, renewed in time, and handed on whenever one changes. */
export interface Certificates {
  /**
   * What can be served at once for the plans that it was made with, in their order: no CA is waited for, and at worst our own
   * serves. Throws `certificate-unusable` if even that one cannot.
   */
  load(): Promise<readonly ServedCertificate[]>
  /**
   * Does the same for new plans, and takes them over; files are read anew even if the plans are the same. Stricter than `load`: a
   * new certificate that none of its sources can serve is refused, unless there is an ACME server among them.
   * If it throws, the old plans and certificates go on.
   */
  apply(plans: readonly CertificatePlan[]): Promise<readonly ServedCertificate[]>
  /** The listener, which must not throw, gets the whole list whenever it differs from the last one. Returns the way to stop that. */
  subscribe(listener: CertificatesListener): () => void
  /** From now on looks every few seconds for what has changed and what is due. Does not keep the process alive. */
  watch(): void
  /** A new certificate for this name now, from its ACME server; `revoke` the old one then. Rejects with the reason. */
  renew(name: string, options: { readonly revoke: boolean }): Promise<CertificateStatus>
  /** PEM of our own CA's root, made if there is none yet. Rejects with `certificate-unusable` if it cannot be. */
  internalRoot(): Promise<string>
  close(): void
  /** What may be told of them, in the order of the plans. */
  describe(): readonly CertificateStatus[]
}

export type CertificatesListener = (certificates: readonly ServedCertificate[]) => void

export interface CertificatesOptions {
  readonly plans: readonly CertificatePlan[]
  /** Absolute path of the folder for state; the internal CA lives below it in `internal`, what ACME servers gave in `acme`. */
  readonly storage: string
  readonly presenter: ChallengePresenter
  readonly runDnsHook: RunDnsHook
  readonly log: Log
}

/** A pair that is swapped on disk is seen within seconds; a look costs a few stats. */
const lookEvery = 2_000

export function createCertificates(options: CertificatesOptions): Certificates {
  const { storage, log } = options
  /** Of plans that are in use: a reload lets go of the others. */
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
  const inTurn = createTurns()
  let keepers: readonly ManagedCertificate[] = []
  let served: readonly ServedCertificate[] = []
  let timer: NodeJS.Timeout | undefined

  function handOn(): readonly ServedCertificate[] {
    const list = keepers.map((keeper) => keeper.served)
    if (isDeepStrictEqual(list, served)) return served
    served = list
    for (const listener of listeners) listener(served)
    return served
  }

  /** Those whose plan is the same keep what they know: of failures above all, which a reload must not make them forget. */
  async function keepAll(plans: readonly CertificatePlan[], strict: boolean): Promise<readonly ServedCertificate[]> {
    const next = plans.map(
      (plan) => keepers.find((one) => samePlan(one.plan, plan)) ?? new ManagedCertificate(plan, issuers, lookSoon),
    )
    for (const keeper of next) await keeper.choose({ anew: true, strict })
    for (const keeper of keepers) if (!next.includes(keeper)) keeper.close()
    keepers = next
    return handOn()
  }

  async function look(): Promise<void> {
    for (const keeper of keepers) {
      try {
        await keeper.choose()
      } catch (error) {
        log.error(messageOf(error))
      }
      keeper.pursue()
    }
    handOn()
  }

  function lookSoon(): void {
    if (timer) void inTurn(look)
  }

  return {
    load: () => inTurn(() => keepAll(options.plans, false)),
    apply: (plans) => inTurn(() => keepAll(plans, true)),
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    watch() {
      timer ??= setInterval(lookSoon, lookEvery).unref()
      lookSoon()
    },
    async renew(name, wish) {
      const keeper = keepers.find(({ plan }) => plan.domains.includes(name))
      if (!keeper) throw new Error(`there is no certificate for ${name}`)
      await keeper.renew(wish)
      await inTurn(look)
      return keeper.status()
    },
    internalRoot: () => inTurn(() => issuers.authority.root()),
    close() {
      clearInterval(timer)
      timer = undefined
      listeners.clear()
      for (const keeper of keepers) keeper.close()
    },
    describe: () => keepers.map((keeper) => keeper.status()),
  }
}

function samePlan({ position: _, ...one }: CertificatePlan, { position: __, ...other }: CertificatePlan): boolean {
  return isDeepStrictEqual(one, other)
}

/** One piece of work after the other: a reload and a renewal at once could make two internal roots. */
function createTurns(): <Result>(work: () => Promise<Result>) => Promise<Result> {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const result = last.then(work)
    last = result.catch(() => {})
    return result
  }
}
