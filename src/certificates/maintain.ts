import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { CertificatePlan } from '../plan/types.ts'
import { messageOf } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import { createAuthority } from './issuer/authority.ts'
import { type HeldCertificate, type Issuers, obtain, obtainFrom } from './obtain.ts'
import type { CertificateStatus, ServedCertificate } from './ports.ts'

/** Every certificate of the plan: obtained, renewed in time, and handed on whenever one changes. */
export interface Certificates {
  /** Obtains the certificates of the plans it was made with, in their order. Throws `certificate-unusable` if one has no source that can serve. */
  load(): Promise<readonly ServedCertificate[]>
  /**
   * Does the same for new plans, and takes them over; files are read anew even if the plans are the same.
   * If it throws, the old plans and certificates go on.
   */
  apply(plans: readonly CertificatePlan[]): Promise<readonly ServedCertificate[]>
  /** The listener, which must not throw, gets the whole list whenever it differs from the last one. Returns the way to stop that. */
  subscribe(listener: CertificatesListener): () => void
  /** From now on renews, every hour, what is due. Does not keep the process alive. */
  watch(): void
  close(): void
  /** What may be told of them, in the order of the plans. */
  describe(): readonly CertificateStatus[]
}

export type CertificatesListener = (certificates: readonly ServedCertificate[]) => void

export interface CertificatesOptions {
  readonly plans: readonly CertificatePlan[]
  /** Absolute path of the folder for state; the internal CA lives below it in `internal`. */
  readonly storage: string
  readonly log: Log
}

/** A leaf has days left when it falls due: an hour more or less is nothing, and a check costs two small reads. */
const checkInterval = 3_600_000

export function createCertificates({ plans, storage, log }: CertificatesOptions): Certificates {
  const issuers: Issuers = { authority: createAuthority(join(storage, 'internal'), log), log }
  const listeners = new Set<CertificatesListener>()
  const inTurn = createTurns()
  let held: readonly HeldCertificate[] = []
  let served: readonly ServedCertificate[] = []
  let timer: NodeJS.Timeout | undefined

  function takeOver(next: readonly HeldCertificate[]): readonly ServedCertificate[] {
    held = next
    const list = next.map(toServed)
    if (isDeepStrictEqual(list, served)) return served
    served = list
    for (const listener of listeners) listener(served)
    return served
  }

  async function obtainAll(wanted: readonly CertificatePlan[]): Promise<readonly ServedCertificate[]> {
    const next: HeldCertificate[] = []
    for (const plan of wanted) next.push(await obtain(plan, issuers))
    return takeOver(next)
  }

  /** Only what we issue ourselves falls due here. What cannot be renewed stays in service and is tried again in an hour. */
  async function renew(): Promise<void> {
    const next: HeldCertificate[] = []
    for (const one of held) next.push(one.source.kind === 'internal' ? await renewed(one) : one)
    takeOver(next)
  }

  async function renewed(one: HeldCertificate): Promise<HeldCertificate> {
    const names = one.plan.domains.join(', ')
    const until = (certificate: HeldCertificate) => certificate.issued.notAfter.toISOString()
    try {
      const next = { ...one, issued: await obtainFrom(one.source, one.plan.domains, issuers) }
      if (until(next) !== until(one)) log.info(`renewed the certificate for ${names}, until ${until(next)}`)
      return next
    } catch (error) {
      log.error(`cannot renew the certificate for ${names}, which expires on ${until(one)}: ${messageOf(error)}`)
      return one
    }
  }

  return {
    load: () => inTurn(() => obtainAll(plans)),
    apply: (newPlans) => inTurn(() => obtainAll(newPlans)),
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    watch() {
      timer ??= setInterval(() => inTurn(renew), checkInterval).unref()
    },
    close() {
      clearInterval(timer)
      timer = undefined
      listeners.clear()
    },
    describe: () => held.map(toStatus),
  }
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

function toServed({ plan, source, issued }: HeldCertificate): ServedCertificate {
  return {
    names: plan.domains,
    certificate: issued.certificate,
    key: issued.key,
    anyName: source.kind === 'files' && source.anyName,
  }
}

function toStatus({ plan, source, issued, skipped }: HeldCertificate): CertificateStatus {
  return {
    names: plan.domains,
    source: source.kind,
    issuer: issued.issuer,
    notAfter: issued.notAfter.toISOString(),
    skipped,
  }
}
