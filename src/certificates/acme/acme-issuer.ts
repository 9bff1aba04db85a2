/** Certificates from one ACME server, kept in storage that replicas may share. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { AcmePlan } from '../../plan/model/certificates.ts'
import { messageOf } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { ChallengePresenter, RunDnsHook } from '../certificate-source.ts'
import { covers, type IssuedCertificate, withFacts } from '../pem.ts'
import { type AcmeSession, newAcmeKey, openAcme } from './acme.ts'
import { type AcmePair, obtainByAcme } from './acme-order.ts'
import { type AcmeStore, type CertificateFolder, createAcmeStore } from './acme-store.ts'
import { AcmeFailure, type AcmeTransport, createTransport } from './acme-transport.ts'
import { askRenewalAdvice, certificateId, type RenewalAdvice } from './ari.ts'

export interface AcmeIssuer {
  /** Of the server, for the log. */
  readonly host: string
  /** What is kept for these domains, expired or not; undefined if there is nothing of use. Rejects if it cannot be read. */
  stored(domains: readonly string[]): Promise<IssuedCertificate | undefined>
  /** Changes when what is stored was written anew, perhaps by another replica. */
  storedSign(domains: readonly string[]): Promise<string | undefined>
  /**
   * A new certificate; or the stored one, if another replica has just put one there that is `enough`. Undefined while another
   * replica is at it. Rejects with `AcmeFailure` or an `Error`, in words for the log.
   */
  issue(domains: readonly string[], wish: IssueWish): Promise<IssuedCertificate | undefined>
  /** Tries all of it at the staging server of the same CA, if it has one; rejects as `issue` would. */
  rehearse(domains: readonly string[], signal: AbortSignal): Promise<void>
  advice(certificate: string): Promise<RenewalAdvice | undefined>
  revoke(certificate: string): Promise<void>
}

export interface IssueWish {
  /** The one that it takes the place of. */
  readonly replaces?: IssuedCertificate
  enough(stored: IssuedCertificate): boolean
  readonly signal: AbortSignal
}

export interface AcmeIssuerOptions {
  readonly plan: AcmePlan
  /** Absolute path of the folder for state. */
  readonly storage: string
  readonly presenter: ChallengePresenter
  readonly runDnsHook: RunDnsHook
  readonly log: Log
}

export function createAcmeIssuer({ plan, storage, presenter, runDnsHook, log }: AcmeIssuerOptions): AcmeIssuer {
  const store = createAcmeStore(storage, plan.directory)
  const host = new URL(plan.directory).host
  // Kept, since their locks remember since when they have not changed.
  const folders = new Map<string, CertificateFolder>()
  const folder = ([first = '']: readonly string[]) => {
    const known = folders.get(first) ?? store.certificate(first)
    folders.set(first, known)
    return known
  }
  let transport: Promise<AcmeTransport> | undefined
  const connect = () =>
    (transport ??= openTransport(plan).catch((error) => {
      transport = undefined
      throw error
    }))
  const shown = withDns(presenter, plan, runDnsHook)
  const wishFor = (names: readonly string[]) => {
    const { challenges, profile, preferredChain, key } = plan
    return { names, challenges, key, ...(profile && { profile }), ...(preferredChain && { preferredChain }) }
  }

  async function stored(domains: readonly string[]): Promise<IssuedCertificate | undefined> {
    const pair = await folder(domains).pair.load()
    return pair && issuedFrom(pair, domains)
  }

  return {
    host,
    stored,
    storedSign: (domains) => folder(domains).pairSign(),
    async issue(domains, { replaces, enough, signal }) {
      const { pair, pending, lock } = folder(domains)
      const held = await lock.take()
      if (!held) return undefined
      try {
        const found = await stored(domains)
        if (found && enough(found)) return found
        const session = await openSession(plan, store, await connect())
        const id = replaces && certificateId(replaces.certificate)
        const wish = { ...wishFor(domains), ...(id !== undefined && { replaces: id }) }
        const made = await obtainByAcme(session, wish, { presenter: shown, pending, signal })
        const issued = issuedFrom(made, domains)
        if (!issued) {
          await pending.clear()
          throw new Error('the certificate that was issued is not for the names that were ordered')
        }
        if (!(await held.stillHeld())) {
          log.warn(
            `the lock for ${domains.join(', ')} was taken over by another Gatehouse while an order was under way`,
          )
          const theirs = await stored(domains)
          if (theirs && enough(theirs)) return theirs
        }
        await pair.save(made)
        if (await held.stillHeld()) await pending.clear()
        return issued
      } finally {
        await held.release()
      }
    },
    async rehearse(domains, signal) {
      if (plan.staging === undefined) return
      const staging = { ...plan, directory: plan.staging }
      const session = await openSession(staging, createAcmeStore(storage, plan.staging), await connect())
      const pending = { load: async () => undefined, save: async () => {}, clear: async () => {} }
      await obtainByAcme(session, wishFor(domains), { presenter: shown, pending, signal })
    },
    advice: async (certificate) => askRenewalAdvice(await connect(), plan.directory, certificate),
    async revoke(certificate) {
      const session = await openSession(plan, store, await connect())
      await session.revoke(certificate)
    },
  }
}

async function openTransport({ trust }: AcmePlan): Promise<AcmeTransport> {
  if (trust === undefined) return createTransport()
  try {
    return createTransport(await readFile(trust, 'utf8'))
  } catch (error) {
    throw new Error(`the trusted roots cannot be read: ${messageOf(error)}`)
  }
}

/** With the account that is kept, or a new one; also where the server does not know the kept one any more. */
async function openSession(plan: AcmePlan, store: AcmeStore, transport: AcmeTransport): Promise<AcmeSession> {
  const { directory, email, externalAccount } = plan
  const known = await store.account.load()
  const key = known?.key ?? (await newAcmeKey())
  const options = { directory, transport, ...(email && { email }), ...(externalAccount && { externalAccount }) }
  try {
    const session = await openAcme({ ...options, account: { key, ...(known?.url && { url: known.url }) } })
    if (session.account !== known?.url) await store.account.save({ key, url: session.account })
    return session
  } catch (error) {
    if (known?.url === undefined || !(error instanceof AcmeFailure) || error.problem !== 'accountDoesNotExist')
      throw error
    const session = await openAcme({ ...options, account: { key } })
    await store.account.save({ key, url: session.account })
    return session
  }
}

/** TXT records are set by a command of the operator's; everything else is shown by the gateway. */
function withDns(presenter: ChallengePresenter, { dns }: AcmePlan, run: RunDnsHook): ChallengePresenter {
  const record = (name: string) => `_acme-challenge.${name}`
  return {
    async present(challenge) {
      const { type, name, proof } = challenge
      if (type !== 'dns-01') return presenter.present(challenge)
      if (dns) await run(dns, ['set', record(name), proof])
    },
    async withdraw(challenge) {
      const { type, name, proof } = challenge
      if (type !== 'dns-01') return presenter.withdraw(challenge)
      // A record that stays is harmless: its value proves nothing any more.
      if (dns) await run(dns, ['clear', record(name), proof]).catch(() => {})
    },
  }
}

/** Undefined: it is no pair, or not for these names. */
function issuedFrom({ certificate, key }: AcmePair, domains: readonly string[]): IssuedCertificate | undefined {
  try {
    const leaf = new X509Certificate(certificate)
    if (!leaf.checkPrivateKey(createPrivateKey(key)) || !domains.every((domain) => covers(leaf, domain)))
      return undefined
    return withFacts(leaf, { certificate, key })
  } catch {
    return undefined
  }
}
